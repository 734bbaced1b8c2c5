import {
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { Failure } from '../../src/domain/failures.ts';
import { followLogs, isJournal } from '../../src/logs/follow.ts';
import { journalLine, ownLine } from '../../src/logs/line.ts';
import { readLog } from '../../src/logs/read-log.ts';
import { shippingWarnings } from '../../src/logs/standing.ts';
import { createLog, describeError, withoutPaths } from '../../src/observability/log.ts';
import { isDue, rotate } from '../../src/stack/logs.ts';
import { until } from '../support/until.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-log-'));
  file = path.join(folder, 'worker.log');
});

afterEach(() => rmSync(folder, { recursive: true }));

test('a log is put aside by size, and by the age of its oldest line', () => {
  const rotation = { maxBytes: 100, maxAgeMs: 3_600_000, keep: 2 };
  writeFileSync(file, 'x'.repeat(100));
  expect(isDue(file, rotation)).toBe(false);
  writeFileSync(file, 'x'.repeat(101));
  expect(isDue(file, rotation)).toBe(true);
  writeFileSync(file, 'x');
  expect(isDue(file, rotation, Date.now() + 3_700_000)).toBe(true);
  // It began when the one before it was put aside.
  writeFileSync(`${file}.1`, 'before');
  utimesSync(`${file}.1`, new Date(), new Date(Date.now() - 3_700_000));
  expect(isDue(file, rotation)).toBe(true);
  rotate(file, 2);
  expect(isDue(file, rotation)).toBe(false);
  expect(statSync(file).size).toBe(0);
  expect([1, 2].map((number) => readFileSync(`${file}.${number}`, 'utf8'))).toEqual(['x', 'before']);
  // An empty one has no age.
  expect(isDue(file, rotation, Date.now() + 3_700_000)).toBe(false);
});

test('only whole lines are read, and a line too long for any of ours is passed', () => {
  writeFileSync(file, 'one\ntwo\nthr');
  const { lines, next } = readLog(file, { number: 0, offset: 0 }, 1_000);
  expect(lines).toEqual(['one', 'two']);
  expect(readLog(file, next, 1_000).lines).toEqual([]);
  writeFileSync(file, `${'x'.repeat(2_000)}\nend\n`);
  const skipped = readLog(file, { number: 0, offset: 0 }, 1_000);
  expect(skipped).toEqual({ lines: [], next: { number: 0, offset: 1_000 } });
  // Somebody emptied the file.
  writeFileSync(file, 'new\n');
  expect(readLog(file, skipped.next, 1_000).lines).toEqual(['new']);
});

test('journald is told the urgency and no second time', () => {
  const text = JSON.stringify({
    level: 'error',
    time: '2026-01-02T03:04:05.678Z',
    service: 'worker',
    msg: 'm',
  });
  const line = ownLine(text, 'worker');
  expect(line?.atMs).toBe(Date.parse('2026-01-02T03:04:05.678Z'));
  expect(line && journalLine(line)).toBe('<3>{"level":"error","service":"worker","msg":"m"}');
});

test('the journal is recognised by its stream', () => {
  const descriptor = openSync('/dev/null', 'r');
  const { dev, ino } = fstatSync(descriptor);
  expect(isJournal(undefined, descriptor)).toBe(false);
  expect(isJournal(`${dev}:${ino + 1}`, descriptor)).toBe(false);
  expect(isJournal(`${dev}:${ino}`, descriptor)).toBe(true);
  closeSync(descriptor);
});

test('what our processes log is said again, once and whole, across a rotation; other services stay in their files', async () => {
  const home = folder;
  const said: string[] = [];
  mkdirSync(path.join(home, 'logs'));
  const worker = path.join(home, 'logs', 'worker.log');
  const log = createLog('worker', worker);
  const following = followLogs({
    ...{ home, log, config: logsConfig({}) },
    echo: { write: (line) => said.push(line), forJournal: false },
  });
  log.info({ number: 1 }, 'first');
  writeFileSync(path.join(home, 'logs', 'postgres.log'), `${JSON.stringify({ service: 'postgres' })}\n`);
  await until('it is said', () => said.length === 1);
  following.beforeRotation(worker);
  rotate(worker, 5);
  log.error({ number: 2 }, 'second');
  await following.stop();
  expect(said.map((line) => JSON.parse(line))).toMatchObject([
    { service: 'worker', level: 'info', number: 1, msg: 'first' },
    { service: 'worker', level: 'error', number: 2, msg: 'second' },
  ]);
});

test('logs do not cross a network in the clear unless the configuration says so', () => {
  const follow = (loki: object) =>
    followLogs({ home: folder, log: createLog('x', file), config: logsConfig({ loki }) });
  expect(() => follow({ url: 'http://loki.example.org' })).toThrow(
    expect.objectContaining({ code: 'plaintext_refused' }),
  );
});

const logsConfig = (logs: object) => {
  const id = '0'.repeat(32);
  const lock = { days: 1 };
  const config = {
    ...{ version: 1, repository: id, host: { id }, sources: [{ name: 's', path: '/s' }] },
    destinations: [{ name: 'd', bucket: 'bucket', lock }],
    logs,
  };
  return parseConfig(JSON.stringify(config), 'test').logs;
};

test('a password needs no user, a user needs a password', () => {
  const url = 'https://loki.example.org';
  expect(() => logsConfig({ loki: { url, username: 'mayor' } })).toThrow(Failure);
  expect(logsConfig({ loki: { url, passwordFile: '/token' } }).loki?.passwordFile).toBe('/token');
  expect(() => logsConfig({ loki: { url: 'file:///x' } })).toThrow(Failure);
});

test('of an error stands what cannot name a file: code, place in our code, and words of the failure table without paths', () => {
  const missing = Object.assign(new Error("ENOENT: open '/srv/salaries.ods'"), { code: 'ENOENT' });
  const described = describeError(
    new Failure('s3_unavailable', { destination: 'primary' }, { cause: missing }),
  );
  expect(described).toMatchObject({ code: 's3_unavailable', message: expect.stringContaining('primary') });
  expect(described.cause).toMatchObject({ type: 'Error', code: 'ENOENT' });
  expect(described.cause?.at?.[0]).toMatch(/^at .*\(?test\/logs\/logs\.test\.ts:\d+:\d+\)?$/);
  expect(JSON.stringify(described)).not.toMatch(/salaries|srv/);
  const unreadable = describeError(new Failure('secret_unreadable', { file: '/srv/salaries.key' }));
  expect(unreadable).toEqual({ type: 'Failure', code: 'secret_unreadable' });
  expect(withoutPaths("cannot read '/srv/salaries.ods' now\nor later")).toBe('cannot read … now');
});

test('an operator is told what waits and, for a week, what is lost', () => {
  const at = '2026-01-02T00:00:00Z';
  const time = (moment: Date) => moment.toISOString();
  const warnings = (now: string) =>
    shippingWarnings(
      { sent: {}, waiting: { since: at, why: 'status 401' }, lost: { lines: 3, lastAt: at } },
      time,
      Date.parse(now),
    );
  expect(warnings('2026-01-03T00:00:00Z')).toEqual([
    expect.stringMatching(/2026-01-02.*status 401/),
    expect.stringMatching(/lacks 3 lines/),
  ]);
  expect(warnings('2026-01-10T00:00:00Z')).toHaveLength(1);
});
