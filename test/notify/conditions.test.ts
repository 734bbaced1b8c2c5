/** What lasts is told when it begins, after each pause, and when it has ended; by a real catalog. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.ts';
import {
  endUnlooked,
  failedPaths,
  lastingConditions,
  untoldSweeps,
} from '../../src/catalog/condition-query.ts';
import { openPool } from '../../src/catalog/database.ts';
import {
  channelTroubles,
  listedNotifications,
  type Notification,
  untriedChannels,
} from '../../src/catalog/notification-query.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import { shareChannels, sharedChannels } from '../../src/notify/channels.ts';
import { compose } from '../../src/notify/compose.ts';
import { type ConditionDeps, type Look, noteConditions } from '../../src/notify/conditions.ts';
import { lookAtHost, lookAtRepository, lookThoroughly } from '../../src/notify/look.ts';
import { Watch } from '../../src/notify/watch.ts';
import { writeDigest } from '../../src/notify/write-digest.ts';
import { makeWorld, protectOnce, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const server = usePostgres();
const hourMs = 3_600_000;

const config: Config = parseConfig(
  JSON.stringify({
    ...{ version: 1, repository: 'd'.repeat(32), host: { id: 'b'.repeat(32) } },
    sources: [{ name: 'docs', path: '/tmp' }],
    destinations: [{ name: 'primary', bucket: 'some-bucket', lock: { days: 7 } }],
    ...{ language: 'fr', timezone: 'Africa/Douala' },
    notifications: {
      includePaths: true,
      channels: [
        { name: 'officer', type: 'email', host: 'm.example', from: 'a@m.example', to: ['b@m.example'] },
        { name: 'hook', type: 'webhook', url: 'https://h.example/', secretFile: '/nowhere' },
        { name: 'beat', type: 'ping', url: 'https://p.example/' },
      ],
    },
  }),
  'holdfast.yaml',
);
const { channels } = config.notifications;

async function start(): Promise<{
  world: World;
  deps: ConditionDeps;
  told(): Promise<string[]>;
  all(): Promise<Notification[]>;
}> {
  const world = await makeWorld(server());
  const { catalog, context } = world;
  const deps: ConditionDeps = {
    ...{ catalog, ids: context.ids, channels },
    ...{ repeatEveryMs: 24 * hourMs, clearAfterMs: 600_000 },
  };
  const all = async () => (await listedNotifications(catalog, { limit: 100 })).reverse();
  return {
    world,
    deps,
    all,
    told: async () =>
      (await all()).map(({ channel, topic, facts }) => `${channel} ${topic} ${facts.phase ?? ''}`.trim()),
  };
}

const failed = (isSo: boolean, count = 2): Look[] => [
  { kind: 'files_failed', subject: '', isSo, facts: { count } },
];

test('is told once when it begins, again after a pause, and once when it has been over for a while', async () => {
  const { world, deps, told } = await start();
  const age = (column: string, ms: number): Promise<unknown> =>
    world.catalog.rows(`update conditions set ${column} = ${column} - interval '${ms} milliseconds'`);
  const each = (phase: string): string[] =>
    ['hook', 'officer'].map((name) => `${name} files_failed ${phase}`);
  await noteConditions(deps, failed(false));
  expect(await told()).toEqual([]);

  // Hosts that look at the same time, and looks that are repeated.
  await Promise.all([1, 2, 3].map(() => noteConditions(deps, failed(true))));
  await noteConditions(deps, failed(true, 5));
  expect((await told()).sort()).toEqual(each('begun'));
  expect((await lastingConditions(world.catalog)).map(({ facts }) => facts.count)).toEqual([5]);

  await age('told_at', 24 * hourMs);
  await noteConditions(deps, failed(true));
  await noteConditions(deps, failed(true));
  expect((await told()).slice(2).sort()).toEqual(each('lasts'));

  // By turns: nothing is told before it is over for good.
  await noteConditions(deps, failed(false));
  await age('clear_at', 500_000);
  await noteConditions(deps, failed(true));
  await noteConditions(deps, failed(false));
  expect(await told()).toHaveLength(4);
  await age('clear_at', 600_000);
  await noteConditions(deps, failed(false));
  await noteConditions(deps, failed(false));
  expect((await told()).slice(4).sort()).toEqual(each('resolved'));
  expect(await lastingConditions(world.catalog)).toEqual([]);

  await noteConditions(deps, failed(true));
  expect((await told()).slice(6).sort()).toEqual(each('begun'));
});

test('nobody is told by a channel that it fails', async () => {
  const { deps, told } = await start();
  await noteConditions(deps, [
    { kind: 'channel_failing', subject: 'hook', isSo: true, facts: { channel: 'hook' } },
  ]);
  expect(await told()).toEqual(['officer channel_failing begun']);
});

describe('what is looked at', () => {
  test('of a host: its disk, its staging folder and its signatures', async () => {
    const { world } = await start();
    const { catalog } = world;
    const facts = { engine: 'x', signatureRevision: '1', signatureSet: 'official' as const };
    const look = (changes: object = {}) =>
      lookAtHost({
        ...{ catalog, hostId: 'host', host: 'srv', home: '/tmp', stagingQuotaBytes: 1_000, diskAbove: 1 },
        scanner: {
          facts: async () => ({
            ...facts,
            signaturesAt: new Date(Date.now() - 9 * 24 * hourMs).toISOString(),
          }),
          isStale: () => true,
        },
        ...changes,
      });
    const found = await look();
    expect(found.map(({ kind, isSo }) => [kind, isSo])).toEqual([
      ['disk_filling', false],
      ['staging_filling', false],
      ['signatures_stale', true],
    ]);
    expect(found[2]?.facts).toEqual({ host: 'srv', days: 9 });
    expect((await look({ diskAbove: 0 }))[0]?.isSo).toBe(true);
    world.knobs.release = { allow: false, reasons: [{ id: 'name_withheld', text: '' }] };
    world.write('held.txt', 'held');
    await protectOnce(world.context, await world.entry('held.txt'));
    expect((await look({ diskAbove: 0.5 }))[1]).toMatchObject({ kind: 'staging_filling', isSo: true });
  });

  test('of the repository: sweeps, holds, channels; files that failed, and what verification found', async () => {
    const { world, all } = await start();
    const { catalog } = world;
    const look = async () => {
      const found = [
        ...(await lookAtRepository({ catalog, channels, sweepWithinMs: 26 * hourMs, unswept: new Set() })),
        ...(await lookThoroughly(catalog)),
      ];
      return new Map(found.filter(({ isSo }) => isSo).map(({ kind, facts }) => [kind, facts]));
    };
    expect([...(await look()).keys()]).toEqual([]);
    await world.asOwner(`insert into hosts (id, name, files_group, added_by) values ('host', 'mairie', 'mairie', 'holdfast');
      insert into host_sources (host_id, source_id, files_group) select 'host', id, 'mairie' from sources`);
    await world.asOwner(`update sources set added_at = now() - interval '27 hours'`);
    expect((await look()).get('sweep_missing')).toEqual({ source: 'docs', sinceMs: null });
    await world.asOwner(`insert into run_log (id, kind, source_id, host_id, actor, started_at, ended_at, result)
      select 'r1', 'sweep', id, 'host', 'holdfast', now() - interval '1 hour', now() - interval '1 hour', 'complete' from sources`);
    expect([...(await look()).keys()]).toEqual([]);

    world.knobs.release = { allow: false, reasons: [{ id: 'name_withheld', text: '' }] };
    world.write('held.txt', 'held');
    await protectOnce(world.context, await world.entry('held.txt'));
    expect((await look()).get('hold_waiting')).toMatchObject({ count: 1 });
    await world.asOwner(`update versions set outcome = 'failed', reason = 'object_lost'`);
    const found = await look();
    expect(found.get('files_failed')).toEqual({ count: 1 });
    expect(found.get('restore_test_failed')).toMatchObject({ entries: 1 });
    expect((await failedPaths(catalog, 5)).map(String)).toEqual(['held.txt']);

    await world.asOwner(`insert into notifications (id, channel, topic, subject, facts, attempts, last_error, last_attempt_at)
      values ('n', 'hook', 'test', 's', '{}', 3, 'HTTP 503', now())`);
    expect((await look()).get('channel_failing')).toEqual({ channel: 'hook', count: 1, error: 'HTTP 503' });
    expect(await all()).toHaveLength(1);
    // A channel that was taken out is no trouble any more, and one that was put in may be one.
    expect(await channelTroubles(catalog, ['officer'])).toEqual([]);
    expect(await untriedChannels(catalog, ['officer', 'hook'])).toEqual(['officer', 'hook']);
    await world.asOwner(`insert into notifications (id, channel, topic, subject, facts, state, sent_at)
      values ('m', 'officer', 'test', 's', '{}', 'sent', now())`);
    expect(await untriedChannels(catalog, ['officer', 'hook'])).toEqual(['hook']);

    // Nobody looks at a source that no host serves.
    await world.asOwner(`delete from run_log; delete from host_sources`);
    expect([...(await look()).keys()]).not.toContain('sweep_missing');
  });
});

test('10,000 files that fail are one message, with twenty names and the number of the others', async () => {
  const { world, deps, told, all } = await start();
  const { catalog } = world;
  world.write('first', 'x');
  await protectOnce(world.context, await world.entry('first'));
  // As the pipeline leaves them, copied: only what tells them apart differs.
  const [columns] = await catalog.rows<{ entries: string; versions: string }>(
    `select string_agg(column_name, ',') filter (where table_name = 'entries' and column_name not in ('id', 'path', 'head_version_id')) as entries,
       string_agg(column_name, ',') filter (where table_name = 'versions' and column_name not in ('id', 'entry_id', 'outcome', 'reason')) as versions
     from information_schema.columns where table_schema = current_schema() and is_generated = 'NEVER'
       and is_updatable = 'YES' and identity_generation is null`,
  );
  const { entries, versions } = columns ?? { entries: '', versions: '' };
  await world.asOwner(`
    update versions set outcome = 'failed', reason = 'no_space';
    insert into entries (id, path, ${entries})
      select 'e' || n, convert_to('file ' || n, 'utf8'), ${entries} from entries, generate_series(1, 9999) n;
    insert into versions (id, entry_id, outcome, reason, ${versions})
      select 'v' || n, 'e' || n, outcome, reason, ${versions} from versions, generate_series(1, 9999) n;
    update entries set head_version_id = 'v' || substr(id, 2) where id like 'e%' and path <> 'first'`);
  for (const _ of [1, 2, 3]) await noteConditions(deps, await lookThoroughly(catalog));
  expect((await told()).sort()).toEqual(['hook files_failed begun', 'officer files_failed begun']);
  const { subject, text } = await compose({ catalog, config }, (await all())[0] as Notification);
  expect(subject).toBe('10\u202f000 fichiers ne sont pas protégés');
  expect(text.split('\n').filter((line) => line.startsWith('file '))).toHaveLength(20);
  expect(text).toContain('9\u202f980');
});

test('what was taken out of the configuration ends without a word', async () => {
  const { world, deps, told } = await start();
  const missing = (subject: string): Look => ({
    ...{ kind: 'sweep_missing', subject, isSo: true, facts: { source: subject, sinceMs: null } },
  });
  await noteConditions(deps, [
    ...[missing('kept'), missing('gone')],
    { kind: 'disk_filling', subject: 'old-host', isSo: true, facts: { host: 'old', percent: 91 } },
  ]);
  await world.asOwner(
    `insert into hosts (id, name, files_group, added_by, revoked_at) values ('old-host', 'old', 'old', 'holdfast', now())`,
  );
  const before = await told();
  await endUnlooked(world.catalog, [
    { kind: 'sweep_missing', subjects: ['kept'] },
    { kind: 'channel_failing', subjects: [] },
  ]);
  expect((await lastingConditions(world.catalog)).map(({ subject }) => subject)).toEqual(['kept']);
  expect(await told()).toEqual(before);
  // What is put in again begins anew.
  await noteConditions(deps, [missing('gone')]);
  expect(await told()).toHaveLength(before.length + 2);
});

test('each round tells what is due, and of every sweep once; where the catalog is away it is told later', async () => {
  const { world, told } = await start();
  const { catalog, context } = world;
  await shareChannels(catalog, channels);
  expect(await sharedChannels(catalog)).toEqual([
    { name: 'officer', type: 'email' },
    { name: 'hook', type: 'webhook' },
    { name: 'beat', type: 'ping', failures: true },
  ]);
  await world.asOwner(`insert into run_log (id, kind, source_id, host_id, actor, ended_at, result)
    select 'r' || n, 'sweep', 's', 'host', 'holdfast', now(), case n when 1 then 'complete' else 'failed' end
    from generate_series(1, 2) n`);
  const started: string[] = [];
  const watch = (on: Catalog = catalog): Watch =>
    new Watch({
      ids: context.ids,
      host: {
        catalog: on,
        ...{ hostId: 'host', host: 'srv', home: '/tmp', stagingQuotaBytes: 1_000, diskAbove: 1 },
        scanner: context.scanner,
      },
      repository: {
        client: {
          workflow: {
            start: async (_name: unknown, { workflowId }: { workflowId: string }) => {
              started.push(workflowId);
            },
          },
        } as never,
        ...{ taskQueue: 'files.x', sweepWithinMs: hourMs, unswept: new Set<string>() },
      },
      repeatEveryMs: hourMs,
      log: context.log,
    });
  const first = watch();
  await first.next();
  expect(await told()).toEqual(['beat sweep_complete', 'beat sweep_incomplete']);
  expect(await untoldSweeps(catalog)).toEqual([]);
  expect(started).toEqual([]);
  await first.next();
  expect(started).toHaveLength(2);
  await first.next();
  expect(started).toHaveLength(2);
  // A new process gives everything that waits its workflow again: the cluster may be another one.
  await watch().next();
  expect(started).toHaveLength(4);
  const away = new Catalog(await openPool({ uri: 'postgres://nobody@/none?host=/nonexistent' }));
  onTestFinished(() => away.close());
  await expect(watch(away).next()).resolves.toBeUndefined();
});

describe('the text', () => {
  test('says what happened, what it means and what to do, with names of files only where that is wanted', async () => {
    const { world, deps, all } = await start();
    world.write('a secret name.doc', 'x');
    await protectOnce(world.context, await world.entry('a secret name.doc'));
    await world.asOwner(`update versions set outcome = 'failed', reason = 'no_space'`);
    await noteConditions(deps, failed(true, 1));
    const [notification] = await all();
    const text = async (includePaths: boolean) => {
      const notifications = { ...config.notifications, includePaths };
      return compose(
        { catalog: world.catalog, config: { ...config, notifications } },
        notification as Notification,
      );
    };
    const told = await text(true);
    expect(told.subject).toBe('1 fichier n’est pas protégé');
    expect(told.text).toMatch(
      /^Ce qui s’est passé\n[\s\S]+\n\nCe que cela veut dire\n[\s\S]+\n\nQue faire maintenant\n[\s\S]+\n\nFichiers\na secret name.doc/,
    );
    expect(told.text).toContain('+01:00');
    const without = await text(false);
    expect(without.text).not.toContain('secret');
    expect(without.text).toContain('holdfast files --outcome failed');
    expect(JSON.stringify(without.facts)).not.toContain('secret');
  });

  test('of every condition is there, begun, lasting and over', async () => {
    const { world, deps, all } = await start();
    const kinds = [
      'sweep_missing',
      'files_failed',
      'hold_waiting',
      'disk_filling',
      'staging_filling',
      'signatures_stale',
      'restore_test_failed',
      'channel_failing',
    ] as const;
    const facts = {
      source: 'docs',
      host: 'srv',
      channel: 'hook',
      error: 'HTTP 503',
      count: 3,
      percent: 91,
      days: 8,
      sinceMs: 30 * hourMs,
      objects: 1,
      manifests: 0,
      entries: 2,
    };
    await noteConditions(
      deps,
      kinds.map((kind) => ({ kind, subject: 'x', isSo: true, facts })),
    );
    for (const notification of await all()) {
      for (const phase of ['begun', 'lasts', 'resolved']) {
        const told = await compose(
          { catalog: world.catalog, config },
          { ...notification, facts: { ...notification.facts, phase } },
        );
        expect(told.subject).not.toMatch(/[{}]/);
        expect(told.text).not.toMatch(/[{}]|undefined/);
      }
    }
    expect(await all()).toHaveLength(2 * kinds.length);
  });
});

test('a digest tells what happened since the last one, and what needs somebody', async () => {
  const { world, deps, all } = await start();
  const { catalog } = world;
  world.write('a.txt', 'x');
  await protectOnce(world.context, await world.entry('a.txt'));
  await noteConditions(deps, failed(true, 7));
  const digest = { catalog, ids: deps.ids, channels, language: 'fr', notifyWithinMs: 72 * hourMs };
  const now = new Date(Date.now() + 1_000);
  await writeDigest(digest, 'run-1', now);
  await writeDigest(digest, 'run-1', now);
  const digests = (await all()).filter(({ topic }) => topic === 'digest');
  expect(digests.map(({ channel }) => channel).sort()).toEqual(['hook', 'officer']);
  const told = await compose({ catalog, config }, digests[0] as Notification);
  expect(told.subject).toBe('Résumé\u00a0: 1 chose vous attend');
  expect(told.text).toContain('1 version stockée');
  expect(told.text).toContain('7 fichiers ne sont pas protégés');
  const later = new Date(now.getTime() + hourMs);
  await writeDigest(digest, 'run-2', later);
  // The zone has one offset before the clocks change, another one after it.
  const [change] = (await all()).filter(({ topic }) => topic === 'digest');
  const night = { from: '2027-03-27T06:00:00.000Z', to: '2027-03-28T05:00:00.000Z' };
  const changed = { ...(change as Notification), facts: { ...change?.facts, ...night } };
  const texts = ['Europe/Paris', 'Africa/Douala'].map(
    async (timezone) => (await compose({ catalog, config: { ...config, timezone } }, changed)).text,
  );
  expect(await Promise.all(texts)).toEqual([
    expect.stringMatching(/2027-03-27 07:00:00 \+01:00.*2027-03-28 07:00:00 \+02:00/),
    expect.stringMatching(/2027-03-27 07:00:00 \+01:00.*2027-03-28 06:00:00 \+01:00/),
  ]);
  const [next] = (await all()).filter(({ topic, subject }) => topic === 'digest' && subject === 'run-2');
  expect(next?.facts).toMatchObject({ from: now.toISOString(), to: later.toISOString(), stored: 0 });
});
