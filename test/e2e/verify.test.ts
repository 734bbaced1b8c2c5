import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Ended, TestInstallation, until } from '../support/installation.ts';

let installation: TestInstallation;
let services: Awaited<ReturnType<TestInstallation['services']>>;
let s3: Awaited<ReturnType<TestInstallation['s3']>>;
/** Object names by path inside the source. */
const keys = new Map<string, string>();

interface Told {
  readonly kind: string;
  readonly subject: string;
  readonly key: string;
  readonly remedy?: string;
  readonly affected?: readonly { readonly source: string; readonly path: string }[];
}

interface Verified extends Ended {
  readonly told: readonly Told[];
  readonly summary: { readonly checked: number; readonly read: number; readonly coverage: { live: number } };
}

async function verify(...flags: string[]): Promise<Verified> {
  const ended = await installation.run('verify', ...flags, '--json');
  const values = ended.rows as unknown as (Told & { summary?: Verified['summary'] })[];
  const summary = values.find((value) => value.summary !== undefined)?.summary;
  if (summary === undefined) throw new Error(`verify ended with ${ended.code}: ${ended.stderr}`);
  return { ...ended, told: values.filter((value) => value.summary === undefined), summary };
}

const keyOf = (name: string): string => {
  const key = keys.get(name);
  if (key === undefined) throw new Error(`${name} has no object`);
  return key;
};

beforeAll(async () => {
  installation = await TestInstallation.start({ sources: { docs: undefined } }, '--no-watch');
  installation.write('docs', 'letters/a.txt', 'a letter');
  installation.write('docs', 'letters/b.txt', 'another letter');
  installation.write('docs', 'c.txt', 'third');
  installation.write('docs', 'large.bin', randomBytes(9 * 1024 * 1024));
  const { code, stderr, byPath } = await installation.protect(installation.path('docs'));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  services = await installation.services();
  s3 = installation.s3Client(
    services.s3?.address ?? '',
    String(services.s3?.credentialsFile),
    String(services.s3?.region),
    String(services.s3?.bucket),
  );
  for (const [name, { objectKey }] of byPath) if (objectKey !== null) keys.set(name, objectKey);
});

afterAll(() => installation?.remove());

test('all that was protected is there, is locked, decrypts to its hash, and nothing else lies in the bucket', async () => {
  const { code, told, summary } = await verify('--all', '--read-data', '--inventory');
  expect(told).toEqual([]);
  expect(code).toBe(0);
  expect(summary).toMatchObject({ checked: 4, read: 4, coverage: { live: 4, neverRead: 0 } });
});

test('inspect tells what an object is: from the bucket, as a file, and without configuration', async () => {
  const key = keyOf('letters/a.txt');
  const named = await installation.run('inspect', key, '--json');
  expect(named.rows[0]).toMatchObject({ kind: 'sealed file', authenticated: true, path: 'letters/a.txt' });

  const { client, bucket } = s3;
  const object = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const file = path.join(installation.folder, 'downloaded');
  writeFileSync(file, (await object.Body?.transformToByteArray()) ?? '');
  const empty = path.join(installation.folder, 'empty');
  mkdirSync(empty);
  const nothing = { HOLDFAST_HOME: empty, HOME: empty, HOLDFAST_PASSWORD_FILE: undefined };
  const alone = await installation.runWith(nothing, 'inspect', file, '--json');
  expect(alone.code).toBe(0);
  expect(alone.rows[0]).toMatchObject({ kind: 'sealed file', authenticated: false, plaintextLength: 8 });
  expect(alone.stdout).not.toContain('letters');

  const env = {
    HOLDFAST_HOME: empty,
    HOME: empty,
    AWS_SHARED_CREDENTIALS_FILE: String(services.s3?.credentialsFile),
    AWS_PROFILE: 'default',
  };
  const where = ['--bucket', bucket, '--endpoint', String(services.s3?.address)];
  const remote = await installation.runWith(env, 'inspect', key, ...where, '--json');
  expect(remote.rows[0]).toMatchObject({ authenticated: true, path: 'letters/a.txt' });
});

test('what somebody with write access does to the bucket is told exactly, and harms nothing', async () => {
  const { client, bucket: Bucket } = s3;
  await client.send(new DeleteObjectCommand({ Bucket, Key: keyOf('letters/a.txt') }));
  await client.send(new PutObjectCommand({ Bucket, Key: keyOf('letters/b.txt'), Body: 'garbage' }));
  await client.send(new PutObjectCommand({ Bucket, Key: 'planted.txt', Body: 'foreign' }));
  const { code, told } = await verify('--all', '--read-data', '--inventory');
  expect(code).toBe(4);
  const found = told.map(({ kind, subject, key }) => `${kind} ${subject} ${key}`).sort();
  expect(found).toEqual([
    `delete_marker content ${keyOf('letters/a.txt')}`,
    `foreign_version content ${keyOf('letters/b.txt')}`,
    'unknown_object other planted.txt',
  ]);
});

test('a byte that changed on the disk of the server is found, and the file is uploaded anew', async () => {
  const { bucket } = s3;
  const file = path.join(installation.home, 'data/s3/objects', bucket, keyOf('c.txt'));
  const stored = readFileSync(file);
  stored[stored.length - 1] = (stored.at(-1) ?? 0) ^ 1;
  writeFileSync(file, stored);
  const found = await verify('docs:c.txt', '--all', '--read-data');
  expect(found.code).toBe(4);
  expect(found.told).toMatchObject([
    {
      kind: 'tampered',
      key: keyOf('c.txt'),
      remedy: 'upload anew',
      affected: [{ source: 'docs', path: 'c.txt' }],
    },
  ]);
  const status = await installation.run('status');
  expect(status.stdout).toMatch(/WARNING: what was stored of 1 file is lost/);
  const { byPath } = await installation.protect(installation.path('docs'));
  expect(byPath.get('c.txt')).toMatchObject({ outcome: 'uploaded', unchanged: false });
  expect(byPath.get('c.txt')?.objectKey).not.toBe(keyOf('c.txt'));
  expect(byPath.get('letters/a.txt')).toMatchObject({ unchanged: true });
  expect((await verify('--all', '--read-data')).code).toBe(0);
});

test('a sample is verified on a schedule', async () => {
  const { address, namespace } = await installation.temporal();
  const connection = await Connection.connect({ address });
  try {
    const { schedule } = new Client({ connection, namespace });
    const everyMs: unknown[] = [];
    for await (const { scheduleId, spec } of schedule.list())
      if (scheduleId === 'verify-sample') everyMs.push(spec?.intervals?.[0]?.every);
    expect(everyMs).toEqual([86_400_000]);
    await schedule.getHandle('verify-sample').trigger();
    const run = await until('a run of the schedule', async () => {
      const [row] = await installation.query<{ result: string; totals: object }>(
        `select result, totals from run_log where kind = 'verify' and actor = 'holdfast' and result is not null`,
      );
      return row;
    });
    expect(run).toMatchObject({ result: 'complete', totals: { checked: 1, read: 1, mismatches: 0 } });
  } finally {
    await connection.close();
  }
});
