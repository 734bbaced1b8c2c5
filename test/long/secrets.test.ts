import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemCalls } from '../../src/files/system-calls.ts';
import { resolvePaths } from '../../src/stack/paths.ts';
import type { protectFile } from '../../workflows/protect-file.ts';
import { eicar } from '../support/eicar.ts';
import { TestInstallation, until } from '../support/installation.ts';
import { MarkerSearch, type Markers } from '../support/marker-search.ts';
import { clientOf, runWorker, useTemporal } from '../support/temporal.ts';
import { madeUpSteps } from '../workflows/steps.ts';

/**
 * What is planted, and where it may be found (docs/threat-model.md; nothing is allowed where no row says so):
 *
 * | kind of marker                              | catalog (SQL, Postgres' files) | command lines |
 * | ------------------------------------------- | ------------------------------ | ------------- |
 * | names of files and folders, links' targets  | yes                            | the user's own |
 * | values of extended attributes               | yes                            | –             |
 * | contents                                    | –                              | –             |
 * | password, recovery key                      | –                              | –             |
 *
 * Nothing may be in logs, the bucket, Temporal, metrics, the run, staging, quarantine and runtime folders, core files; the password is in the
 * environment only of the command whose user put it there, and in the worker's memory no longer than it takes to open.
 */
const draw = (): string => randomBytes(12).toString('hex');
const password = draw();
const markers: Record<string, string[]> = {
  name: [draw(), draw(), draw(), draw(), draw(), draw()],
  folder: [draw()],
  target: [draw()],
  attribute: [draw()],
  content: [draw()],
  password: [password],
  'recovery key': [],
};
const [plain, ignored, held, infected, vanished, outside] = markers.name as [
  string,
  string,
  string,
  string,
  string,
  string,
];
const [folder, target, attribute, content] = ['folder', 'target', 'attribute', 'content'].map(
  (kind) => markers[kind]?.[0] ?? '',
) as [string, string, string, string];
const catalogMay = /^(name|folder|target|attribute) /;

const temporal = useTemporal();
const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-secrets-'));
let installation: TestInstallation;
let search: MarkerSearch;
let sampling: NodeJS.Timeout;
/** What processes showed while the program worked: `where: what`. */
const shown = new Set<string>();
let sampled = 0;
/** Which files in / were there before. */
const coresBefore = new Set(coreFiles());

beforeAll(async () => {
  const kit = path.join(scratch, 'kit.txt');
  installation = await TestInstallation.create({
    sources: { docs: undefined },
    password,
    init: ['--kit', kit],
    configure: (config) => {
      config.policy = {
        ...config.policy,
        sources: {
          docs: { admission: { deny_names: ['ignored-*'] }, release: { deny_names: ['held-*'] } },
        },
      };
    },
  });
  const recoveryKey = /\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){8}\b/.exec(readFileSync(kit, 'utf8'))?.[0] ?? '';
  expect(recoveryKey).not.toBe('');
  markers['recovery key'] = [recoveryKey, recoveryKey.replaceAll('-', '')];
  search = new MarkerSearch(markers);
  // The password comes from the environment, where whatever is started could inherit it.
  rmSync(installation.env.HOLDFAST_PASSWORD_FILE ?? '');
  Object.assign(installation.env, { HOLDFAST_PASSWORD_FILE: undefined, HOLDFAST_PASSWORD: password });
  sampling = setInterval(sampleProcesses, 100);
  await withCores(() => installation.up('--no-watch'));
  await useEverything();
}, 180_000);

afterAll(async () => {
  clearInterval(sampling);
  await installation?.remove();
  rmSync(scratch, { recursive: true, force: true });
});

/** Lets this process, and so what it starts meanwhile, leave core files of any size. */
async function withCores(work: () => Promise<void>): Promise<void> {
  await ended(spawn('prlimit', [`--pid=${process.pid}`, '--core=unlimited:unlimited']));
  await work();
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));

