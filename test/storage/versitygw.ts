import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { glob, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A real S3 server on a free loopback port with data of its own. */
export interface Versitygw {
  readonly endpoint: string;
  readonly region: string;
  /** AWS format, profile `default`: the bucket owner's. */
  readonly credentialsFile: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly accessLog: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/**
 * Starts versitygw: the tool in HOLDFAST_TEST_VERSITYGW, else the newest in the tool cache. With `tls` over HTTPS; with
 * `kept` on the buckets in that folder, which another one left: `objects`, `versions` and perhaps `sidecar`.
 */
export async function startVersitygw(tls?: { cert: string; key: string }, kept?: string): Promise<Versitygw> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-s3-'));
  const data = join(kept ?? folder, 'objects');
  const versions = join(kept ?? folder, 'versions');
  const sidecar = kept === undefined ? undefined : join(kept, 'sidecar');
  if (kept === undefined) await Promise.all([mkdir(data), mkdir(versions)]);
  const accessKeyId = randomBytes(8).toString('hex');
  const secretAccessKey = randomBytes(20).toString('hex');
  const credentialsFile = join(folder, 'credentials');
  await writeFile(
    credentialsFile,
    `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    { mode: 0o600 },
  );
  const accessLog = join(folder, 'access.log');
  const port = await freePort();
  const region = 'us-east-1';
  const child = spawn(
    await versitygwPath(),
    [
      ...['--port', `127.0.0.1:${port}`, '--region', region, '--access-log', accessLog],
      ...['--keep-alive', '--quiet'],
      ...(tls ? ['--cert', tls.cert, '--key', tls.key] : []),
      ...['posix', '--versioning-dir', versions],
      ...(sidecar !== undefined && existsSync(sidecar) ? ['--sidecar', sidecar] : []),
      data,
    ],
    {
      env: {
        PATH: '/usr/bin:/bin',
        ROOT_ACCESS_KEY_ID: accessKeyId,
        ROOT_SECRET_ACCESS_KEY: secretAccessKey,
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const endpoint = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  await healthy(port, child);
  return {
    endpoint,
    region,
    credentialsFile,
    accessKeyId,
    secretAccessKey,
    accessLog,
    pid: child.pid ?? 0,
    async stop() {
      if (child.exitCode === null) {
        const exited = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await exited;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function versitygwPath(): Promise<string> {
  const named = process.env.HOLDFAST_TEST_VERSITYGW;
  if (named) return named;
  const userCache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const found: { path: string; builtMs: number }[] = [];
  for (const cache of ['/var/cache', userCache]) {
    for await (const path of glob(join(cache, 'holdfast/tools/versitygw-*/versitygw'))) {
      found.push({ path, builtMs: (await stat(path)).mtimeMs });
    }
  }
  const newest = found.sort((a, b) => b.builtMs - a.builtMs)[0];
  if (!newest) throw new Error('versitygw is not built yet; or set HOLDFAST_TEST_VERSITYGW to its path');
  return newest.path;
}

async function healthy(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`versitygw ended with code ${child.exitCode}`);
    if (await accepts(port)) return;
    await sleep(100);
  }
  throw new Error('versitygw did not listen within 10 s');
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** A port nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
