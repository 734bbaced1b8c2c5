import { type ChildProcess, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openInstallation } from '../../src/installation.ts';
import { openBytes } from '../../src/sealed/open.ts';
import { resolvePaths } from '../../src/stack/paths.ts';
import { makeDeepFile } from '../files/deep-tree.ts';
import { eicar } from '../support/eicar.ts';
import { isEmbedded, TestInstallation, until } from '../support/installation.ts';
import { alerts, expressions, metricNames } from '../support/monitoring-files.ts';
import { numbers } from '../support/numbers.ts';
import { Prometheus } from '../support/prometheus.ts';

/** sysfs gives files that nobody may read, not even root: for this one the kernel answers EACCES to every open. */
const unreadableFolder = '/sys/bus/cpu';
const unreadableFile = 'uevent';
/** A name that must not be found outside the catalog. */
const marker = 'zebra-marker-7391';

let installation: TestInstallation;
let writer: ChildProcess | undefined;
let changing: ReturnType<TestInstallation['protect']> | undefined;

beforeAll(async () => {
  installation = await TestInstallation.start(
    {
      sources: { docs: undefined, reports: undefined, rules: undefined, sys: unreadableFolder },
      configure: (config) => {
        for (const source of config.sources) {
          if (source.name === 'reports') source.quarantine = 'report';
          if (source.name === 'rules') {
            Object.assign(source, { exclude: ['*.tmp', 'build/'], include: ['keep.tmp'], maxSize: '1MiB' });
          }
        }
        config.policy = {
          ...config.policy,
          sources: {
            docs: { admission: { deny_names: ['unwanted-*'] }, release: { deny_names: ['secret-*'] } },
          },
        };
      },
    },
    '--no-watch',
  );
  changing = protectWhatNeverRests();
});

afterAll(async () => {
  writer?.kill('SIGKILL');
  await changing?.catch(() => {});
  await installation?.remove();
});

/** Runs `decide` while the worker cannot look at anything, and returns what `protect` says in the end. */
async function whileWorkerSleeps(paths: readonly string[], decide: () => void) {
  const pid = await installation.signal('worker', 'SIGSTOP');
  try {
    const [{ count = 0 } = {}] = await installation.query<{ count: number }>(hintsGiven);
    const protecting = installation.protect(...paths);
    await until('the hints were given', async () => {
      const [row] = await installation.query<{ count: number }>(hintsGiven);
      return Number(row?.count) >= Number(count) + paths.length;
    });
    decide();
    process.kill(pid, 'SIGCONT');
    return await protecting;
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}
const hintsGiven = 'select sum(hint)::int as count from entries';

/** A file of some size that another process writes to all the time, from now on. */
async function protectWhatNeverRests() {
  const file = installation.write('docs', 'busy/log.bin', Buffer.alloc(4 * 1024 * 1024));
  writer = spawn(
    process.execPath,
    [
      '-e',
      `const fs = require('node:fs');
       const fd = fs.openSync(process.argv[1], 'r+');
       let n = 0;
       setInterval(() => fs.writeSync(fd, String(n++), n % 4_000_000), 2);`,
      file,
    ],
    { stdio: 'ignore' },
  );
  return installation.protect(file);
}

test('a file is uploaded, then a duplicate and an unchanged look at it are told as such', async () => {
  const first = installation.write('docs', 'plain/a.txt', 'the same words');
  const { code, rows, stderr } = await installation.protect(first);
  expect(code, stderr).toBe(0);
  expect(rows).toMatchObject([
    { source: 'docs', path: 'plain/a.txt', outcome: 'uploaded', unchanged: false },
  ]);
  expect(rows[0]?.placements).toMatchObject([{ state: 'committed', lockMode: 'GOVERNANCE' }]);
  installation.write('docs', 'plain/b.txt', 'the same words');
  const again = await installation.protect(installation.path('docs', 'plain'));
  expect(again.byPath.get('plain/a.txt')).toMatchObject({ outcome: 'uploaded', unchanged: true });
  expect(again.byPath.get('plain/b.txt')).toMatchObject({ outcome: 'duplicate', unchanged: false });
  expect(again.byPath.get('plain/b.txt')?.objectKey).toBe(rows[0]?.objectKey);
});

test('a dry run lists what would be taken and until when it would be locked, and writes nothing', async () => {
  installation.write('docs', 'dry/new.txt', Buffer.alloc(1_000, 'x'));
  const before = await everythingWritten();
  const { code, stdout } = await installation.run(
    'protect',
    installation.path('docs', 'dry'),
    '--dry-run',
    '--json',
  );
  expect(await everythingWritten()).toEqual(before);
  expect(code).toBe(0);
  const values = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(values).toContainEqual(
    expect.objectContaining({ path: 'dry/new.txt', would: 'protect', sizeBytes: 1_000 }),
  );
  const { summary } = values.at(-1);
  expect(summary).toMatchObject({ bytes: 1_000, lockMode: 'GOVERNANCE', lockDays: 1 });
  const days = (Date.parse(summary.lockedUntil) - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(0.99);
  expect(days).toBeLessThan(1.01);
});

async function everythingWritten(): Promise<unknown> {
  // The file that never rests is left out: its own run goes on meanwhile.
  return {
    entries: await installation.query(`select id, hint from entries where path not like 'busy%' order by id`),
    runs: await installation.query('select count(*) from run_log'),
    sources: await installation.query('select count(*) from sources'),
    events: await installation.query(
      `select count(*) from audit_events where event ->> 'entry' not in
       (select id from entries where path like 'busy%')`,
    ),
    // Journals, and heads of the audit trail, tell of what was done before.
    contents: installation
      .requests()
      .filter(({ operation, uri }) => /PutObject|Upload/.test(operation) && /\/(objects|packs)\//.test(uri))
      .length,
  };
}

test('an empty file, a newline in a name and a name that is not UTF-8 are uploaded', async () => {
  const folder = installation.path('docs', 'odd');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'empty'), '');
  writeFileSync(path.join(folder, 'two\nlines'), 'newline');
  const latin1 = Buffer.from([0x63, 0x61, 0x66, 0xe9]);
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), latin1]), 'not UTF-8');
  const { code, byPath } = await installation.protect(folder);
  expect(code).toBe(0);
  expect(byPath.get('odd/empty')).toMatchObject({ outcome: 'uploaded' });
  expect(byPath.get('odd/two\nlines')).toMatchObject({ outcome: 'uploaded' });
  expect(byPath.get('odd/caf\ufffd')).toMatchObject({
    outcome: 'uploaded',
    pathBytes: Buffer.concat([Buffer.from('odd/'), latin1]).toString('base64'),
  });
});

