import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { supervisorStatus } from '../../src/stack/control.ts';
import { resolvePaths } from '../../src/stack/paths.ts';
import { projectRoot } from '../../src/stack/project.ts';
import { eicar } from '../support/eicar.ts';
import { until } from '../support/installation.ts';
import { snapshot } from '../support/snapshot.ts';

/** The real quickstart as a user starts it, on a folder of nasty files, below a 0700 folder with spaces. */
let outer: string;
let given: string;
let env: NodeJS.ProcessEnv;
let home: string;
let before: string[];

beforeAll(() => {
  outer = mkdtempSync(path.join(tmpdir(), 'holdfast quick start '));
  given = path.join(outer, 'my files');
  home = path.join(outer, 'a state folder');
  const { HOLDFAST_PASSWORD_FILE: _unset, ...rest } = process.env;
  env = { ...rest, HOLDFAST_HOME: home };
  makeNastyFiles(given);
  before = snapshot(given);
});

afterAll(async () => {
  await ended(holdfast('down'));
  const { runtime } = resolvePaths(env, process.getuid?.() ?? 0);
  const data = path.join(home, 'data');
  const elsewhere = lstatSync(data, { throwIfNoEntry: false })?.isSymbolicLink() ? [readlinkSync(data)] : [];
  for (const folder of [outer, runtime, ...elsewhere]) rmSync(folder, { recursive: true, force: true });
});

test('protects, restores and fails to delete; twice, and the given folder stays as it was', async () => {
  const first = await ended(quickstart(given));
  expect(first.stderr).not.toMatch(/unexpected error/);
  expect(first.code).toBe(0);
  expect(outcomes(first.stdout)).toEqual({
    quarantined: [1, 1],
    held: [0, 1],
    ignored: [1, 1],
    uploaded: [11, 4],
    duplicate: [2, 1],
  });
  expect(first.stdout).toMatch(/13 of 13 entries of "files" are equal to the originals/);
  expect(first.stdout).toMatch(/5 of 5 entries of "planted" are equal to the originals/);
  expect(first.stdout).toMatch(/S3 refuses: HTTP 403 AccessDenied/);
  expect(first.stdout).toMatch(/locked in GOVERNANCE mode until 20/);
  expect(first.stdout).toMatch(/Temporal Web UI: http:\/\/127\.0\.0\.1:\d+/);
  expect(first.stdout.match(/^[1-9] {2}\w+ +20\d\d-/gm)).toHaveLength(9);
  await expectStopped();
  expect(snapshot(given)).toEqual(before);
  const password = path.join(home, 'quickstart-password');
  expect(lstatSync(password).mode & 0o777).toBe(0o600);
  expect(first.stdout).toContain(password);
  expect(first.stdout + first.stderr).not.toContain(readFileSync(password, 'utf8').trim());

  const second = await ended(quickstart(given));
  expect(second.code).toBe(0);
  expect(outcomes(second.stdout)).toEqual(outcomes(first.stdout));
  expect(second.stdout).toMatch(/13 of 13 entries of "files" are equal to the originals/);
  expect(second.stdout).toMatch(/S3 refuses: HTTP 403/);
  await expectStopped();
  expect(snapshot(given)).toEqual(before);
}, 300_000);

test('protects another folder afterwards; Ctrl-C stops all that it started', async () => {
  const other = path.join(outer, 'other');
  mkdirSync(other);
  for (let index = 0; index < 300; index++)
    writeFileSync(path.join(other, `file ${index}`), `content ${index}`);
  const child = quickstart(other);
  const end = ended(child);
  await until(
    'the quickstart protects',
    async () => {
      const status = await supervisorStatus(resolvePaths(env, process.getuid?.() ?? 0));
      return status?.services.worker?.healthy;
    },
    60_000,
  );
  child.kill('SIGINT');
  expect((await end).code).toBe(130);
  await expectStopped();
});

