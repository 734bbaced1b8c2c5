import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LokiConfig, pushTo } from '../../src/logs/loki.ts';
import { LogShipper } from '../../src/logs/shipper.ts';
import { readStanding } from '../../src/logs/standing.ts';
import { isDue, rotate } from '../../src/stack/logs.ts';
import { LokiReceiver } from '../support/loki-receiver.ts';
import { until } from '../support/until.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of buffers that are still held. */
function heldBytes(): number {
  // The second time it has counted what the first one freed.
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().external;
}

let folder: string;
let file: string;
let standingFile: string;
let loki: LokiReceiver;
let url: string;
let said: { msg: string; level: number; lines?: number; why?: string }[];
let shippers: LogShipper[];

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-logs-'));
  file = path.join(folder, 'worker.log');
  standingFile = path.join(folder, 'loki.json');
  loki = new LokiReceiver();
  url = await loki.open();
  said = [];
  shippers = [];
});

afterEach(async () => {
  await loki.close();
  for (const shipper of shippers) await shipper.stop();
  rmSync(folder, { recursive: true });
});

const timing = { everyMs: 5, firstBackoffMs: 5, lastBackoffMs: 20 };

function ship(config: Partial<LokiConfig> = {}, { keep = 5, answerWithinMs = 10_000 } = {}): LogShipper {
  const log = pino({ base: null }, { write: (line: string) => said.push(JSON.parse(line)) });
  const push = pushTo({ url, insecure: false, ...config }, 'host-1', answerWithinMs);
  const files = new Map([['worker', file]]);
  const shipper = new LogShipper({ files, standingFile, push, keep, log, timing });
  shippers.push(shipper);
  shipper.start();
  return shipper;
}

const lineOf = (number: number, level = 'info'): string =>
  JSON.stringify({
    level,
    time: new Date(1_700_000_000_000 + number).toISOString(),
    service: 'worker',
    number,
  });
const write = (...numbers: number[]): void =>
  appendFileSync(file, numbers.map((number) => `${lineOf(number)}\n`).join(''));
const numbersIn = (texts: readonly { text: string }[]): number[] =>
  texts.map(({ text }) => JSON.parse(text).number);
const arrived = (count: number): Promise<true> =>
  until(`${count} lines are there`, () => loki.lines.length >= count);

test('lines arrive as they were written, labelled by service, level and host and nothing else', async () => {
  ship();
  write(1);
  appendFileSync(file, `${lineOf(2, 'error')}\n`);
  await arrived(2);
  expect(loki.lines).toEqual([
    {
      labels: { service: 'worker', level: 'info', host: 'host-1' },
      atNs: '1700000000001000000',
      text: lineOf(1),
    },
    {
      labels: { service: 'worker', level: 'error', host: 'host-1' },
      atNs: '1700000000002000000',
      text: lineOf(2, 'error'),
    },
  ]);
  expect(loki.requests[0]?.url).toBe('/loki/api/v1/push');
});

test('what is no line of ours stays on the machine', async () => {
  ship();
  const foreign = [
    "Error: ENOENT: no such file or directory, open '/srv/salaries.ods'",
    '{"level":"info","time":"2026-01-01T00:00:00Z","service":"postgres"}',
    '{"service":"worker","msg":"no time"}',
    '{"service":"worker","time":"2026-01-01T00:00:00Z","level":"loud"}',
    '[]',
    'null',
  ];
  appendFileSync(file, `${foreign.join('\n')}\n`);
  write(1);
  await arrived(1);
  expect(numbersIn(loki.lines)).toEqual([1]);
});

test('while Loki is down lines wait in the file, and all arrive in their order when it is up', async () => {
  const { port } = new URL(url);
  await loki.close();
  ship();
  write(1, 2);
  await until('the outage is noted', () => readStanding(standingFile)?.waiting?.why === 'ECONNREFUSED');
  write(3);
  loki = new LokiReceiver();
  await loki.open(Number(port));
  await arrived(3);
  expect(numbersIn(loki.lines)).toEqual([1, 2, 3]);
  await until('the end is noted', () => readStanding(standingFile)?.waiting === undefined);
  expect(said.map(({ msg }) => msg)).toEqual([
    'the log waits for Loki, in its files',
    'Loki takes the log again',
  ]);
});

test.each([401, 404, 429, 500, 503])('an answer %i is tried again, and nothing is lost', async (status) => {
  loki.behaviour = { status };
  ship();
  write(1);
  await until('it was tried twice', () => loki.requests.length >= 2);
  expect(readStanding(standingFile)?.waiting?.why).toBe(`status ${status}`);
  loki.behaviour = { status: 204 };
  await arrived(1);
  expect(readStanding(standingFile)?.lost).toBeUndefined();
});