test('earlier versions are found, listed, printed and compared, also of what is gone', async () => {
  const file = installation.write('docs', 'past/report.txt', 'first');
  await installation.protect(path.dirname(file));
  const between = new Date().toISOString();
  installation.write('docs', 'past/report.txt', 'second, and longer');
  await installation.protect(file);
  rmSync(file);
  await installation.protect(file);

  const versions = await installation.run('find', 'report.txt', '--versions', '--json');
  expect(versions.rows.map((row) => row.outcome)).toEqual(['deleted', 'uploaded', 'uploaded']);
  const entry = 'docs:past/report.txt';
  const second = await installation.run('cat', entry, '--version', versions.rows[1]?.versionId ?? '');
  expect(second).toMatchObject({ code: 0, stdout: 'second, and longer', stderr: '' });
  expect(await installation.run('cat', entry, '--at', between)).toMatchObject({ code: 0, stdout: 'first' });
  expect(await installation.run('cat', entry)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('nothing under that path as of now'),
  });
  expect((await installation.run('ls', 'docs:past', '--at', between)).stdout).toBe('past/report.txt\n');
  expect((await installation.run('diff', between, 'now', 'docs:past')).stdout).toBe(`-  ${entry}  5 B\n`);
  const [read] = await installation.query<{ event: { version: string } }>(
    `select event from audit_events where event -> 'facts' ->> 'command' = 'cat' order by at limit 1`,
  );
  expect(read?.event.version).toBe(versions.rows[1]?.versionId);
});

test('a file whose absolute path is longer than 4,095 bytes is uploaded', async () => {
  const folder = installation.path('docs', 'deep');
  mkdirSync(folder);
  const leaf = makeDeepFile(folder, 'far down').toString();
  expect(path.join(folder, leaf).length).toBeGreaterThan(4_095);
  const { code, byPath } = await installation.protect(folder);
  expect(code).toBe(0);
  expect(byPath.get(`deep/${leaf}`)).toMatchObject({ outcome: 'uploaded' });
});