test('leaves an installation that is not its own alone', async () => {
  const foreign = path.join(outer, 'foreign');
  mkdirSync(foreign);
  writeFileSync(path.join(foreign, 'holdfast.yaml'), 'version: 1\n');
  const { code, stderr } = await ended(quickstart(given, { HOLDFAST_HOME: foreign }));
  expect(code).toBe(1);
  expect(stderr).toContain('an installation of your own');
  expect(snapshot(foreign)).toHaveLength(2);
});

test('refuses what is no folder, and a folder inside the state folder, before doing anything', async () => {
  const nowhere = path.join(outer, 'nowhere');
  const untouched = path.join(outer, 'untouched');
  const missing = await ended(quickstart(nowhere, { HOLDFAST_HOME: untouched }));
  expect(missing.code).toBe(2);
  expect(existsSync(untouched)).toBe(false);
  mkdirSync(path.join(untouched, 'inside'), { recursive: true });
  const inside = await ended(quickstart(path.join(untouched, 'inside'), { HOLDFAST_HOME: untouched }));
  expect(inside.code).toBe(2);
  expect(snapshot(untouched)).toHaveLength(2);
});

/** 15 entries: 13 are restored; EICAR is reported, the FIFO is ignored. */
function makeNastyFiles(folder: string): void {
  const at = (name: string): string => path.join(folder, name);
  mkdirSync(at('deep/er/folder'), { recursive: true, mode: 0o750 });
  mkdirSync(at('empty folder'));
  writeFileSync(at('deep/er/folder/program'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(at('deep/same 1'), 'the same\n');
  writeFileSync(at('deep/same 2'), 'the same\n');
  writeFileSync(at('-rf *'), 'a name like an option\n', { mode: 0o400 });
  writeFileSync(
    Buffer.concat([Buffer.from(at('line\nbreak ')), Buffer.from([0xc3, 0x28, 0xff])]),
    'bytes that are no text\n',
  );
  writeFileSync(at('large'), Buffer.alloc(20 * 1024 * 1024, 'nine bytes'));
  linkSync(at('large'), at('large too'));
  symlinkSync('/etc/passwd', at('link out'));
  symlinkSync('nowhere', at('dangling'));
  writeFileSync(at('virus.com'), eicar);
  execFileSync('mkfifo', [at('pipe')]);
}

function quickstart(folder: string, more: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn('node', [path.join(projectRoot, 'scripts/start.mjs'), 'scripts/quickstart.ts', folder], {
    env: { ...env, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const holdfast = (...args: string[]): ChildProcess =>
  spawn('node', [path.join(projectRoot, 'bin/holdfast.mjs'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });

async function ended(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const texts = [child.stdout, child.stderr].map((stream) => {
    const chunks: string[] = [];
    stream?.setEncoding('utf8').on('data', (text: string) => void chunks.push(text));
    return chunks;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout: texts[0]?.join('') ?? '', stderr: texts[1]?.join('') ?? '' };
}

/** The table of outcomes: counts of the given folder and of the planted files. */
function outcomes(text: string): Record<string, number[]> {
  const [, table = ''] = /^outcome .*\n((?:\w+ +\d.*\n)+)/m.exec(text) ?? [];
  const rows = table
    .trim()
    .split('\n')
    .map((line) => line.split(/ +/));
  return Object.fromEntries(rows.map(([name, files, planted]) => [name, [Number(files), Number(planted)]]));
}

async function expectStopped(): Promise<void> {
  const paths = resolvePaths(env, process.getuid?.() ?? 0);
  expect(await supervisorStatus(paths)).toBeUndefined();
  const state = JSON.parse(readFileSync(path.join(home, 'run/supervisor.json'), 'utf8')) as {
    services: Record<string, { pid: number }>;
  };
  const alive = Object.entries(state.services).filter(([, { pid }]) => pid > 0 && existsSync(`/proc/${pid}`));
  expect(alive.map(([name]) => name)).toEqual([]);
}
