import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { askLines, type LineServer, serveLines } from '../../src/stack/line-socket.ts';

let folder: string;
let file: string;
let server: LineServer | undefined;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-lines-'));
  file = path.join(folder, 'socket');
});

afterEach(() => {
  server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

const all = async (request: object, signal?: AbortSignal) => {
  const lines: unknown[] = [];
  for await (const line of askLines(file, request, signal)) lines.push(JSON.parse(line));
  return lines;
};

test('every answer arrives, in order, until the other side ends; the socket is for nobody else', async () => {
  server = await serveLines(file, async (line, say) => {
    const { count } = JSON.parse(line) as { count: number };
    for (let i = 0; i < count; i++) say({ i, text: 'é\n'.repeat(20_000) });
    server?.close();
  });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const answers = await all({ count: 5 });
  expect(answers).toEqual([0, 1, 2, 3, 4].map((i) => ({ i, text: 'é\n'.repeat(20_000) })));
  expect(existsSync(file)).toBe(false);
});

test('where nobody listens there are no answers; a socket that was left behind is taken over', async () => {
  expect(await all({})).toEqual([]);
  const dead = await serveLines(file, async () => {});
  server = await serveLines(file, async (_, say) => {
    say('new');
    server?.close();
  });
  expect(await all({})).toEqual(['new']);
  dead.close();
});

test('who hangs up is gone, and who is told to stop says why', async () => {
  const gone = Promise.withResolvers<string>();
  server = await serveLines(file, async (line, say, signal) => {
    say(line);
    signal.addEventListener('abort', () => gone.resolve(line));
  });
  for await (const line of askLines(file, { who: 'first' })) {
    expect(line).toContain('first');
    break;
  }
  expect(await gone.promise).toContain('first');
  const interrupt = new AbortController();
  const waiting = all({ who: 'second' }, interrupt.signal);
  waiting.catch(() => {});
  await sleep(20);
  interrupt.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});