test('50 equal new files at once make one object and 49 duplicates', async () => {
  const before = (await installation.bucketState()).objects.length;
  for (let i = 0; i < 50; i++) installation.write('docs', `equal/${i}.txt`, 'fifty times the same');
  const { code, rows } = await installation.protect(installation.path('docs', 'equal'));
  expect(code).toBe(0);
  const files = rows.filter((row) => row.kind === 'file');
  expect(files.filter((row) => row.outcome === 'uploaded')).toHaveLength(1);
  expect(files.filter((row) => row.outcome === 'duplicate')).toHaveLength(49);
  expect(new Set(files.map((row) => row.objectKey)).size).toBe(1);
  expect((await installation.bucketState()).objects.length).toBe(before + 1);
});

test('a file that nobody may read is failed(unreadable), exit code 3', async () => {
  const { code, rows } = await installation.protect(path.join(unreadableFolder, unreadableFile));
  expect(rows).toMatchObject([{ path: unreadableFile, outcome: 'failed', reason: 'unreadable' }]);
  expect(code).toBe(3);
});

test('what went away, or left the source through a swapped parent folder, is told as such', async () => {
  const vanishing = installation.write('docs', 'moving/vanishing.txt', 'here and gone');
  const leaving = installation.write('docs', 'moving/inner/leaving.txt', 'inside');
  const outside = path.join(installation.folder, 'outside');
  mkdirSync(outside);
  writeFileSync(path.join(outside, 'leaving.txt'), 'not of this source');
  const { code, byPath } = await whileWorkerSleeps([vanishing, leaving], () => {
    rmSync(vanishing);
    renameSync(path.dirname(leaving), `${path.dirname(leaving)}-before`);
    symlinkSync(outside, path.dirname(leaving));
  });
  expect(byPath.get('moving/vanishing.txt')).toMatchObject({ outcome: 'vanished' });
  expect(byPath.get('moving/inner/leaving.txt')).toMatchObject({ outcome: 'failed', reason: 'left_source' });
  expect(code).toBe(3);
});

test('what admission denies is ignored, logged with its rule and run', async () => {
  const { code, rows } = await installation.protect(installation.write('docs', 'unwanted-1.txt', 'no'));
  expect(code).toBe(0);
  expect(rows).toMatchObject([{ outcome: 'ignored', reason: 'name_denied' }]);
  const events = await installation.query<{ event: Record<string, unknown> }>(
    `select event from audit_events where event ->> 'version' = $1 and event ->> 'step' = 'admission'`,
    [rows[0]?.versionId],
  );
  expect(events).toMatchObject([{ event: { facts: { allow: false, reasons: ['name_denied'] } } }]);
  expect(events[0]?.event.run).toMatch(/^[0-9a-f]{32}$/);
});

test('every skip by the rules of a source is an audit event with reason, rule and run', async () => {
  installation.write('rules', 'a.tmp', 'excluded');
  installation.write('rules', 'keep.tmp', 'included again');
  installation.write('rules', 'build/out.o', 'in an excluded folder');
  installation.write('rules', 'big.bin', Buffer.alloc(1024 * 1024 + 1));
  installation.write('rules', 'notes/.holdfastignore', 'draft*\n');
  installation.write('rules', 'notes/draft.txt', 'ignored');
  installation.write('rules', 'cache/CACHEDIR.TAG', 'Signature: 8a477f597d28d172789f06886806bc55\n');
  installation.write('rules', 'cache/blob', 'cached');
  const { code, byPath } = await installation.protect(installation.path('rules'));
  expect(code).toBe(0);
  const expected = {
    'a.tmp': ['excluded', 'exclude:1'],
    build: ['excluded', 'exclude:2'],
    'big.bin': ['too_large', 'max_size'],
    'notes/draft.txt': ['excluded', 'holdfastignore:1'],
    cache: ['cachedir', 'cachedir_tag'],
  };
  for (const [name, [reason]] of Object.entries(expected))
    expect(byPath.get(name)).toMatchObject({ outcome: 'ignored', reason });
  expect(byPath.get('keep.tmp')).toMatchObject({ outcome: 'uploaded' });
  expect(byPath.get('notes/.holdfastignore')).toMatchObject({ outcome: 'uploaded' });
  expect(byPath.has('build/out.o')).toBe(false);
  expect(byPath.has('cache/blob')).toBe(false);

  const run = byPath.get('keep.tmp');
  const [{ run_id: runId } = {}] = await installation.query<{ run_id: string }>(
    'select run_id from versions where id = $1',
    [run?.versionId],
  );
  const told = await installation.query<{ path: Buffer; facts: { reason: string; rule: string } }>(
    `select e.path, a.event -> 'facts' as facts from audit_events a join entries e on e.id = a.event ->> 'entry'
     where a.event ->> 'step' = 'skip' and a.event ->> 'run' = $1`,
    [runId],
  );
  const byName = Object.fromEntries(
    told.map((row) => [String(row.path), [row.facts.reason, row.facts.rule]]),
  );
  expect(byName).toEqual(expected);
});

