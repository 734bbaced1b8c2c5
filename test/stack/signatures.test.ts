import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureSignatures } from '../../src/stack/services/signatures.ts';

const day = 24 * 60 * 60;
const nowSeconds = Math.floor(Date.now() / 1000);

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast signatures '));
  for (const name of ['data', 'custom', 'system']) mkdirSync(path.join(folder, name));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** The header of an official file: what matters here of it is the last field, its build time. */
const official = (builtAtSeconds: number) =>
  `ClamAV-VDB:01 Jan 2026 00-00 +0000:62:6647427:90:md5:signature:builder:${builtAtSeconds}`.padEnd(512);

/** A freshclam that notes its call and runs `script` in the database's folder. */
function freshclam(script: string): string {
  const program = path.join(folder, 'freshclam');
  const database = path.join(folder, 'data', 'database-official');
  const text = `#!/bin/sh\necho called >> '${folder}/calls'\ncd '${database}' || exit 9\n${script}\n`;
  writeFileSync(program, text, { mode: 0o755 });
  return program;
}

const calls = () => {
  const file = path.join(folder, 'calls');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').length : 0;
};

const ensure = (script: string, mayFetch = true) =>
  ensureSignatures({
    folder: path.join(folder, 'data'),
    customFolder: path.join(folder, 'custom'),
    systemFolder: path.join(folder, 'system'),
    tool: { clamd: '/nonexistent', freshclam: freshclam(script), env: {} },
    user: undefined,
    mayFetch,
  });

const fetching = (builtAtSeconds: number) =>
  `for name in main daily; do printf '%s' '${official(builtAtSeconds)}' > $name.cvd; done`;

test('without official signatures the built-in test set is used, and named so', async () => {
  const { database, facts, factsFile } = await ensure('exit 1');
  expect(facts.set).toBe('builtin-test');
  expect(readdirSync(database).sort()).toEqual(['eicar.ndb', 'holdfast-limits.cdb']);
  expect(JSON.parse(readFileSync(factsFile, 'utf8'))).toEqual(facts);
  expect((await ensure('exit 1')).facts.revision).toBe(facts.revision);
});

test('nothing is fetched where that is not allowed', async () => {
  expect((await ensure(fetching(nowSeconds), false)).facts.set).toBe('builtin-test');
  expect(calls()).toBe(0);
});

test('fetched signatures are official, dated by their header, and fetched again when a day old', async () => {
  const old = nowSeconds - 2 * day;
  const first = await ensure(fetching(old));
  expect(first.facts).toMatchObject({ set: 'official', at: new Date(old * 1000).toISOString() });
  const second = await ensure(fetching(nowSeconds));
  expect(calls()).toBe(2);
  expect(second.facts.revision).not.toBe(first.facts.revision);
  await ensure(fetching(nowSeconds));
  expect(calls()).toBe(2);
});

test('a failed refresh keeps the official signatures there are', async () => {
  const old = nowSeconds - 2 * day;
  await ensure(fetching(old));
  const { facts } = await ensure('exit 1');
  expect(facts).toMatchObject({ set: 'official', at: new Date(old * 1000).toISOString() });
});

test('half a set is not official', async () => {
  const { facts } = await ensure(`printf '%s' '${official(nowSeconds)}' > daily.cvd; exit 1`);
  expect(facts.set).toBe('builtin-test');
});

test('the distribution’s signatures are used when they are newer', async () => {
  for (const name of ['main.cvd', 'daily.cld']) {
    writeFileSync(path.join(folder, 'system', name), official(nowSeconds - 60));
  }
  const { database, facts } = await ensure('exit 1');
  expect(facts.set).toBe('official');
  expect(readdirSync(database).sort()).toEqual(['daily.cld', 'holdfast-limits.cdb', 'main.cvd']);
  expect(calls()).toBe(0);
});

test('the operator’s own signatures are used alone, as they are now', async () => {
  const own = path.join(folder, 'custom', 'own.ndb');
  writeFileSync(own, 'One:0:*:41424344\n');
  writeFileSync(path.join(folder, 'custom', 'README'), 'not a signature');
  const first = await ensure(fetching(nowSeconds));
  expect(first.facts.set).toBe('custom');
  expect(readdirSync(first.database).sort()).toEqual(['holdfast-limits.cdb', 'own.ndb']);
  expect(calls()).toBe(0);
  rmSync(own);
  writeFileSync(path.join(folder, 'custom', 'other.ndb'), 'One:0:*:41424344\n');
  const second = await ensure(fetching(nowSeconds));
  expect(readdirSync(second.database).sort()).toEqual(['holdfast-limits.cdb', 'other.ndb']);
  expect(second.facts.revision).not.toBe(first.facts.revision);
});
