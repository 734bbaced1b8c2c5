import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DeleteObjectCommand, ListObjectVersionsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasPacks, TestInstallation } from '../support/installation.ts';
import { differences, treeFacts } from '../support/tree-facts.ts';

/**
 * A database that was lost: what was protected comes back from the bucket alone, and the installation goes on without
 * uploading anything again.
 */
let installation: TestInstallation;
let bare: string;

beforeAll(async () => {
  bare = mkdtempSync(path.join(tmpdir(), 'holdfast-bare-'));
  installation = await TestInstallation.start({ sources: { docs: undefined } }, '--no-watch');
  installation.write('docs', 'letters/one.txt', 'first words');
  installation.write('docs', 'letters/same.txt', 'first words');
  installation.write('docs', 'gone.txt', 'not any more');
  installation.write('docs', 'large.bin', Buffer.alloc(9 * 1024 * 1024, 'large'));
  mkdirSync(installation.path('docs', 'empty'));
  symlinkSync('letters/one.txt', installation.path('docs', 'link'));
  linkSync(installation.path('docs', 'letters', 'one.txt'), installation.path('docs', 'hard.txt'));
  for (const name of ['a', 'b', 'c']) installation.write('docs', `packed/${name}`, `words of ${name}`);
  // Small files go into a pack.
  expect((await installation.run('sweep', 'docs', '--wait')).code).toBe(0);
  expect((await installation.protect(installation.path('docs'))).code).toBe(0);
  rmSync(installation.path('docs', 'gone.txt'));
  writeFileSync(installation.path('docs', 'letters', 'one.txt'), 'second words');
  utimesSync(installation.path('docs', 'empty'), 1, 1);
  expect((await installation.protect(installation.path('docs'))).code).toBe(0);
  const { stdout } = await installation.run('status', '--json');
  expect(JSON.parse(stdout).journal).toEqual({
    docs: { versions: expect.any(Number), oldestSeconds: expect.any(Number) },
  });
  // Stopping the worker writes what no manifest lists yet.
  await installation.down();
  const data = realpathSync(path.join(installation.home, 'data'));
  rmSync(path.join(data, 'postgres'), { recursive: true });
  // Nothing is protected into the new, empty one.
  const refused = await installation.run('up', '-d', '--no-watch');
  expect(refused.stderr).toContain('its database was lost');
  expect(refused.code).toBe(1);
  await installation.up('--only', 'temporal,postgres,s3');
});

afterAll(async () => {
  await installation?.remove();
  rmSync(bare, { recursive: true, force: true });
});

/** Runs `recover` as on a machine that knows nothing but address, password and a role that may only read. */
async function recover(...args: string[]) {
  const { address, bucket, rolesDir } = await installation.service('s3');
  const { code, stdout, stderr } = await installation.runWith(
    {
      HOME: bare,
      HOLDFAST_HOME: path.join(bare, 'holdfast'),
      AWS_SHARED_CREDENTIALS_FILE: path.join(String(rolesDir), 'recover'),
    },
    ...['recover', '--endpoint', address, '--bucket', String(bucket), '--json', ...args],
  );
  const values = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line || 'null'));
  return { code, stderr, values, recovery: values[0]?.recovery };
}

test('everything comes back from the bucket and the password alone', async () => {
  const to = path.join(bare, 'restored');
  const { code, stderr, recovery } = await recover('--to', to);
  expect(code, stderr).toBe(0);
  expect(recovery).toMatchObject({
    adoption: { adopted: 0, garbage: 0 },
    sources: [{ name: 'docs', gaps: [], rollback: 'unknown', lost: 0 }],
  });
  expect(differences(treeFacts(installation.path('docs')), treeFacts(path.join(to, 'docs')))).toEqual([]);
});

