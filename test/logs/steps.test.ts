import type { Context } from '@temporalio/activity';
import pino, { type Logger } from 'pino';
import { expect, test } from 'vitest';
import { addLogIds, logIds, withLogIds } from '../../src/observability/log-ids.ts';
import { logSteps } from '../../src/temporal/log-steps.ts';

/** What one activity logs, with what it logs itself. */
async function linesOf(
  activityType: string,
  input: unknown,
  work: (log: Logger) => Promise<unknown>,
): Promise<Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { base: null, level: 'debug', timestamp: false, mixin: logIds },
    { write: (line: string) => lines.push(JSON.parse(line)) },
  );
  const info = { activityType, workflowExecution: { workflowId: 'protect:e1', runId: 'r' } };
  const { inbound } = logSteps(log)({ info } as unknown as Context);
  await inbound?.execute?.({ args: [input], headers: {} }, () => work(log)).catch(() => {});
  return lines;
}

const infoLevel = 30;
const debugLevel = 20;

test('a step is one line with its ids, its outcome and how long it took; what it logs itself carries the ids too', async () => {
  const lines = await linesOf('fingerprint', { entryId: 'e1', runId: 'run1', round: 0 }, async (log) => {
    log.warn({ reason: 'limits' }, 'not scanned');
    await Promise.resolve();
    return { next: 'settled', outcome: 'ignored', reason: 'special_file', versionId: 'v1' };
  });
  const ids = { step: 'fingerprint', workflow: 'protect:e1', entry: 'e1', run: 'run1' };
  expect(lines).toEqual([
    { level: 40, ...ids, reason: 'limits', msg: 'not scanned' },
    {
      ...{ level: infoLevel, ...ids, version: 'v1', outcome: 'ignored', reason: 'special_file' },
      ...{ durationMs: expect.any(Number), msg: 'step done' },
    },
  ]);
});

test('a step that knows its version only learns run and entry from it', async () => {
  const [line] = await linesOf('scan', { versionId: 'v1', last: false }, async () => {
    addLogIds({ run: 'run1', entry: 'e1' });
    return { next: 'seal' };
  });
  expect(line).toMatchObject({ level: debugLevel, version: 'v1', run: 'run1', entry: 'e1', outcome: 'seal' });
});

test('what was known already is no news, and an error is told by whoever knows its code', async () => {
  const unchanged = { next: 'settled', outcome: 'uploaded', unchanged: true };
  expect((await linesOf('fingerprint', {}, async () => unchanged))[0]?.level).toBe(debugLevel);
  const [line] = await linesOf('upload', { versionId: 'v1' }, async () => {
    throw new Error("ENOENT: '/srv/salaries.ods'");
  });
  expect(line).toMatchObject({ level: debugLevel, outcome: 'error', version: 'v1' });
  expect(JSON.stringify(line)).not.toContain('salaries');
});

test('nothing but ids is taken from what a step is given', async () => {
  const [line] = await linesOf('fingerprint', { entryId: 'e1', path: '/srv/x', name: 'x' }, async () => 1);
  expect(Object.keys(line ?? {}).sort()).toEqual(
    ['durationMs', 'entry', 'level', 'msg', 'outcome', 'step', 'workflow'].sort(),
  );
});

test('two steps at once do not mix their ids', async () => {
  const seen = await Promise.all(
    ['a', 'b'].map((version) =>
      withLogIds({ version }, async () => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        return logIds().version;
      }),
    ),
  );
  expect(seen).toEqual(['a', 'b']);
  expect(logIds()).toEqual({});
});