/** Every outcome, a restore, another key. */
async function useEverything(): Promise<void> {
  const file = installation.write('docs', `${folder}/${plain}.txt`, `${content}\n`.repeat(40));
  systemCalls()?.setAttribute(Buffer.from(file), Buffer.from('user.marker'), Buffer.from(attribute));
  symlinkSync(target, installation.path('docs', 'link'));
  installation.write('docs', `ignored-${ignored}`, content);
  installation.write('docs', `held-${held}`, `held ${content}`);
  installation.write('docs', `${infected}.com`, eicar);
  const first = await installation.protect(installation.path('docs'));
  expect(new Set(first.rows.map((row) => row.outcome))).toEqual(
    new Set(['uploaded', 'ignored', 'held', 'quarantined']),
  );

  const gone = installation.write('docs', `${vanished}.txt`, content);
  const left = installation.write('docs', `leaving/${outside}.txt`, content);
  const worker = await installation.signal('worker', 'SIGSTOP');
  const failing = installation.protect(gone, left);
  await until('the hints were given', async () => {
    const rows = await installation.query(
      `select 1 from entries where (position($1::bytea in path) > 0 or position($2::bytea in path) > 0) and hint > 0`,
      [Buffer.from(vanished), Buffer.from(outside)],
    );
    return rows.length === 2;
  });
  rmSync(gone);
  renameSync(path.dirname(left), `${path.dirname(left)}-before`);
  mkdirSync(path.join(scratch, 'elsewhere'));
  writeFileSync(path.join(scratch, 'elsewhere', path.basename(left)), 'not of this source');
  symlinkSync(path.join(scratch, 'elsewhere'), path.dirname(left));
  process.kill(worker, 'SIGCONT');
  expect((await failing).rows.map((row) => row.outcome).sort()).toEqual(['failed', 'vanished']);

  const restored = path.join(scratch, 'restored');
  expect(await installation.run('restore', 'docs', '--to', restored)).toMatchObject({ code: 0 });
  expect(readFileSync(path.join(restored, 'docs', folder, `${plain}.txt`), 'utf8')).toContain(content);
  expect(await installation.run('key', 'rotate', '--payload')).toMatchObject({ code: 0 });
}

/** What every process of the machine shows of itself. */
function sampleProcesses(): void {
  sampled++;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const [line, environment] = ['cmdline', 'environ'].map((name) => {
      try {
        return readFileSync(`/proc/${pid}/${name}`);
      } catch {
        return Buffer.alloc(0);
      }
    }) as [Buffer, Buffer];
    // The command itself, which its user gave a path and in whose environment its user put the password.
    const isCommand = /holdfast\.mjs\0|cli\/main\.ts\0/.test(String(line)) && !line.includes('\0supervise\0');
    // A child between fork and exec still looks like its parent, and this process is the parent of commands.
    const isTest = Number(pid) === process.pid || line.includes('vitest');
    for (const one of search.inPlain(line)) {
      if (!isCommand || /^(password|recovery|content)/.test(one)) shown.add(`command line: ${one}`);
    }
    if (isCommand || isTest) continue;
    for (const one of search.inPlain(environment)) shown.add(`environment of ${line}: ${one}`);
  }
}

