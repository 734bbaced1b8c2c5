import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Output } from '../src/cli/output.ts';
import { isFailure } from '../src/domain/failures.ts';
import { resolvePaths } from '../src/stack/paths.ts';
import { projectRoot } from '../src/stack/project.ts';
import { testTools } from './testing/environment.ts';
import { policyStage } from './testing/policies.ts';
import { failedTests, type StageSummary, type Suite, summaryOf, writeResults } from './testing/results.ts';
import { commandStage, oneFailed, type Stage, type StageResult, sum } from './testing/stage.ts';
import { vitestStage } from './testing/vitest.ts';

/**
 * `npm test`: makes every tool ready, then runs everything, also after a failure, and counts.
 *
 *     node scripts/start.mjs scripts/test.ts [--check | --long]
 *
 * `--check`: format, lint, types and unused code only. `--long`: the tests that take longer than all others, and the
 * end-to-end tests once more with one object for each content, and on a self-hosted Temporal server. What all came to is
 * kept for `npm run evidence`.
 */
const { env } = process;
const uid = process.getuid?.() ?? 0;
const output = new Output(false);
const scratch = mkdtempSync(join(tmpdir(), 'holdfast-test-'));

process.chdir(projectRoot);
try {
  const args = process.argv.slice(2);
  const suite = args.includes('--check') ? undefined : args.includes('--long') ? 'test:long' : 'test';
  const result = await runAll(await stages(args), suite);
  output.line(`${result.passed} passed, ${result.failed} failed`);
  process.exitCode = result.failed === 0 ? 0 : 1;
} catch (error) {
  output.failure(error);
  process.exitCode = isFailure(error) ? error.exitCode : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function stages(args: readonly string[]): Promise<readonly Stage[]> {
  if (args.includes('--check')) return checks();
  const { opa, env: toolEnv } = await testTools({
    paths: resolvePaths(env, uid),
    uid,
    searchPath: env.PATH ?? '',
    scratch,
    onProgress: (message) => output.note(message),
  });
  // vitest takes a pipeline's log for a terminal.
  const testEnv = { ...env, ...toolEnv, ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }) };
  if (args.includes('--long'))
    return [
      vitestStage('long tests', 'vitest.long.config.ts', testEnv),
      vitestStage('end-to-end tests, without packs', 'vitest.packs-off.config.ts', testEnv),
      vitestStage('end-to-end tests, self-hosted Temporal', 'vitest.self-hosted.config.ts', testEnv),
    ];
  return [
    ...checks(),
    policyStage(opa),
    vitestStage('unit, workflow and replay tests', 'vitest.config.ts', testEnv),
    vitestStage('end-to-end tests', 'vitest.e2e.config.ts', testEnv),
  ];
}

/** What needs no tool but the packages. */
function checks(): readonly Stage[] {
  const installed = (name: string): string => join(projectRoot, 'node_modules/.bin', name);
  return [
    commandStage('format and lint', installed('biome'), ['check', '--colors=off']),
    commandStage('types', installed('tsc'), ['--project', '.']),
    commandStage('unused code and dependencies', installed('knip'), ['--no-progress']),
  ];
}

async function runAll(all: readonly Stage[], suite: Suite | undefined): Promise<StageResult> {
  const results: StageResult[] = [];
  const summaries: StageSummary[] = [];
  for (const stage of all) {
    output.line(`== ${stage.name}`);
    const startedAt = performance.now();
    const result = await runStage(stage);
    if (result.report) output.line(result.report.trimEnd());
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    const word = result.failed === 0 ? 'ok' : 'FAILED';
    output.line(
      `== ${stage.name}: ${word} in ${seconds} s (${result.passed} passed, ${result.failed} failed)`,
    );
    output.line();
    results.push(result);
    summaries.push(summaryOf(stage.name, seconds, result));
  }
  if (suite !== undefined) writeResults(suite, summaries);
  for (const line of failedTests(summaries)) output.line(line);
  return sum(results);
}

/** A stage that breaks counts as failed; the others still run. */
async function runStage(stage: Stage): Promise<StageResult> {
  try {
    return await stage.run();
  } catch (error) {
    return oneFailed(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}
