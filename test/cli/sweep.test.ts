import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runSweep } from '../../src/cli/commands/sweep.ts';
import { Output } from '../../src/cli/output.ts';
import type { Session } from '../../src/cli/session.ts';
import { type LineServer, serveLines } from '../../src/stack/line-socket.ts';
import { workerSocket } from '../../src/stack/paths.ts';

let runtime: string;
let worker: LineServer | undefined;

beforeEach(() => {
  runtime = mkdtempSync(path.join(tmpdir(), 'holdfast-sweep-'));
});

afterEach(() => {
  worker?.close();
  rmSync(runtime, { recursive: true });
});

/** What the command makes of a sweep that a worker says has ended so. */
async function waited(result: string, totals: Record<string, number>): Promise<number> {
  const paths = { runtime } as Session['paths'];
  worker = await serveLines(workerSocket(paths), async (_, say) => {
    say({ is: 'started', runId: 'r' });
    say({ is: 'ended', runId: 'r', result, totals, pinnedAt: null });
    worker?.close();
  });
  const session = {
    paths,
    actor: 'somebody',
    output: new Output(false),
    signal: new AbortController().signal,
  };
  return runSweep(session as unknown as Session, 'documents', { wait: true });
}

test.each([
  ['complete', {}, 0],
  ['complete with warnings', { held: 1 }, 0],
  ['complete with warnings', { failed: 1 }, 3],
  ['incomplete', { unreachable: 1 }, 3],
  ['incomplete', { refusedDeletions: 60 }, 3],
])('a sweep that ended %s with %o ends the command with its code', async (result, totals, code) => {
  expect(await waited(result, totals)).toBe(code);
});

test.each(['failed', 'interrupted'])('one that ended %s did not do what was asked', async (result) => {
  await expect(waited(result, { uploaded: 5 })).rejects.toMatchObject({ code: 'sweep_failed', exitCode: 1 });
});