test('the search finds each kind of marker in a plain file, in every encoding, and nothing where nothing is', async () => {
  const at = path.join(scratch, 'control');
  mkdirSync(at);
  for (const [kind, values] of Object.entries(markers)) {
    const value = values[0] ?? '';
    const hex = Buffer.from(value).toString('hex');
    const forms: Record<string, Buffer | string> = {
      'plain text': `x${value}y`,
      hex: `<${hex.toUpperCase()}>`,
      percent: hex.replaceAll(/../g, '%$&'),
      'base64+0': Buffer.from(`${value} and more`).toString('base64'),
      'base64+1': Buffer.from(`1${value} and more`).toString('base64'),
      'base64+2': Buffer.from(`12${value} and more`).toString('base64url'),
      'plain text in gzip': Buffer.concat([Buffer.from('before'), gzipSync(value), Buffer.from('after')]),
      'plain text in zlib': Buffer.concat([Buffer.from('before'), deflateSync(value)]),
      'hex in zstd': Buffer.concat([Buffer.from('before'), zstdCompressSync(hex), Buffer.from('after')]),
    };
    for (const [form, bytes] of Object.entries(forms)) {
      const file = path.join(at, 'file');
      writeFileSync(file, bytes);
      const { found } = await search.inFolder(at);
      expect([...(found.get('file') ?? [])]).toContain(`${kind} as ${form}`);
    }
  }
  writeFileSync(path.join(at, 'file'), randomBytes(1_000_000));
  expect((await search.inFolder(at)).found.size).toBe(0);
});

test('the search finds markers in Temporal when nothing encrypts payloads', async () => {
  const taskQueue = `files.${randomUUID()}`;
  await runWorker(temporal(), taskQueue, madeUpSteps().activities);
  const handle = await clientOf(temporal()).workflow.start<typeof protectFile>('protectFile', {
    workflowId: `protect:${randomUUID()}`,
    taskQueue,
    args: [
      {
        entryId: Object.values(markers).flat().join(' '),
        runId: 'run',
        retry: { maxRetries: 0, retryDelayMs: 1 },
        hostQueue: taskQueue,
      },
    ],
  });
  await handle.result();
  const found = await historiesOf(temporal().env.connection, 'default');
  for (const kind of Object.keys(markers)) expect([...found].join('\n')).toContain(`${kind} as base64`);
});

/** What the API of Temporal shows: every workflow of the namespace with its whole history. */
async function historiesOf(connection: Connection, namespace: string): Promise<Set<string>> {
  const { workflowService } = connection;
  const found = new Set<string>();
  const listed = await until('workflows are listed', async () => {
    const { executions } = await workflowService.listWorkflowExecutions({ namespace, pageSize: 1_000 });
    return executions?.length ? executions : undefined;
  });
  for (const one of listed) {
    for (let nextPageToken: Uint8Array | undefined = new Uint8Array(); nextPageToken; ) {
      const page: Awaited<ReturnType<typeof workflowService.getWorkflowExecutionHistory>> =
        await workflowService.getWorkflowExecutionHistory({
          namespace,
          execution: one.execution ?? null,
          nextPageToken,
        });
      for (const what of await search.inBytes(Buffer.from(JSON.stringify([one, page])))) found.add(what);
      nextPageToken = page.nextPageToken?.length ? page.nextPageToken : undefined;
    }
  }
  return found;
}

test('Temporal shows no marker, neither through its API nor in metrics', async () => {
  const services = await installation.services();
  const connection = await Connection.connect({ address: services.temporal?.address ?? '' });
  try {
    expect([...(await historiesOf(connection, 'holdfast'))]).toEqual([]);
  } finally {
    await connection.close();
  }
  const { worker, temporal } = services;
  for (const url of [worker?.metrics, worker?.sdkMetrics, temporal?.metrics]) {
    const text = await (await fetch(String(url))).text();
    expect(text).toContain('# TYPE');
    expect([...(await search.inBytes(Buffer.from(text)))]).toEqual([]);
  }
});

test('the catalog holds names, targets and attributes, and neither contents nor secrets', async () => {
  const tables = await installation.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  expect(tables.length).toBeGreaterThan(10);
  const found = new Set<string>();
  for (const { name } of tables) {
    const rows = await installation.query<{ row: string }>(`select t::text as row from ${name} t`);
    const text = Buffer.from(rows.map(({ row }) => row).join('\n'));
    for (const one of await search.inBytes(text)) found.add(one);
  }
  expect([...found].filter((one) => !catalogMay.test(one))).toEqual([]);
  for (const kind of ['name', 'folder', 'target', 'attribute'])
    expect([...found].join('\n')).toContain(`${kind} as`);
});