test('an infected file leaves its source for the quarantine under move, and stays under report', async () => {
  const moved = installation.write('docs', 'infected.com', eicar);
  const reported = installation.write('reports', 'infected.com', eicar);
  const before = (await installation.bucketState()).objects.length;
  const { code, rows } = await installation.protect(moved, reported);
  expect(code).toBe(0);
  expect(rows.map((row) => row.outcome)).toEqual(['quarantined', 'quarantined']);
  expect(existsSync(moved)).toBe(false);
  expect(readFileSync(reported, 'utf8')).toBe(eicar);
  const quarantine = path.join(installation.home, 'quarantine');
  expect(statSync(quarantine).mode & 0o777).toBe(0o700);
  const records = await installation.query<{ id: string; action: string }>(
    `select q.id, q.action from quarantine q join versions v on v.id = q.version_id
     join entries e on e.id = v.entry_id join sources s on s.id = e.source_id order by s.name`,
  );
  expect(records.map((row) => row.action)).toEqual(['moved', 'reported']);
  const [kept = '', ...others] = readdirSync(quarantine);
  expect(others).toEqual([]);
  expect(kept).toContain(records[0]?.id);
  expect(readFileSync(path.join(quarantine, kept)).includes(eicar)).toBe(false);
  expect((await installation.bucketState()).objects.length).toBe(before);
  // Its standing version tells of it although the file is gone.
  const later = await installation.protect(moved);
  expect(later.byPath.get('infected.com')).toMatchObject({ outcome: 'quarantined', unchanged: true });
});

test('what release denies is held: sealed bytes in staging, a workflow that waits, nothing in the bucket', async () => {
  const content = 'not before somebody approves';
  const before = (await installation.bucketState()).objects.length;
  const { code, rows } = await installation.protect(installation.write('docs', 'secret-plan.txt', content));
  expect(code).toBe(0);
  expect(rows).toMatchObject([{ outcome: 'held', reason: 'name_denied', placements: [{ state: 'held' }] }]);
  expect((await installation.bucketState()).objects.length).toBe(before);

  const [hold] = await installation.query<{
    id: string;
    sealing_id: string;
    workflow_id: string;
    state: string;
  }>('select id, sealing_id, workflow_id, state from holds where version_id = $1', [rows[0]?.versionId]);
  expect(hold?.state).toBe('open');
  const staging = path.join(installation.home, 'staging');
  expect(statSync(staging).mode & 0o777).toBe(0o700);
  const sealed = readFileSync(path.join(staging, `${hold?.sealing_id}.sealed`));
  expect(sealed.includes(content)).toBe(false);
  const { keys } = await openInstallation(
    resolvePaths(installation.env, process.getuid?.() ?? 0),
    path.join(installation.home, 'holdfast.yaml'),
    Buffer.from('five plain random words'),
  );
  const opened = await openBytes(sealed, { keys: (id) => keys.byId(id), purpose: 'content' });
  expect(opened.content().toString()).toBe(content);
  expect(opened.path.toString()).toBe('secret-plan.txt');

  expect(hold?.workflow_id).toBe(`hold:${hold?.id}`);
  const status = await withTemporal(async ({ workflowService }, namespace) => {
    const { workflowExecutionInfo } = await workflowService.describeWorkflowExecution({
      namespace,
      execution: { workflowId: hold?.workflow_id ?? '' },
    });
    return workflowExecutionInfo?.status;
  });
  // WORKFLOW_EXECUTION_STATUS_RUNNING of temporal.api.enums.v1.
  expect(status).toBe(1);
});