test('a single file comes back out of its pack', async () => {
  const { client, bucket } = await installation.s3();
  const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
  expect(Versions.some(({ Key = '' }) => /(^|\/)packs\//.test(Key))).toBe(hasPacks);
  const to = path.join(bare, 'one');
  const { code, stderr } = await recover('--to', to, '--source', 'docs', '--include', 'packed/b');
  expect(code, stderr).toBe(0);
  expect(readFileSync(path.join(to, 'docs', 'packed', 'b'), 'utf8')).toBe('words of b');
});

test('also under delete markers and garbage that somebody laid over everything', async () => {
  const { client, bucket } = await installation.s3();
  const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
  for (const { Key, Size = 0 } of Versions) {
    await client.send(
      new PutObjectCommand({ Bucket: bucket, Key, Body: Buffer.alloc(Math.min(Size, 4_096), 'x') }),
    );
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
  }
  const to = path.join(bare, 'restored again');
  const { code, stderr, recovery } = await recover('--to', to);
  expect(code, stderr).toBe(0);
  expect(recovery.listing).toMatchObject({ deleteMarkers: Versions.length, versions: 2 * Versions.length });
  expect(recovery.manifests.refused).toBe(recovery.manifests.manifests);
  expect(differences(treeFacts(installation.path('docs')), treeFacts(path.join(to, 'docs')))).toEqual([]);
});

test('a head that is known and not there is told loudly, with what to restore all the same', async () => {
  const { code, stderr } = await recover(
    '--to',
    path.join(bare, 'x'),
    '--dry-run',
    '--expect-head',
    'docs=4711',
  );
  expect(code).toBe(4);
  expect(stderr).toContain('AN OLDER STATE of docs');
});

test('a wrong password and a wrong bucket are told in a sentence', async () => {
  const wrong = installation.passwordFile('another password\n', 'wrong');
  const { address, rolesDir } = await installation.service('s3');
  const env = { AWS_SHARED_CREDENTIALS_FILE: path.join(String(rolesDir), 'recover') };
  const at = ['recover', '--endpoint', address, '--to', path.join(bare, 'x')];
  const { bucket } = await installation.service('s3');
  const password = await installation.runWith(
    { ...env, HOLDFAST_PASSWORD_FILE: wrong },
    ...at,
    '--bucket',
    String(bucket),
  );
  expect(password).toMatchObject({ code: 6 });
  const elsewhere = await installation.runWith(env, ...at, '--bucket', 'no-such-bucket');
  expect(elsewhere).toMatchObject({ code: 1 });
  expect(elsewhere.stderr).toMatch(/has no bucket|refuses access/);
});

test('a rebuilt catalog knows everything, so that nothing is uploaded again', async () => {
  const { code, stderr, stdout } = await installation.run('catalog', 'rebuild', '--yes', '--json');
  expect(code, stderr).toBe(0);
  expect(stdout).toContain('"rebuilt":');
  expect((await installation.run('catalog', 'rebuild', '--yes')).code).toBe(1);
  await installation.down();
  await installation.up('--no-watch');
  const before = installation.requests().length;
  const { code: protectedCode, byPath } = await installation.protect(installation.path('docs'));
  expect(protectedCode).toBe(0);
  expect([...byPath.values()].filter(({ unchanged }) => !unchanged)).toEqual([]);
  expect(byPath.size).toBe(11);
  const puts = installation
    .requests()
    .slice(before)
    .filter(({ uri, operation }) => /Put|Upload/.test(operation) && /\/(objects|packs)\//.test(uri));
  expect(puts).toEqual([]);
  // Every member of every pack is where the rebuilt catalog says.
  const verified = await installation.run('verify', '--all', '--read-data', '--json');
  expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  const again = await installation.run('restore', 'docs', '--to', path.join(bare, 'from catalog'));
  expect(again.code, again.stderr).toBe(0);
  expect(
    differences(treeFacts(installation.path('docs')), treeFacts(path.join(bare, 'from catalog', 'docs'))),
  ).toEqual([]);
});
