import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { CreateBucketCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestInstallation } from '../support/installation.ts';

let installation: TestInstallation;

beforeAll(async () => {
  installation = await TestInstallation.create({ sources: { docs: undefined } });
  installation.write('docs', 'a.txt', 'content');
});

afterAll(() => installation?.remove());

/** Official signatures of the machine itself would be taken. */
const hasSignatures = ['main.cvd', 'main.cld'].some((name) => existsSync(path.join('/var/lib/clamav', name)));

test.skipIf(hasSignatures)(
  'init without official signatures leaves no installation behind: exit code 5',
  async () => {
    const home = path.join(installation.folder, 'unsigned');
    const source = `docs=${installation.sources.docs}`;
    // Nobody answers there, so freshclam cannot fetch any.
    const env = { HOLDFAST_HOME: home, https_proxy: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9' };
    const { code, stderr } = await installation.runWith(env, 'init', '--source', source, '--yes');
    expect(code).toBe(5);
    expect(stderr).toContain('--allow-test-signatures');
    expect(existsSync(path.join(home, 'holdfast.yaml'))).toBe(false);
  },
);

test('init takes COMPLIANCE locks only where somebody agrees to them', async () => {
  const env = { HOLDFAST_HOME: path.join(installation.folder, 'compliance') };
  const init = ['init', '--source', `docs=${installation.sources.docs}`, '--allow-test-signatures', '--yes'];
  const refused = await installation.runWith(env, ...init, '--lock-mode', 'COMPLIANCE');
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('--accept-compliance') });
  const taken = await installation.runWith(env, ...init, '--lock-mode', 'COMPLIANCE', '--accept-compliance');
  expect(taken).toMatchObject({ code: 0, stdout: expect.stringContaining('COMPLIANCE mode for 7 days') });
});

test('without a password nothing starts: exit code 6', async () => {
  const { code, stderr } = await installation.runWith({ HOLDFAST_PASSWORD_FILE: undefined }, 'up', '-d');
  expect(code).toBe(6);
  expect(stderr).toContain('No password was given.');
});

test('with a wrong password nothing starts: exit code 6', async () => {
  const wrong = installation.passwordFile('other words than those\n', 'wrong');
  const { code, stderr } = await installation.runWith({ HOLDFAST_PASSWORD_FILE: wrong }, 'up', '-d');
  expect(code).toBe(6);
  expect(stderr).toContain('The password does not open this keyring.');
  expect(await installation.run('status')).toMatchObject({ code: 5 });
});

test('a keyring that asks for 2^32 iterations is refused at once: exit code 6', async () => {
  const root = path.join(installation.home, 'keys', 'root');
  const file = path.join(root, readdirSync(root)[0] ?? '');
  const good = readFileSync(file);
  try {
    writeFileSync(file, JSON.stringify({ ...JSON.parse(good.toString()), iterations: 2 ** 32 }));
    const began = performance.now();
    const { code, stderr } = await installation.run('up', '-d');
    expect(code).toBe(6);
    expect(stderr).toContain('4294967296');
    // Deriving with that many iterations takes an hour.
    expect(performance.now() - began).toBeLessThan(20_000);
  } finally {
    writeFileSync(file, good);
  }
});

test('a bucket without Object Lock is refused before a byte is sent: exit code 1', async () => {
  await installation.up('--only', 's3');
  const { client, bucket } = await installation.s3();
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  await installation.down();
  const seen = installation.requests().length;

  const { code, stderr } = await installation.run('up', '-d');
  expect(code).toBe(1);
  expect(stderr).toContain(`Bucket ${bucket} of destination primary has no Object Lock`);
  const asked = installation.requests().slice(seen);
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.filter((request) => /Put|Upload|Post/.test(request.operation))).toEqual([]);
  // What had started is stopped again.
  expect(await installation.run('status')).toMatchObject({ code: 5 });

  await installation.up('--only', 's3');
  const again = await installation.s3();
  const { Versions } = await again.client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
  expect(Versions ?? []).toEqual([]);
  await installation.down();
});

/** Starts with one service changed to an external one that nobody serves. */
async function startWith(services: NonNullable<ReturnType<TestInstallation['config']>['services']>) {
  const before = installation.config();
  installation.configure((config) => {
    config.services = { ...config.services, ...services };
    // The bucket without a lock is not what these are about.
    if (config.destinations[0]) config.destinations[0].bucket += '-b';
  });
  try {
    return await installation.run('up', '-d', '--no-watch');
  } finally {
    await installation.down();
    installation.configure((config) => {
      Object.assign(config, before);
    });
  }
}

test.each([
  [
    'clamd',
    'malware scanner (clamd)',
    () => ({ clamd: { mode: 'external' as const, socket: '/nonexistent/clamd.sock' } }),
  ],
  [
    'opa',
    'policy engine (OPA)',
    () => ({ opa: { mode: 'external' as const, socket: '/nonexistent/opa.sock' } }),
  ],
  [
    'temporal',
    'Temporal does not answer',
    async () => ({ temporal: { mode: 'external' as const, address: await closedAddress() } }),
  ],
  [
    'postgres',
    'catalog (Postgres) does not answer',
    async () => {
      const uriFile = path.join(installation.folder, 'uri');
      writeFileSync(uriFile, `postgresql://nobody:nothing@${await closedAddress()}/none\n`);
      return { postgres: { mode: 'external' as const, ownerUriFile: uriFile, writerUriFile: uriFile } };
    },
  ],
  [
    's3',
    'Destination primary does not answer',
    async () => ({
      s3: {
        mode: 'external' as const,
        endpoint: `http://${await closedAddress()}`,
        pathStyle: true,
        credentialsFile: path.join(installation.home, 'secrets', 's3', 'credentials'),
      },
    }),
  ],
])(
  '%s down at the start: exit code 5',
  async (_name, message, services) => {
    const { code, stderr } = await startWith(await services());
    expect(stderr).toContain(message);
    expect(code).toBe(5);
  },
  120_000,
);

/** A loopback address that nobody listens on. */
async function closedAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new TypeError('no port');
  return `127.0.0.1:${address.port}`;
}