async function withTemporal<T>(work: (connection: Connection, namespace: string) => Promise<T>): Promise<T> {
  const { address, namespace } = await installation.temporal();
  const connection = await Connection.connect({ address });
  try {
    return await work(connection, namespace);
  } finally {
    await connection.close();
  }
}

test('a finished history names the activities of the pipeline and holds no path', async () => {
  const small = installation.write('docs', `${marker}/small.txt`, 'small content');
  const large = installation.write('docs', `${marker}/large.bin`, Buffer.alloc(9 * 1024 * 1024, 'large'));
  const { code, byPath } = await installation.protect(small, large);
  expect(code).toBe(0);
  const activitiesOf = async (name: string): Promise<string[]> => {
    const workflowId = byPath.get(`${marker}/${name}`)?.workflowId ?? '';
    expect(workflowId).toMatch(/^protect:[0-9a-f]{32}$/);
    const events = await until(`the workflow of ${name} has ended`, () => finishedHistory(workflowId));
    expect(events.raw).not.toContain(marker);
    return events.activities;
  };
  expect(await activitiesOf('small.txt')).toEqual(['fingerprint', 'admit', 'scan', 'sealAndUpload']);
  // The first, near look at a large file only finds out its size.
  expect(await activitiesOf('large.bin')).toEqual([
    'fingerprint',
    'fingerprint',
    'admit',
    'scan',
    'planAndRelease',
    'upload',
  ]);
});

async function finishedHistory(workflowId: string) {
  return withTemporal(async ({ workflowService }, namespace) => {
    const { history } = await workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: { workflowId },
    });
    const events = history?.events ?? [];
    if (!events.at(-1)?.workflowExecutionCompletedEventAttributes) return undefined;
    const activities = events.flatMap((event) => {
      const regular = event.activityTaskScheduledEventAttributes?.activityType?.name;
      const marker = event.markerRecordedEventAttributes;
      const data = marker?.details?.data?.payloads?.[0]?.data;
      const near =
        marker?.markerName === 'core_local_activity' && data
          ? (JSON.parse(Buffer.from(data).toString()) as { activity_type: string }).activity_type
          : undefined;
      return regular ?? near ?? [];
    });
    return { activities, raw: Buffer.from(JSON.stringify(history)).toString('latin1') };
  });
}

test('no path is in the logs, in the metrics, in object keys or in the database of Temporal', async () => {
  // Failures and holds have gone through everything by now, with names of their own.
  const names = [marker, 'secret-plan', 'unwanted-1', 'leaving.txt', 'infected.com'];
  const services = await installation.services();
  const found: string[] = [];
  const look = (where: string, bytes: Buffer): void => {
    for (const name of names) if (bytes.includes(name)) found.push(`${name} in ${where}`);
  };
  for (const folder of ['logs', ...(isEmbedded('temporal') ? ['data/temporal'] : [])]) {
    const at = path.join(installation.home, folder);
    for (const file of readdirSync(at)) {
      const copy = path.join(installation.folder, 'copy');
      cpSync(path.join(at, file), copy);
      look(`${folder}/${file}`, readFileSync(copy));
    }
  }
  const { worker, temporal } = services;
  for (const url of [
    worker?.metrics,
    worker?.sdkMetrics,
    isEmbedded('temporal') ? temporal?.metrics : undefined,
  ]) {
    if (url === undefined) continue;
    const text = await (await fetch(String(url))).text();
    expect(text).toContain('# TYPE');
    look(`metrics at ${url}`, Buffer.from(text));
  }
  look('object keys', Buffer.from(JSON.stringify(await installation.bucketState())));
  look('access log', readFileSync(path.join(installation.home, 'data/s3/access.log')));
  expect(found).toEqual([]);
  // The search itself works: the catalog does hold the names.
  const [{ count } = { count: 0 }] = await installation.query<{ count: number }>(
    `select count(*)::int as count from entries where path like '%${marker}%'`,
  );
  expect(count).toBeGreaterThan(0);
});

test('a file that never rests is failed(changing), exit code 3', async () => {
  const ended = await changing;
  expect(ended?.rows).toMatchObject([{ path: 'busy/log.bin', outcome: 'failed', reason: 'changing' }]);
  expect(ended?.code).toBe(3);
}, 120_000);

