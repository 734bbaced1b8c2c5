import { sourceFindings } from '../../src/policy/lint.ts';
import { runCommand } from '../../src/stack/run.ts';
import { checkCommand, oneFailed, type Stage, type StageResult, sum } from './stage.ts';

const folder = 'policies';
const leastCoveragePercent = '95';

/**
 * The rules: strict compilation against their schemas, their tests one by one, how much of them the tests reach, and that
 * each is described and each reason has its sentences.
 */
export const policyStage = (opa: string): Stage => ({
  name: 'policies',
  run: async () =>
    sum([
      await checkCommand(opa, ['check', '--strict', '--bundle', '--schema', `${folder}/schemas`, folder]),
      await ruleTests(opa),
      await checkCommand(opa, [
        'test',
        '--bundle',
        folder,
        '--coverage',
        '--threshold',
        leastCoveragePercent,
      ]),
      descriptions(),
    ]),
});

function descriptions(): StageResult {
  const found = sourceFindings(folder);
  return found.length === 0
    ? { passed: 1, failed: 0, report: '' }
    : { passed: 0, failed: found.length, report: found.map(({ detail }) => detail).join('\n') };
}

/** What of one element of `opa test --format json` is used. */
interface RuleTest {
  readonly package: string;
  readonly name: string;
  readonly fail?: boolean;
  readonly error?: unknown;
}

async function ruleTests(opa: string): Promise<StageResult> {
  const { code, stdout, stderr } = await runCommand(opa, [
    'test',
    ...['--bundle', folder],
    '--fail-on-empty',
    ...['--format', 'json'],
  ]);
  const tests = parsed(stdout);
  if (tests === undefined) return oneFailed(`${stdout}${stderr}`);
  const failed = tests.filter((test) => test.fail === true || test.error !== undefined);
  if (code !== 0 && failed.length === 0) return oneFailed(stderr);
  return {
    passed: tests.length - failed.length,
    failed: failed.length,
    report: failed.map((test) => `${test.package}.${test.name}: ${JSON.stringify(test)}`).join('\n'),
  };
}

function parsed(text: string): readonly RuleTest[] | undefined {
  try {
    return JSON.parse(text) as readonly RuleTest[];
  } catch {
    return undefined;
  }
}
