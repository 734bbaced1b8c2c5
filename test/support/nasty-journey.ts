import { execFile, execFileSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startVersitygw, type Versitygw } from '../storage/versitygw.ts';
import { hasPacks, TestInstallation } from './installation.ts';
import { makeNastyTree, removeTree } from './nasty.ts';
import { differences, type TreeFacts, treeFacts } from './tree-facts.ts';

const reader = fileURLToPath(new URL('../sealed/reader/holdfast_reader.py', import.meta.url));

/**
 * Tests that everything that is hard to bring back is brought back: with the catalog, with the bucket and the password
 * alone, then with a Python program that shares nothing with this one. `sparseBytes`: see {@link makeNastyTree}.
 */
export function testNastyJourney(sparseBytes: number): void {
  let outer: string;
  let wanted: TreeFacts;
  let installation: TestInstallation;
  let server: Versitygw | undefined;
  let bucket: string;
  let password: string;

  beforeAll(async () => {
    outer = mkdtempSync(path.join(tmpdir(), 'holdfast nasty '));
    const source = path.join(outer, 'source');
    mkdirSync(source);
    const { special } = makeNastyTree(source, sparseBytes);
    const facts = treeFacts(source);
    wanted = { ...facts, entries: new Map([...facts.entries].filter(([name]) => !special.includes(name))) };
    installation = await TestInstallation.start({ sources: { nasty: source } }, '--no-watch');
    // Small files go into packs, the others and what is no file through workflows of their own.
    expect((await installation.run('sweep', 'nasty', '--wait')).code).toBe(0);
    const { code, stderr, byPath } = await installation.protect(source);
    expect(code, stderr).toBe(0);
    expect([...byPath.values()].filter(({ outcome }) => outcome === 'ignored')).toHaveLength(special.length);
  });

  afterAll(async () => {
    await server?.stop();
    await installation?.remove();
    removeTree(outer);
  });

  test('restored, everything is as it was', async () => {
    const target = path.join(outer, 'restored');
    const { code, stderr } = await installation.run('restore', 'nasty', '--to', target, '--owner');
    expect(code, stderr).toBe(0);
    expect(differences(wanted, treeFacts(path.join(target, 'nasty')))).toEqual([]);
  });

  test('recovered from nothing but the bucket and the password, everything is as it was', async () => {
    bucket = (installation.config().destinations[0] ?? expect.unreachable()).bucket;
    await installation.down();
    const kept = path.join(outer, 's3');
    // With the attributes in which the server keeps its objects' metadata.
    execFileSync('cp', ['-a', path.join(realpathSync(path.join(installation.home, 'data')), 's3'), kept]);
    await installation.remove();
    server = await startVersitygw(undefined, kept);

    const bare = path.join(outer, 'a bare machine');
    mkdirSync(bare);
    password = path.join(outer, 'password');
    writeFileSync(password, 'five plain random words\n', { mode: 0o600 });
    const target = path.join(outer, 'recovered');
    const { code, stdout, stderr } = await installation.runWith(
      {
        HOME: bare,
        HOLDFAST_HOME: path.join(bare, 'holdfast'),
        HOLDFAST_PASSWORD_FILE: password,
        AWS_SHARED_CREDENTIALS_FILE: server.credentialsFile,
      },
      ...['recover', '--endpoint', server.endpoint, '--bucket', bucket, '--to', target, '--owner'],
    );
    expect(code, stdout + stderr).toBe(0);
    expect(differences(wanted, treeFacts(path.join(target, 'nasty')))).toEqual([]);
  });

  test('read from the downloaded bucket by the independent reader, everything is as it was', async () => {
    const downloaded = path.join(outer, 'downloaded');
    await download(server ?? expect.unreachable(), bucket, downloaded);
    const target = path.join(outer, 'read');
    // A Python with the packages of test/sealed/requirements.txt.
    const python = process.env.HOLDFAST_TEST_PYTHON ?? 'python3';
    const options = ['restore', downloaded, target, '--password-file', password];
    expect(existsSync(path.join(downloaded, 'packs'))).toBe(hasPacks);
    const { stderr } = await promisify(execFile)(python, ['-B', reader, ...options]);
    expect(stderr).not.toContain('PROBLEM');
    expect(differences(wanted, treeFacts(path.join(target, 'nasty')))).toEqual([]);
  });
}

/** The newest version of every object of a bucket as a file, by its name. */
async function download(server: Versitygw, bucket: string, folder: string): Promise<void> {
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket })) {
    for (const { Key } of Contents) {
      const file = path.join(folder, Key ?? expect.unreachable());
      mkdirSync(path.dirname(file), { recursive: true });
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
      await pipeline(Body as Readable, createWriteStream(file));
    }
  }
  client.destroy();
}