test('no process showed a secret in its arguments or its environment', () => {
  expect(sampled).toBeGreaterThan(20);
  expect([...shown]).toEqual([]);
});

test('a worker that is killed leaves no core file, and did not keep the password in its memory', async () => {
  const pid = await installation.signal('worker', 'SIGCONT');
  const secrets = { password: [password], 'recovery key': markers['recovery key'] ?? [] };
  expect([...memoryHolds(pid, secrets)]).toEqual([]);
  // The search itself works: the supervisor needs the password for the next worker.
  const { pid: supervisor } = await installation.status();
  expect([...memoryHolds(supervisor, secrets)]).toContain('password as plain text');
  const at = path.join(scratch, 'core');
  mkdirSync(at);
  const control = spawn('sleep', ['60'], { cwd: at });
  await until('it runs', () => readFileSync(`/proc/${control.pid}/comm`, 'utf8').includes('sleep'));
  const controlEnded = ended(control);
  control.kill('SIGSEGV');
  await controlEnded;
  // Where the system gives core files to a program, or allows none, there is no file to search; the limit is looked at anyway.
  const canLeaveCores = readdirSync(at).length > 0;
  expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/^Max core file size +1 +1 /m);
  process.kill(pid, 'SIGSEGV');
  await until(
    'another worker runs',
    async () => {
      const { worker } = await installation.services();
      return worker?.healthy && worker.pid !== pid;
    },
    60_000,
  );
  if (canLeaveCores) expect(coreFiles().filter((file) => !coresBefore.has(file))).toEqual([]);
}, 120_000);

/** What is in the memory of a process that it can write to, as a core file would have it. */
function memoryHolds(pid: number, secrets: Markers): Set<string> {
  const secretSearch = new MarkerSearch(secrets);
  const found = new Set<string>();
  const memory = `/proc/${pid}/mem`;
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    if (from === undefined || to === undefined) continue;
    for (const one of secretSearch.inPlain(
      readRange(memory, Number.parseInt(from, 16), Number.parseInt(to, 16)),
    ))
      found.add(one);
  }
  return found;
}

/** Bytes of a process' memory; fewer where it went away meanwhile. */
function readRange(memory: string, from: number, to: number): Buffer {
  const descriptor = openSync(memory, 'r');
  try {
    const bytes = Buffer.alloc(to - from);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, from));
  } catch {
    return Buffer.alloc(0);
  } finally {
    closeSync(descriptor);
  }
}

function coreFiles(): string[] {
  return readdirSync('/')
    .filter((name) => /^core(\.\d+)?$/.test(name))
    .map((name) => `/${name}`);
}

test('nothing else on disk holds a marker, after all services have stopped', async () => {
  const { runtime } = resolvePaths(installation.env, process.getuid?.() ?? 0);
  await installation.query('checkpoint').catch(() => {});
  await installation.down();
  const { found, files } = await search.inFolder(installation.home);
  expect(files).toBeGreaterThan(100);
  const forbidden: string[] = [];
  for (const [file, what] of found) {
    const allowed = file.startsWith('data/postgres/') ? catalogMay : /^$/;
    for (const one of what) if (!allowed.test(one)) forbidden.push(`${file}: ${one}`);
  }
  expect(forbidden).toEqual([]);
  // The search itself works: the files of the catalog do hold names, in the write-ahead log too.
  const holding = [...found.keys()].join('\n');
  expect(holding).toMatch(/^data\/postgres\/.*\/base\//m);
  expect(holding).toMatch(/^data\/postgres\/.*\/pg_wal\//m);
  expect(existsSync(path.join(installation.home, 'data/s3'))).toBe(true);
  if (existsSync(runtime)) expect((await search.inFolder(runtime)).found.size).toBe(0);
}, 120_000);
