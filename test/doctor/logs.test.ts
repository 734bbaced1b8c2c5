import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import type { Patient } from '../../src/doctor/check.ts';
import { logs } from '../../src/doctor/logs.ts';
import { judgeSettings } from '../../src/doctor/settings.ts';
import { standingFile, writeStanding } from '../../src/logs/standing.ts';
import type { SupervisorStatus } from '../../src/stack/supervisor-state.ts';

/** Answers pushes as Loki does; without lines it has nothing to take. */
async function loki(status: number): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(status).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const configWith = (url: string | undefined, insecure = false) =>
  parseConfig(
    JSON.stringify({
      version: 1,
      repository: 'd'.repeat(32),
      timezone: 'Africa/Douala',
      host: { id: 'b'.repeat(32) },
      sources: [{ name: 'docs', path: '/tmp' }],
      destinations: [{ name: 'primary', bucket: 'some-bucket', lock: { days: 7, mode: 'COMPLIANCE' } }],
      ...(url === undefined ? {} : { logs: { loki: { url, insecure } } }),
    }),
    'holdfast.yaml',
  );

function home(): string {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-logs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'logs'));
  return folder;
}

const running = { services: {} } as unknown as SupervisorStatus;
const look = (state: { home: string; url?: string; status?: SupervisorStatus }) =>
  logs.look({ home: state.home, config: configWith(state.url), status: state.status } as unknown as Patient);

const lineOf = (atMs: number): string =>
  `${JSON.stringify({ level: 'info', time: new Date(atMs).toISOString(), service: 'worker', msg: 'm' })}\n`;

test('logs that are written, and that Loki takes, are well', async () => {
  expect(await look({ home: home() })).toMatchObject([{ state: 'ok' }]);
  // What real ones say of a push without lines.
  for (const status of [204, 400, 422])
    expect(await look({ home: home(), url: await loki(status) })).toMatchObject([
      { state: 'ok', what: expect.stringContaining('Loki takes them') },
    ]);
});

test('a folder that cannot be written is told with what to do', async () => {
  const folder = home();
  rmSync(join(folder, 'logs'), { recursive: true });
  expect(await look({ home: folder })).toMatchObject([
    { state: 'problem', what: expect.stringContaining('ENOENT'), todo: expect.stringContaining(folder) },
  ]);
  // Everybody may write into a folder of modes; into this one nobody.
  expect(await look({ home: '/proc/self' })).toMatchObject([{ state: 'problem' }]);
});

test('a Loki that is away, or does not let us in, is told', async () => {
  const found = await look({ home: home(), url: 'http://127.0.0.1:9' });
  expect(found).toMatchObject([{ state: 'problem', what: expect.stringContaining('ECONNREFUSED') }]);
  expect(await look({ home: home(), url: await loki(401) })).toMatchObject([
    { state: 'problem', what: expect.stringContaining('status 401') },
  ]);
});

test('lines that wait for more than five minutes though Loki answers are told, while there is who sends them', async () => {
  const folder = home();
  const url = await loki(204);
  const atMs = Date.now() - 6 * 60_000;
  writeFileSync(join(folder, 'logs/worker.log'), `dying words\n${lineOf(atMs)}`);
  writeStanding(standingFile(folder), { sent: { worker: { number: 0, offset: 0 } } });
  expect(await look({ home: folder, url, status: running })).toMatchObject([
    { state: 'problem', what: expect.stringMatching(/since 20.* \+01:00/) },
  ]);
  expect(await look({ home: folder, url })).toMatchObject([{ state: 'ok' }]);
  writeFileSync(join(folder, 'logs/worker.log'), `dying words\n${lineOf(Date.now())}`);
  expect(await look({ home: folder, url, status: running })).toMatchObject([{ state: 'ok' }]);
});

test('lines that Loki will never have are told', async () => {
  const folder = home();
  const lost = { lines: 12, lastAt: new Date().toISOString() };
  writeStanding(standingFile(folder), { sent: {}, lost });
  expect(await look({ home: folder, url: await loki(204) })).toMatchObject([
    { state: 'warning', what: expect.stringContaining('12'), todo: expect.stringContaining('logs.keep') },
  ]);
});

test('logs that cross a network in the clear are a setting that is told', () => {
  const found = judgeSettings(configWith('http://logs.example.org:3100', true), false);
  expect(found).toMatchObject([{ state: 'problem', what: expect.stringContaining('loki') }]);
});
