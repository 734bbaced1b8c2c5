import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../src/stack/project.ts';
import type { Stage, StageResult, TestFile } from './stage.ts';

/** A stage of vitest with one of the configuration files; its own reporter shows progress and failures. */
export function vitestStage(name: string, config: string, env: NodeJS.ProcessEnv): Stage {
  return { name, run: () => runVitest(config, env) };
}

/** What of vitest's JSON report is used. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  /** One per file. */
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

async function runVitest(config: string, env: NodeJS.ProcessEnv): Promise<StageResult> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-report-'));
  const file = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const code = await exitCode(['run', '--config', config, ...reporters], env);
    const report = readReport(file);
    const failed = (report?.numFailedTests ?? 0) + brokenFiles(report);
    return {
      passed: report?.numPassedTests ?? 0,
      // An error outside every test is a failure that no test has.
      failed: code !== 0 && failed === 0 ? 1 : failed,
      report: '',
      files: report?.testResults.map(testFile) ?? [],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Files that failed although none of their tests did: they do not load, or could not set up what they need. */
function brokenFiles(report: Report | undefined): number {
  return report?.testResults.filter(isBroken).length ?? 0;
}

const isBroken = ({ status, assertionResults }: Report['testResults'][number]): boolean =>
  status === 'failed' && !assertionResults.some((test) => test.status === 'failed');

/** What became of the tests of one file. */
export function testFile(file: Report['testResults'][number]): TestFile {
  const names = (status: string): string[] =>
    file.assertionResults.filter((test) => test.status === status).map(({ fullName }) => fullName);
  const failed = isBroken(file) ? ['the file itself'] : names('failed');
  return { name: file.name, passed: names('passed').length, failed };
}

function exitCode(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number | null> {
  const vitest = join(projectRoot, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [vitest, ...args], { env, stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
}

function readReport(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}