test('a server that asks for a pause gets it, within limits', async () => {
  loki.behaviour = { status: 429, headers: { 'retry-after': '3600' } };
  ship();
  write(1);
  await until('it was tried', () => loki.requests.length >= 1);
  loki.behaviour = { status: 204 };
  await arrived(1);
});

test('a server that never answers is given up and tried again', async () => {
  loki.behaviour = 'never';
  ship({}, { answerWithinMs: 50 });
  write(1);
  await until('it was tried twice', () => loki.requests.length >= 2);
  loki.behaviour = { status: 204 };
  await arrived(1);
});

test('what Loki refuses for good is counted, said and passed', async () => {
  loki.behaviour = { status: 400 };
  ship();
  write(1, 2);
  await until('it is counted', () => readStanding(standingFile)?.lost?.lines === 2);
  loki.behaviour = { status: 204 };
  write(3);
  await arrived(1);
  expect(numbersIn(loki.lines)).toEqual([3]);
  expect(said).toMatchObject([{ lines: 2, why: 'status 400', msg: 'Loki refused lines of the log' }]);
});

test('after a restart it goes on where it stopped', async () => {
  const first = ship();
  write(1);
  await arrived(1);
  await first.stop();
  write(2);
  ship();
  await arrived(2);
  expect(numbersIn(loki.lines)).toEqual([1, 2]);
});

test('a log that is new to it begins at its end', async () => {
  write(1);
  ship();
  write(2);
  await arrived(1);
  expect(numbersIn(loki.lines)).toEqual([2]);
});

test('stopping sends the last lines', async () => {
  const shipper = ship();
  await until('it has begun', () => readStanding(standingFile) !== undefined);
  write(1);
  await shipper.stop();
  expect(numbersIn(loki.lines)).toEqual([1]);
});

test('a backlog beyond what rotation keeps is given up by count; the rest arrives once, in order; memory stays flat', async () => {
  const { port } = new URL(url);
  await loki.close();
  const keep = 2;
  const shipper = ship({}, { keep });
  await until('it has begun', () => readStanding(standingFile) !== undefined);
  const before = heldBytes();
  const perLog = 20_000;
  const logs = 6;
  for (let log = 0; log < logs; log++) {
    write(...Array.from({ length: perLog }, (_, index) => log * perLog + index));
    expect(isDue(file, { maxBytes: 1024 * 1024, maxAgeMs: 1e12, keep })).toBe(true);
    shipper.beforeRotation(file);
    rotate(file, keep);
    await until('it goes on', () => true);
  }
  // Less than a third of what was written.
  expect(heldBytes() - before).toBeLessThan(3 * 1024 * 1024);
  write(-1);
  loki = new LokiReceiver();
  await loki.open(Number(port));
  await until(
    'the last line is there',
    () => loki.lines.at(-1)?.text.includes('"number":-1') === true,
    20_000,
  );
  const first = (logs - keep) * perLog;
  expect(numbersIn(loki.lines)).toEqual([...Array.from({ length: keep * perLog }, (_, i) => first + i), -1]);
  await until('it is noted', () => readStanding(standingFile)?.waiting === undefined);
  expect(readStanding(standingFile)?.lost?.lines).toBe(first);
});

test('nothing is lost or doubled by rotations while it ships', async () => {
  const shipper = ship();
  await until('it has begun', () => readStanding(standingFile) !== undefined);
  for (let round = 0; round < 30; round++) {
    write(...Array.from({ length: 500 }, (_, index) => round * 500 + index));
    shipper.beforeRotation(file);
    rotate(file, 5);
    await until('a part is there', () => loki.lines.length >= (round - 2) * 500);
  }
  await arrived(15_000);
  expect(numbersIn(loki.lines)).toEqual(Array.from({ length: 15_000 }, (_, index) => index));
});

test('credentials come from files that are read anew, and the tenant is named', async () => {
  const passwordFile = path.join(folder, 'password');
  writeFileSync(passwordFile, 'first\n');
  ship({ username: 'mayor', passwordFile, tenant: 'town' });
  write(1);
  await arrived(1);
  writeFileSync(passwordFile, 'second\n');
  write(2);
  await arrived(2);
  const basic = (password: string) => `Basic ${Buffer.from(`mayor:${password}`).toString('base64')}`;
  expect(loki.requests.map(({ headers }) => headers.authorization)).toEqual([
    basic('first'),
    basic('second'),
  ]);
  expect(loki.requests[0]?.headers['x-scope-orgid']).toBe('town');
  expect(readFileSync(standingFile, 'utf8')).not.toContain('first');
});

test('a file without a user holds a token', async () => {
  const passwordFile = path.join(folder, 'token');
  writeFileSync(passwordFile, 'abc\n');
  ship({ passwordFile });
  write(1);
  await arrived(1);
  expect(loki.requests[0]?.headers.authorization).toBe('Bearer abc');
});
