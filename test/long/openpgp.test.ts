import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gpg } from '../openpgp/gpg.ts';
import { TestInstallation } from '../support/installation.ts';

/**
 * A source whose content is sealed as OpenPGP messages, beside one in the sealed format; and a host that protects into the
 * same bucket and cannot read.
 */
const gpg = new Gpg();
const officer = gpg.makeKey('officer');
let installation: TestInstallation;
let writer: TestInstallation | undefined;
let bare: string;
const large = Buffer.alloc(9 * 1024 * 1024, 'personnel file ');

beforeAll(async () => {
  bare = mkdtempSync(path.join(tmpdir(), 'holdfast-bare-'));
  installation = await TestInstallation.create({
    sources: { personnel: undefined, docs: undefined },
    configure: (config) => {
      config.openpgp = { recipients: [officer.publicFile] };
      config.policy = { ...config.policy, sources: { personnel: { format: 'openpgp' } } };
    },
  });
  const exported = await installation.run('key', 'export', '--write-only', '--host', 'web1', keyFile());
  expect(exported.code, exported.stderr).toBe(0);
  await installation.up('--no-watch');
  installation.write('personnel', 'list.txt', 'names and numbers');
  installation.write('personnel', 'again.txt', 'names and numbers');
  installation.write('personnel', 'large.bin', large);
  installation.write('docs', 'plain.txt', 'sealed with the password');
});

const keyFile = (): string => path.join(bare, 'web1.json');

afterAll(async () => {
  await writer?.remove();
  await installation?.remove();
  gpg.remove();
  rmSync(bare, { recursive: true, force: true });
});

test('real gpg opens what policy sealed to a public key, and shares it within the source', async () => {
  const { byPath, code } = await installation.protect(
    installation.path('personnel'),
    installation.path('docs'),
  );
  expect(code).toBe(0);
  const outcomes = ['list.txt', 'again.txt'].map((name) => byPath.get(name)?.outcome);
  expect(outcomes.sort()).toEqual(['duplicate', 'uploaded']);
  const { client, bucket } = await installation.s3();
  const download = async (name: string): Promise<Buffer> => {
    const Key = byPath.get(name)?.objectKey ?? '';
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };
  expect(gpg.decrypt(await download('list.txt')).toString()).toBe('names and numbers');
  const message = await download('large.bin');
  expect(message.length).toBeLessThan(large.length / 10);
  expect(gpg.decrypt(message).equals(large)).toBe(true);
  expect(() => gpg.decrypt(Buffer.from('no message'))).toThrow();
});

test('restores with the private key, and only with it', async () => {
  const without = await installation.run(
    'restore',
    'personnel',
    '--to',
    path.join(bare, 'without'),
    '--json',
  );
  expect(without.code).toBe(3);
  expect(without.stdout).toContain('openpgp_key_missing');
  expect(() => readFileSync(path.join(bare, 'without/personnel/list.txt'))).toThrow(/ENOENT/);

  const args = ['--to', path.join(bare, 'with'), '--openpgp-key', officer.privateFile];
  expect((await installation.run('restore', 'personnel', ...args)).code).toBe(0);
  const restored = (name: string) => readFileSync(path.join(bare, 'with/personnel', name));
  expect(restored('list.txt').toString()).toBe('names and numbers');
  expect(restored('large.bin').equals(large)).toBe(true);
});

test('recovers from the bucket, the password and the private key', async () => {
  // Stopping the worker writes what no manifest lists yet.
  await installation.down();
  await installation.up('--only', 's3');
  const recovered = await recover('recovered', '--openpgp-key', officer.privateFile);
  expect(recovered.code, recovered.stderr).toBe(0);
  const back = (...names: string[]) => readFileSync(path.join(bare, 'recovered', ...names));
  expect(back('personnel', 'again.txt').toString()).toBe('names and numbers');
  expect(back('personnel', 'large.bin').equals(large)).toBe(true);
  expect(back('docs', 'plain.txt').toString()).toBe('sealed with the password');
});

/** Runs `recover` as on a machine that knows nothing but address, password and a role that may only read. */
async function recover(to: string, ...args: string[]) {
  const { address, bucket, rolesDir } = await installation.service('s3');
  return installation.runWith(
    {
      HOME: bare,
      HOLDFAST_HOME: path.join(bare, 'holdfast'),
      AWS_SHARED_CREDENTIALS_FILE: path.join(String(rolesDir), 'recover'),
    },
    ...['recover', '--endpoint', address, '--bucket', String(bucket), '--to', path.join(bare, to), ...args],
  );
}

test('a write-only host protects what it cannot read; the administrator brings it back', async () => {
  const { address, region, rolesDir } = await installation.service('s3');
  writer = await TestInstallation.create({
    sources: { www: undefined },
    init: ['--write-only', '--keys', keyFile(), '--recipient', officer.publicFile],
    configure: (config) => {
      const credentialsFile = path.join(String(rolesDir), 'agent');
      const s3 = { mode: 'external', endpoint: address, region: String(region), pathStyle: true } as const;
      config.services = { ...config.services, s3: { ...s3, credentialsFile } };
    },
  });
  delete writer.env.HOLDFAST_PASSWORD_FILE;
  writer.write('www', 'index.html', 'a page');
  writer.write('www', 'large.bin', large);
  await writer.up('--no-watch');
  const { byPath, code } = await writer.protect(writer.path('www'));
  expect(code).toBe(0);
  expect(byPath.get('index.html')?.outcome).toBe('uploaded');

  for (const command of [
    ['restore', 'www', '--to', path.join(bare, 'here')],
    ['cat', 'www:index.html'],
  ]) {
    const refused = await writer.run(...command);
    expect([refused.code, refused.stderr]).toEqual([6, expect.stringContaining('can only write')]);
  }
  expect(readdirSync(path.join(writer.home, 'keys'))).toEqual(['host.json']);
  expect((await writer.run('key', 'list')).code).toBe(6);
  const verified = await writer.run('verify', '--all', '--read-data');
  expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  const { stdout } = await writer.run('doctor');
  expect(stdout).toContain('services');
  expect(stdout).not.toContain('recovery-kit');
  const [evidence] = await writer.query<{ all: boolean }>(
    `select bool_and(substring(sealed from 1 for 8) = 'HOLDFSGN'::bytea) as all from evidence`,
  );
  expect(evidence?.all).toBe(true);
  // Stopping the worker writes what no manifest lists yet.
  await writer.down();

  const without = await recover('without-key', '--source', 'docs', '--json');
  expect(without.stdout).toContain('openpgp_key_missing');
  const recovered = await recover('brought-back', '--openpgp-key', officer.privateFile);
  expect(recovered.code, recovered.stderr).toBe(0);
  expect(readFileSync(path.join(bare, 'brought-back/www/index.html'), 'utf8')).toBe('a page');
  expect(readFileSync(path.join(bare, 'brought-back/www/large.bin')).equals(large)).toBe(true);
});
