import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  PutObjectRetentionCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestInstallation } from '../support/installation.ts';
import { treeFacts } from '../support/tree-facts.ts';

let installation: TestInstallation;
let s3: Awaited<ReturnType<TestInstallation['s3']>>;

const names = Array.from({ length: 10 }, (_, number) => `letters/${number}.txt`);
const dayMs = 86_400_000;

beforeAll(async () => {
  installation = await TestInstallation.start(
    {
      sources: { docs: undefined },
      configure: (config) => {
        config.massChange = { share: '20%', least: 5 };
      },
    },
    '--no-watch',
  );
  // One at a time these get objects of their own; what a sweep finds is packed.
  for (const content of ['first', 'second'])
    await installation.protect(installation.write('docs', 'old.txt', content));
  for (const name of names) installation.write('docs', name, `content of ${name}`);
  await sweep();
  s3 = await installation.s3();
});

afterAll(() => installation?.remove());

const sweep = () => installation.run('sweep', 'docs', '--wait', '--json');

/** JSON lines of a command that must end well. */
async function json<Row>(...args: string[]): Promise<Row[]> {
  const { code, stderr, rows } = await installation.run(...args, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return rows as unknown as Row[];
}

interface Totals {
  readonly extended: number;
  readonly expired: number;
  readonly deleted: number;
  readonly deferred: number;
  readonly held: number;
}

async function run(): Promise<Totals> {
  const [row] = await json<{ result: string; totals: Totals }>(
    'retention',
    'run',
    '--source',
    'docs',
    '--wait',
  );
  expect(row?.result).toBe('complete');
  return row?.totals as Totals;
}

interface Plan {
  readonly extended: number;
  readonly expired: number;
  readonly objects: number;
  readonly bytesNow: number;
  readonly restore: string | null;
}

async function plan(): Promise<Plan> {
  const rows = await json<{ summary?: Plan }>('retention', 'plan', '--source', 'docs');
  const summary = rows.find((row) => row.summary !== undefined)?.summary;
  if (summary === undefined) throw new Error('no summary');
  return summary;
}

/** The object that a file's version rests on, oldest version first. */
async function objectsOf(
  name: string,
): Promise<{ Key: string; VersionId: string; state: string; id: string }[]> {
  return installation.query(
    `select o.key as "Key", o.s3_version_id as "VersionId", o.state, o.id
     from entries e join versions v on v.entry_id = e.id join placements p on p.version_id = v.id join objects o on o.id = p.object_id
     where convert_from(e.path, 'UTF8') = $1 order by v.observation`,
    [name],
  );
}

async function daysLocked(name: string): Promise<number> {
  const object = (await objectsOf(name)).at(-1);
  const { Retention } = await s3.client.send(
    new GetObjectRetentionCommand({ Bucket: s3.bucket, Key: object?.Key, VersionId: object?.VersionId }),
  );
  return ((Retention?.RetainUntilDate?.getTime() ?? 0) - Date.now()) / dayMs;
}

test('a plan tells what a run then does: what files are now stays locked', async () => {
  const planned = await plan();
  expect(planned).toMatchObject({ expired: 0, objects: 0, restore: null });
  expect(planned.extended).toBeGreaterThan(0);
  expect(await daysLocked('old.txt')).toBeLessThan(1.1);
  expect((await run()).extended).toBe(planned.extended);
  for (const name of ['old.txt', 'letters/0.txt']) expect(await daysLocked(name)).toBeGreaterThan(2.9);
  expect(await run()).toMatchObject({ extended: 0 });
  expect((await plan()).extended).toBe(0);
});

test('what the bucket still locks is put off, whatever the catalog says; and goes when its lock has ended', async () => {
  const [object] = await objectsOf('old.txt');
  if (object === undefined) throw new Error('unreachable');
  const { id, state: _, ...named } = object;
  const name = { Bucket: s3.bucket, ...named };
  // Time cannot be moved here: the class asks for little, and the catalog is made to believe that days have passed.
  const policies = path.join(installation.home, 'policies', 'data.json');
  const data = JSON.parse(readFileSync(policies, 'utf8'));
  data.holdfast.defaults.retention_classes.standard = {
    mode: 'GOVERNANCE',
    days: 1,
    versions: 1,
    minimum_days: 0,
  };
  writeFileSync(policies, JSON.stringify(data));
  expect((await installation.run('policy', 'apply')).code).toBe(0);
  await installation.query(
    `update versions set observed_at = observed_at - interval '9 days' where entry_id = (select v.entry_id from versions v
       join placements p on p.version_id = v.id where p.object_id = $1)`,
    [id],
  );
  await installation.query(`update objects set retain_until = now() - interval '1 day' where id = $1`, [id]);
  expect(await plan()).toMatchObject({ expired: 1, objects: 1 });
  expect(await run()).toMatchObject({ expired: 1, deleted: 0, deferred: 1 });
  expect(await objectsOf('old.txt')).toMatchObject([{ id, state: 'live' }, { state: 'live' }]);
  const [known] = await installation.query<{ days: number }>(
    `select (extract(epoch from retain_until - now()) / 86400)::float8 as days from objects where id = $1`,
    [id],
  );
  expect(known?.days).toBeGreaterThan(0.9);
  // What the bucket's owner can do, and nobody else: the lock ends in a moment.
  const RetainUntilDate = new Date(Date.now() + 2_000);
  await s3.client.send(
    new PutObjectRetentionCommand({
      ...name,
      Retention: { Mode: 'GOVERNANCE', RetainUntilDate },
      BypassGovernanceRetention: true,
    }),
  );
  await installation.query('update objects set retain_until = $2 where id = $1', [id, RetainUntilDate]);
  await sleep(4_000);
  expect(await run()).toMatchObject({ deleted: 1, deferred: 0 });
  await expect(s3.client.send(new HeadObjectCommand(name))).rejects.toMatchObject({ name: 'NotFound' });
  expect((await objectsOf('old.txt'))[0]).toMatchObject({ id, state: 'deleted' });
  const [told] = await installation.query<{ facts: object }>(
    `select event -> 'facts' as facts from audit_events where event ->> 'subject' = $1 and event ->> 'step' = 'retention'`,
    [id],
  );
  expect(told?.facts).toMatchObject({ action: 'deleted', s3Version: object.VersionId });
});

test('a legal hold is in the bucket too, and leaves it when it is released', async () => {
  const object = (await objectsOf('letters/0.txt')).at(-1);
  const name = { Bucket: s3.bucket, Key: object?.Key, VersionId: object?.VersionId };
  const status = async () =>
    (await s3.client.send(new GetObjectLegalHoldCommand(name)).catch(() => undefined))?.LegalHold?.Status ??
    'OFF';
  const target = ['docs:letters', '--case', '4711'];
  const [placed] = await json<{ objects: number }>(
    'legal-hold',
    'place',
    ...target,
    '--reason',
    'court order',
  );
  expect(placed?.objects).toBeGreaterThan(0);
  expect(await status()).toBe('ON');
  expect(await json('legal-hold', 'list')).toMatchObject([
    { source: 'docs', path: 'letters', caseName: '4711', reason: 'court order', objects: placed?.objects },
  ]);
  expect(await json('legal-hold', 'list', 'docs:letters/0.txt')).toHaveLength(1);
  expect(await json('legal-hold', 'list', 'docs:letter')).toEqual([]);
  await json('legal-hold', 'release', ...target, '--reason', 'closed');
  expect(await status()).toBe('OFF');
  expect(await json('legal-hold', 'list')).toEqual([]);
  expect(await json('legal-hold', 'list', '--all')).toMatchObject([{ releaseReason: 'closed' }]);
});

test('ransomware is noticed by the next sweep, and the one command it names brings back what was before', async () => {
  await sweep();
  const before = treeFacts(installation.path('docs'));
  for (const [index, name] of names.slice(0, 6).entries()) {
    const file = installation.path('docs', name);
    writeFileSync(file, `scrambled ${name}`);
    if (index % 2 === 0) renameSync(file, `${file}.locked`);
  }
  const noticed = await installation.run('sweep', 'docs', '--wait');
  expect(noticed.stderr).toMatch(/too much of docs changed or went at once/);
  const { restore } = await plan();
  expect(noticed.stderr).toContain(restore);
  expect((await installation.run('doctor')).stdout).toContain(restore);
  const incidents = await installation.query(`select facts from incidents where kind = 'mass_change'`);
  expect(incidents).toMatchObject([{ facts: { changed: 3, vanished: 3 } }]);
  const to = path.join(installation.folder, 'restored');
  const restored = await installation.run(...(restore ?? '').replace('DIR', to).split(' ').slice(1));
  expect(restored.code).toBe(0);
  expect(treeFacts(path.join(to, 'docs'))).toEqual(before);
  const paused = await installation.run('retention', 'run', '--wait');
  expect(paused.stdout).toMatch(/ 0 versions expired, 0 objects deleted/);
  expect(paused.stderr).toMatch(/docs is paused/);
  await json('retention', 'resume', 'docs', '--reason', 'a drill');
  expect((await plan()).restore).toBeNull();
});