/** Protects a file that is another one when it is scanned than when it was hashed: a version of it is cancelled. */
async function changeBetweenSteps(name: string): Promise<void> {
  const { pid } = await installation.service('worker');
  const file = installation.write('docs', name, 'as it was hashed');
  installation.armFailPoint('after-admission', 1, 'stop');
  const protecting = installation.protect(file);
  await until('the worker to stand still', () =>
    readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') T '),
  );
  writeFileSync(file, 'as it is by now');
  process.kill(pid, 'SIGCONT');
  expect((await protecting).rows).toMatchObject([{ path: name, outcome: 'uploaded' }]);
}

/** Each number by its expression: what Prometheus has, and what the catalog counts. */
async function shownAndCounted(prometheus: Prometheus) {
  const shown: Record<string, unknown> = {};
  const counted: Record<string, unknown> = {};
  for (const { expr, labels, sql } of numbers) {
    const rows = await installation.query<{ key: string; value: number }>(sql);
    const series = (await prometheus.query(expr)).map(
      ({ metric, value }) => [labels.map((label) => metric[label]).join(','), value] as const,
    );
    shown[expr] = Object.fromEntries(series);
    counted[expr] = Object.fromEntries([
      ...series.map(([key]) => [key, 0]),
      ...rows.map(({ key, value }) => [key, value]),
    ]);
  }
  return { shown, counted };
}

test('every number of dashboards and alerts is measured, and agrees with the catalog', async () => {
  writer?.kill('SIGKILL');
  const { worker } = await installation.services();
  const prometheus = await Prometheus.start({
    'holdfast-worker': String(worker?.metrics),
    'holdfast-temporal-sdk': String(worker?.sdkMetrics),
  });
  try {
    await changeBetweenSteps('changed.txt');
    rmSync(installation.path('docs', 'plain/b.txt'));
    for (let i = 0; i < 20; i++) installation.write('docs', `swept/${i}.txt`, `content ${i % 15}`);
    // Some files of the tests before fail again.
    expect((await installation.run('sweep', 'docs', '--wait')).code).toBe(3);
    const to = path.join(installation.folder, 'restored');
    expect((await installation.run('restore', 'docs:plain/a.txt', '--to', to)).code).toBe(0);
    const outcomes = await installation.query<{ outcome: string }>('select distinct outcome from versions');
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([
      ...[
        'cancelled',
        'deleted',
        'duplicate',
        'failed',
        'held',
        'ignored',
        'quarantined',
        'uploaded',
        'vanished',
      ],
    ]);
    // What takes longer the more there is, is counted less often than the rest.
    const doAgree = async () => {
      const { shown, counted } = await shownAndCounted(prometheus);
      return isDeepStrictEqual(shown, counted);
    };
    await until('the numbers to agree', doAgree, 90_000).catch(() => {});
    const { shown, counted } = await shownAndCounted(prometheus);
    expect(shown).toEqual(counted);

    // Nobody watches, no schedule has verified a sample yet, and no workflow but those of failed files has failed.
    const absent = [
      'holdfast_watched_entries_total',
      'holdfast_source_disturbed',
      'holdfast_run_last_success_timestamp_seconds{kind="verify"}',
    ];
    const isAbsent = (expr: string): boolean => absent.some((name) => expr.includes(name));
    const empty: string[] = [];
    for (const { where, expr } of expressions()) {
      const answer = await prometheus.query(expr);
      if (answer.length === 0 && where.includes('›') && !isAbsent(expr)) empty.push(`${where}: ${expr}`);
      for (const name of metricNames(expr).filter((name) => !absent.includes(name)))
        if ((await prometheus.query(`count({__name__=~"${name}(_bucket)?"})`)).length === 0)
          empty.push(`${where}: ${name}`);
    }
    expect(empty).toEqual([]);
    const fires = async (name: string): Promise<boolean> =>
      (await prometheus.query(alerts.find(({ alert }) => alert === name)?.expr ?? '')).length > 0;
    expect(await fires('HoldfastFilesFailed')).toBe(true);
    expect(await fires('HoldfastIncidentOpen')).toBe(true);
    expect(await fires('HoldfastNoCompleteSweep')).toBe(false);
    expect(await fires('HoldfastUnsoundObjects')).toBe(false);
  } finally {
    await prometheus.stop();
  }
});
