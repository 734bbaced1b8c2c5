import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, startVersitygw, type Versitygw } from '../storage/versitygw.ts';
import { TestInstallation, until } from '../support/installation.ts';
import { differences, treeFacts } from '../support/tree-facts.ts';

/** Three destinations: two buckets of the installation's own server, and one of a server that is down at first. */
let installation: TestInstallation;
let far: Versitygw;
let line: Line;
let bare: string;

interface Line {
  readonly endpoint: string;
  up(): Promise<void>;
  down(): void;
}

/** Where nothing else listens, whatever ports other tests are given meanwhile. */
const lineAddress = '127.0.0.2';

/** The line to a server: while it is down nobody listens. */
async function lineTo(endpoint: string): Promise<Line> {
  const { hostname, port } = new URL(endpoint);
  const own = await freePort();
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  return {
    endpoint: `http://${lineAddress}:${own}`,
    async up() {
      server = createServer((socket) => {
        const onward = connect(Number(port), hostname);
        for (const each of [socket, onward]) sockets.add(each.on('error', () => each.destroy()));
        socket.pipe(onward).pipe(socket);
      });
      await new Promise<void>((resolve) => server?.listen(own, lineAddress, resolve));
    },
    down() {
      server?.close();
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
  };
}

beforeAll(async () => {
  bare = mkdtempSync(path.join(tmpdir(), 'holdfast-bare-'));
  far = await startVersitygw();
  line = await lineTo(far.endpoint);
  installation = await TestInstallation.start(
    {
      sources: { docs: undefined },
      configure(config) {
        const [primary] = config.destinations;
        if (primary === undefined) throw new Error('no destination');
        config.destinations = [
          primary,
          {
            name: 'second',
            bucket: 'second-bucket',
            prefix: 'copy',
            lock: { days: 2 },
            s3: { endpoint: line.endpoint, pathStyle: true, credentialsFile: far.credentialsFile },
          },
          { ...primary, name: 'third', bucket: `${primary.bucket}-third` },
        ];
        config.policy = { ...config.policy, sources: { docs: { destinations: ['primary', 'second'] } } };
      },
    },
    '--no-watch',
  );
});

afterAll(async () => {
  await installation?.remove();
  line?.down();
  await far?.stop();
  rmSync(bare, { recursive: true, force: true });
});

const statesOf = async (): Promise<string[]> => {
  const { rows } = await installation.run('files', 'docs', '--json');
  return rows
    .filter(({ kind }) => kind === 'file')
    .map(({ path, outcome, placements }) => {
      const states = placements.map(({ destination, state }) => `${destination} ${state}`).sort();
      return `${path}: ${outcome}, ${states.join(', ')}`;
    });
};

test('while one destination is down everything goes to the other, and catches up by itself', async () => {
  installation.write('docs', 'small.txt', 'a small file');
  installation.write('docs', 'same.txt', 'a small file');
  installation.write('docs', 'folder/large.bin', Buffer.alloc(9 * 1024 * 1024, 'large'));
  expect((await installation.protect(installation.path('docs'))).code).toBe(0);
  expect(await statesOf()).toEqual([
    expect.stringMatching(/^folder\/large.bin: uploaded, primary committed, second planned$/),
    expect.stringMatching(/^same.txt: (uploaded|duplicate), primary committed, second planned$/),
    expect.stringMatching(/^small.txt: (uploaded|duplicate), primary committed, second planned$/),
  ]);
  const status = await installation.run('status');
  expect(status.stdout).toContain('3 versions have no copy in second yet');
  expect((await installation.run('files', '--lacking', 'second', '--json')).rows).toHaveLength(3);
  await line.up();
  await until('all copies to be there', async () =>
    (await statesOf()).every((row) => row.endsWith('primary committed, second committed')),
  );
  const [keyring] = await installation.query<{ count: string }>(
    `select count(*) from objects where destination = 'second' and retain_until > now() + interval '47 hours'`,
  );
  expect(keyring?.count).toBe('2');
});

test('with both there a file goes to both at once, and replicate fills a third from the first', async () => {
  installation.write('docs', 'later.txt', 'later words');
  await installation.protect(installation.path('docs'));
  expect(await statesOf()).toContain('later.txt: uploaded, primary committed, second committed');
  const dry = await installation.run('replicate', 'primary', 'third', '--dry-run', '--json');
  expect(dry.rows).toMatchObject([{ versions: 4, dryRun: true }]);
  const filled = await installation.run('replicate', 'primary', 'third', '--wait', '--json');
  expect(filled.stderr).toBe('');
  expect(filled).toMatchObject({ code: 0, rows: [{ summary: { copied: 4, denied: 0, failed: 0 } }] });
  expect((await statesOf()).every((row) => row.includes('third committed'))).toBe(true);
  expect((await installation.run('replicate', 'primary', 'nowhere')).stderr).toContain(
    'no destination nowhere',
  );
});

test('everything comes back from the second server alone', async () => {
  await installation.down();
  const text = { AWS_ACCESS_KEY_ID: far.accessKeyId, AWS_SECRET_ACCESS_KEY: far.secretAccessKey };
  const to = path.join(bare, 'restored');
  const recovered = await installation.runWith(
    { HOLDFAST_HOME: path.join(bare, 'home'), ...text },
    ...['recover', '--endpoint', far.endpoint, '--bucket', 'second-bucket', '--prefix', 'copy'],
    ...['--region', far.region, '--to', to],
  );
  expect(recovered.code, recovered.stderr + recovered.stdout).toBe(0);
  const source = treeFacts(installation.path('docs'));
  expect(differences(source, treeFacts(path.join(to, 'docs')))).toEqual([]);
});
