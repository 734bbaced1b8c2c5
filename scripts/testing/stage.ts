import { isProgramMissing, runCommand } from '../../src/stack/run.ts';

/** What one stage of the tests came to. */
export interface StageResult {
  readonly passed: number;
  readonly failed: number;
  /** What the operator reads when something failed; empty where the stage has shown it already. */
  readonly report: string;
  /** Where the stage is one of tests in files. */
  readonly files?: readonly TestFile[];
}

export interface TestFile {
  readonly name: string;
  readonly passed: number;
  /** Full names of tests; the file's own where it broke outside of them. */
  readonly failed: readonly string[];
}

export interface Stage {
  readonly name: string;
  readonly run: () => Promise<StageResult>;
}

/** A stage that is one command: it passes when the command ends with code 0. */
export function commandStage(name: string, command: string, args: readonly string[]): Stage {
  return { name, run: () => checkCommand(command, args) };
}

export async function checkCommand(command: string, args: readonly string[]): Promise<StageResult> {
  try {
    const { code, stdout, stderr } = await runCommand(command, args);
    return code === 0 ? onePassed : oneFailed(`${stdout}${stderr}`);
  } catch (error) {
    if (!isProgramMissing(error)) throw error;
    return oneFailed(`${command} is missing.`);
  }
}

const onePassed: StageResult = { passed: 1, failed: 0, report: '' };

export const oneFailed = (report: string): StageResult => ({ passed: 0, failed: 1, report });

export function sum(results: readonly StageResult[]): StageResult {
  return {
    passed: results.reduce((total, { passed }) => total + passed, 0),
    failed: results.reduce((total, { failed }) => total + failed, 0),
    report: results
      .map(({ report }) => report)
      .filter(Boolean)
      .join('\n'),
  };
}
