import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { journalLags } from '../../src/catalog/journal-query.ts';
import { Failure } from '../../src/domain/failures.ts';
import type { RepositoryKeys } from '../../src/keys/repository-keys.ts';
import { openManifest } from '../../src/manifest/decode.ts';
import { keyedManifests } from '../../src/manifest/format.ts';
import { ManifestWriter } from '../../src/manifest/journal.ts';
import { parseManifestName } from '../../src/manifest/names.ts';
import type { ManifestHead, ManifestRow } from '../../src/manifest/records.ts';
import type { FailPointName } from '../../src/pipeline/fail-points.ts';
import type { ListedVersion } from '../../src/storage/object-store.ts';
import { makeWorld, protectOnce, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
const dayMs = 86_400_000;

class Killed extends Error {}

interface Journal {
  readonly world: World;
  readonly writer: ManifestWriter;
  readonly source: { id: string; name: string };
  readonly headsFolder: string;
  /** A writer of another process, which ends where it is told to. */
  another(killedAt?: FailPointName, changes?: { partRows: number }): ManifestWriter;
  /** Protects files, one version each. */
  protect(...paths: string[]): Promise<void>;
  /** What lies in the bucket under the names of manifests, by number; undefined members are not ours. */
  manifests(): Promise<Manifest[]>;
  waiting(): Promise<number>;
  /** Writes until nothing waits: the lock of a writer that was killed ends a moment after it. */
  recovered(): Promise<void>;
}

interface Manifest extends ListedVersion {
  readonly number: number;
  readonly bytes: Buffer;
  readonly head?: ManifestHead;
  readonly rows: readonly (ManifestRow & { scope: string })[];
}

async function makeJournal(): Promise<Journal> {
  const world = await makeWorld(postgres());
  const { context, catalog, store } = world;
  const [source] = [...context.sources.values()].map(({ id, config }) => ({ id, name: config.name }));
  if (source === undefined) throw new Error('no source');
  const headsFolder = join(world.stagingDir, '..', 'heads');
  const another = (killedAt?: FailPointName, changes: { partRows?: number } = {}) =>
    new ManifestWriter({
      ...changes,
      catalog,
      destinations: context.destinations,
      format: keyedManifests(context.keys as RepositoryKeys),
      headsFolder,
      failPoints: {
        reach(name) {
          if (name === killedAt) throw new Killed();
        },
      },
      log: context.log,
    });
  const waiting = async () => (await journalLags(catalog))[0]?.versions ?? -1;
  return {
    world,
    writer: another(),
    source,
    headsFolder,
    another,
    async protect(...paths) {
      for (const path of paths) {
        world.write(path, `content of ${path}`);
        expect(await protectOnce(context, await world.entry(path))).toMatchObject({ next: 'settled' });
      }
    },
    async manifests() {
      const found: Manifest[] = [];
      for await (const version of store.listVersions('backup/manifests/')) {
        if (version.isDeleteMarker) continue;
        const objectName = version.key.slice('backup/'.length);
        const bytes = await store.get(version);
        const opened = await openManifest(bytes, {
          objectName,
          keyById: (id) => context.keys.byId(id),
        }).catch(() => undefined);
        const rows = opened?.sections.flatMap(({ scope, rows = [] }) =>
          rows.map((row) => ({ ...row, scope })),
        );
        const number = parseManifestName(objectName)?.number ?? 0;
        found.push({ ...version, number, bytes, ...(opened ? { head: opened.head } : {}), rows: rows ?? [] });
      }
      return found.sort((a, b) => a.number - b.number);
    },
    waiting,
    async recovered() {
      for (let tries = 0; tries < 100 && (await waiting()) > 0; tries++) {
        await another().writeJournals(source);
        await sleep(20);
      }
      expect(await waiting()).toBe(0);
    },
  };
}

const paths = (manifest: Manifest | undefined): string[] =>
  (manifest?.rows ?? []).map(({ path }) => Buffer.from(path, 'base64url').toString()).sort();

/** Each manifest names the one before it. */
function expectChain(manifests: readonly Manifest[]): void {
  let previous: string | null = null;
  for (const { head, bytes } of manifests) {
    expect(head?.previousSha256).toBe(previous);
    previous = hash('sha256', bytes, 'hex');
  }
}

describe('journals', () => {
  test('list what was settled, locked, once, and each names the one before', async () => {
    const journal = await makeJournal();
    const { world, writer, source } = journal;
    await journal.protect('a', 'b');
    expect(await journal.waiting()).toBe(2);
    await writer.writeJournals(source);
    expect(await journal.waiting()).toBe(0);
    // Nothing is remembered of what does not wait any more.
    expect(await world.catalog.rows('select 1 from unlisted')).toEqual([]);
    await writer.writeJournals(source);
    await journal.protect('c');
    await writer.writeJournals(source);

    // As shredding leaves an entry whose name is forgotten.
    await world.catalog.rows(`update entries set path = '\\x00aa' where path = 'c'`);
    await world.catalog.rows(`update versions set journal = null where observation = 1`);
    expect(await journal.waiting()).toBe(2);
    const manifests = await journal.manifests();
    expect(manifests.map(({ number }) => number)).toEqual([1, 2]);
    expect(manifests.map(paths)).toEqual([['a', 'b'], ['c']]);
    expectChain(manifests);
    for (const manifest of manifests) {
      const { lock } = (await world.store.head(manifest)) ?? {};
      expect(lock?.mode).toBe('GOVERNANCE');
      expect(lock?.retainUntil.getTime()).toBeGreaterThan(Date.now() + 90 * dayMs - 10_000);
    }
    const recorded = await world.catalog.rows(
      'select number, state, kind, is_last_part as last, row_count as rows from manifests order by number',
    );
    expect(recorded).toEqual([
      { number: 1, state: 'committed', kind: 'journal', last: true, rows: 2 },
      { number: 2, state: 'committed', kind: 'journal', last: true, rows: 1 },
    ]);
    const noted = JSON.parse(readFileSync(join(journal.headsFolder, `${source.id}.json`), 'utf8'));
    expect(noted).toMatchObject({ number: 2, sha256: hash('sha256', manifests[1]?.bytes ?? '', 'hex') });
  });

  test('say all that is needed to find the bytes and to set the file up again', async () => {
    const journal = await makeJournal();
    const { world, writer, source } = journal;
    await journal.protect('folder-less');
    await writer.writeJournals(source);
    const [manifest] = await journal.manifests();
    const [object] = (await world.versions()).filter(({ key }) => key.includes('objects/'));
    const [stored] = await world.catalog.rows<Record<string, unknown>>(
      `select v.id, v.entry_id, v.mode, v.mtime_ns::text as mtime, s.key_id, encode(s.iv, 'hex') as iv, o.length,
              encode(v.sha512, 'hex') as sha512
       from versions v join placements p on p.version_id = v.id join objects o on o.id = p.object_id
       join sealings s on s.id = o.sealing_id`,
    );
    expect(manifest?.rows).toEqual([
      {
        scope: 'default',
        entry: stored?.entry_id,
        path: Buffer.from('folder-less').toString('base64url'),
        version: stored?.id,
        observation: 1,
        kind: 'file',
        outcome: 'uploaded',
        size: 'content of folder-less'.length,
        mode: stored?.mode,
        uid: process.getuid?.(),
        gid: process.getgid?.(),
        mtimeNs: stored?.mtime,
        sha512: stored?.sha512,
        sha256: hash('sha256', 'content of folder-less', 'hex'),
        mediaType: expect.any(String),
        class: 'standard',
        classification: 'internal',
        bundle: 'b'.repeat(64),
        run: 'run',
        observedAt: expect.stringMatching(/^20.*\.\d{3}Z$/),
        settledAt: expect.stringMatching(/^20.*\.\d{3}Z$/),
        verdict: {
          state: 'clean',
          engine: 'test 1',
          signatureRevision: 'r1',
          signaturesAt: '2026-01-01T00:00:00.000Z',
          signatureSet: 'official',
        },
        placements: [
          {
            destination: 'primary',
            object: object?.key.slice('backup/'.length),
            s3VersionId: object?.versionId,
            offset: 0,
            length: stored?.length,
            format: 'sealed-v1',
            key: stored?.key_id,
            generation: 0,
            iv: stored?.iv,
            madeFor: stored?.id,
            lockMode: 'GOVERNANCE',
            retainUntil: expect.stringMatching(/^20.*Z$/),
          },
        ],
      },
    ]);
  });

  test('are written for a thousand versions, or the first of them after half a minute, and for all at a stop', async () => {
    const journal = await makeJournal();
    const { world, writer, source } = journal;
    await journal.protect('a');
    await writer.writeWaiting([source], 'due');
    expect(await journal.manifests()).toEqual([]);
    await world.catalog.rows(`update versions set settled_at = now() - interval '31 seconds'`);
    const [lag] = await writer.writeWaiting([source], 'due');
    expect(lag).toMatchObject({ source: 'docs', versions: 1 });
    expect(lag?.oldestSeconds).toBeGreaterThanOrEqual(31);
    expect(await journal.manifests()).toHaveLength(1);

    await journal.protect('b');
    await writer.writeWaiting([source], 'due');
    expect(await journal.waiting()).toBe(1);
    await writer.writeWaiting([source], 'all');
    expect(await journal.waiting()).toBe(0);

    await world.catalog.rows(
      `insert into versions (id, entry_id, observation, run_id, kind, size_bytes, mode, uid, gid, mtime_ns, ctime_ns,
                             device, inode, outcome, settled_at)
       select md5('v' || n), e.id, 1000 + n, 'run', 'dir', 0, 493, 0, 0, 0, 0, 0, 0, 'uploaded', now()
       from generate_series(1, 1000) n, (select id from entries limit 1) e`,
    );
    await writer.writeWaiting([source], 'due');
    expect((await journal.manifests()).map(({ rows }) => rows.length)).toEqual([1, 1, 1_000]);
  });

  test('put each scope under its own key, a tombstone where the file was', async () => {
    const journal = await makeJournal();
    const { world, writer, source } = journal;
    await journal.protect('public');
    const { admission } = world.knobs;
    if (typeof admission === 'function') throw new Error('unreachable');
    world.knobs.admission = { ...admission, scope: 'restricted' };
    await journal.protect('secret', 'gone');
    world.remove('gone');
    await protectOnce(world.context, await world.entry('gone'));
    // As where policy names a scope whose key was never made.
    await world.catalog.rows(
      `update versions set admission = jsonb_set(admission, '{scope}', '"unmade"')
       where entry_id = (select id from entries where path = 'public')`,
    );
    await writer.writeJournals(source);

    const [manifest] = await journal.manifests();
    const told = manifest?.rows.map(({ path, scope, outcome }) => [
      Buffer.from(path, 'base64url').toString(),
      outcome,
      scope,
    ]);
    expect(told?.sort()).toEqual([
      ['gone', 'deleted', 'restricted'],
      ['gone', 'uploaded', 'restricted'],
      ['public', 'uploaded', 'default'],
      ['secret', 'uploaded', 'restricted'],
    ]);
    const shredded = await openManifest(manifest?.bytes ?? Buffer.alloc(0), {
      objectName: manifest?.key.slice('backup/'.length) ?? '',
      keyById: (id) =>
        world.context.keys.scopeOf(id) === 'restricted' ? undefined : world.context.keys.byId(id),
    });
    expect(shredded.sections.map(({ scope, count, rows }) => [scope, count, rows?.length]).sort()).toEqual([
      ['default', 1, 1],
      ['restricted', 3, undefined],
    ]);
    expect(manifest?.bytes.includes('secret')).toBe(false);
  });

  test('list a version again when it is settled anew', async () => {
    const journal = await makeJournal();
    const { world, writer, source } = journal;
    await journal.protect('a');
    await writer.writeJournals(source);
    const [version] = await world.catalog.rows<{ id: string; entry: string; observation: number }>(
      'select id, entry_id as entry, observation from versions',
    );
    if (version === undefined) throw new Error('unreachable');
    await world.catalog.write({
      settle: {
        versionId: version.id,
        entryId: version.entry,
        observation: version.observation,
        hint: 0,
        runId: 'run',
        outcome: 'failed',
        reason: 'later',
      },
      events: [],
    });
    expect(await journal.waiting()).toBe(1);
    await writer.writeJournals(source);
    expect((await journal.manifests()).map(({ rows }) => rows.map(({ outcome }) => outcome))).toEqual([
      ['uploaded'],
      ['failed'],
    ]);
  });
});

describe('a crash changes nothing', () => {
  test.each(['manifest-recorded', 'manifest-sent'] as const)('at %s', async (point) => {
    const journal = await makeJournal();
    const { world, writer, source } = journal;
    await journal.protect('a', 'b');
    await expect(journal.another(point).writeJournals(source)).rejects.toThrow(Killed);
    expect(await journal.waiting()).toBe(2);
    const left = await journal.manifests();
    expect(left).toHaveLength(point === 'manifest-sent' ? 1 : 0);

    await journal.recovered();
    await journal.protect('c');
    await writer.writeJournals(source);
    const manifests = await journal.manifests();
    expect(new Set(manifests.flatMap(paths))).toEqual(new Set(['a', 'b', 'c']));
    expect(manifests.map(({ number }) => number)).toEqual(manifests.map((_, at) => at + 1));
    expectChain(manifests);
    expect(await world.catalog.rows(`select 1 from manifests where state <> 'committed'`)).toEqual([]);
  });

  test('a write whose answer was lost is found by its bytes', async () => {
    const journal = await makeJournal();
    const { world, writer, source } = journal;
    await journal.protect('a');
    world.knobs.fault = ({ operation, moment }) => {
      if (operation === 'put' && moment === 'after')
        throw new Failure('s3_unavailable', { destination: 'primary', reason: 'test' });
    };
    await expect(writer.writeJournals(source)).rejects.toMatchObject({ code: 's3_unavailable' });
    world.knobs.fault = () => {};
    await journal.recovered();
    expect((await journal.manifests()).flatMap(paths)).toEqual(['a']);
  });

  test('a write that arrives after it was given up is taken over, and the chain goes on behind it', async () => {
    const journal = await makeJournal();
    const { world, source } = journal;
    await journal.protect('a');
    // Announced, sent, and forgotten by the catalog: as if it arrived between the look and the next PUT.
    await expect(journal.another('manifest-sent').writeJournals(source)).rejects.toThrow(Killed);
    await world.catalog.rows('delete from manifests');
    await journal.protect('b');
    await journal.recovered();
    const manifests = await journal.manifests();
    expect(manifests.map(({ number }) => number)).toEqual([1, 2]);
    expectChain(manifests);
    expect(paths(manifests[1])).toContain('b');
  });
});

describe('others at the same names', () => {
  test('foreign objects on the next names are passed over, and nothing of them is believed', async () => {
    const journal = await makeJournal();
    const { world, writer, source } = journal;
    await journal.protect('a');
    await writer.writeJournals(source);
    const [first] = await journal.manifests();
    const next = (number: number) => `backup/manifests/${source.id}/${String(number).padStart(12, '0')}`;
    world.store.plantVersion(next(2), Buffer.from('garbage'));
    // An older manifest of ours under a later name.
    world.store.plantVersion(next(3), first?.bytes ?? Buffer.alloc(0));
    await journal.protect('b');
    await writer.writeJournals(source);
    const authentic = (await journal.manifests()).filter(({ head }) => head !== undefined);
    expect(authentic.map(({ number }) => number)).toEqual([1, 4]);
    expect(paths(authentic[1])).toEqual(['b']);
    expectChain(authentic);
    const states = await world.catalog.rows('select number, state from manifests order by number');
    expect(states).toEqual([
      { number: 1, state: 'committed' },
      { number: 2, state: 'abandoned' },
      { number: 3, state: 'abandoned' },
      { number: 4, state: 'committed' },
    ]);
  });

  test('a delete marker over a manifest that arrived does not lose it', async () => {
    const journal = await makeJournal();
    const { world, source } = journal;
    await journal.protect('a');
    await expect(journal.another('manifest-sent').writeJournals(source)).rejects.toThrow(Killed);
    const [sent] = await journal.manifests();
    world.store.plantDeleteMarker(sent?.key ?? '');
    await journal.recovered();
    expect((await journal.manifests()).map(({ versionId }) => versionId)).toEqual([sent?.versionId]);
  });

  test('two writers at once: one works, nothing is written twice', async () => {
    const journal = await makeJournal();
    await journal.protect('a', 'b', 'c');
    await Promise.all([1, 2, 3].map(() => journal.another().writeJournals(journal.source)));
    expect((await journal.manifests()).flatMap(paths)).toEqual(['a', 'b', 'c']);
    expect(await journal.waiting()).toBe(0);
  });

  test('a catalog that was filled anew goes on behind the manifests that are there', async () => {
    const journal = await makeJournal();
    const { world, writer, source } = journal;
    for (const path of ['a', 'b']) {
      await journal.protect(path);
      await writer.writeJournals(source);
    }
    await world.catalog.rows('delete from manifests');
    await journal.protect('c');
    await writer.writeJournals(source);
    const manifests = await journal.manifests();
    expect(manifests.map(paths)).toEqual([['a'], ['b'], ['c']]);
    expectChain(manifests);
  });
});

test('while a destination is down everything waits and is shown; nothing is lost', async () => {
  const journal = await makeJournal();
  const { world, writer, source } = journal;
  await journal.protect('a');
  await world.catalog.rows(`update versions set settled_at = now() - interval '1 hour'`);
  world.knobs.fault = ({ moment }) => {
    if (moment === 'before') throw new Failure('s3_unavailable', { destination: 'primary', reason: 'test' });
  };
  for (const _ of [1, 2]) {
    const [lag] = await writer.writeWaiting([source], 'due');
    expect(lag).toMatchObject({ versions: 1 });
    expect(lag?.oldestSeconds).toBeGreaterThan(3_599);
  }
  world.knobs.fault = () => {};
  await journal.recovered();
  expect((await journal.manifests()).map(paths)).toEqual([['a']]);
});

test('what a crash left under a short lock is locked as it should be', async () => {
  const journal = await makeJournal();
  const { world, source } = journal;
  await journal.protect('a');
  await expect(journal.another('manifest-sent').writeJournals(source)).rejects.toThrow(Killed);
  const [sent] = await journal.manifests();
  if (sent === undefined) throw new Error('unreachable');
  world.store.relock(sent, { mode: 'GOVERNANCE', retainUntil: new Date(Date.now() + dayMs) });
  await journal.recovered();
  const { lock } = (await world.store.head(sent)) ?? {};
  expect(lock?.retainUntil.getTime()).toBeGreaterThan(Date.now() + 89 * dayMs);
  expect(await journal.manifests()).toHaveLength(1);
});

describe('checkpoints', () => {
  /** Rows by path, newest last: what became of each listed version. */
  const told = (manifests: readonly Manifest[]): Record<string, string[]> => {
    const rows = manifests.flatMap((manifest) => manifest.rows);
    const byPath = Map.groupBy(rows, ({ path }) => Buffer.from(path, 'base64url').toString());
    const sorted = [...byPath].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(
      sorted.map(([path, versions]) => [
        path,
        versions.sort((a, b) => a.observation - b.observation).map(({ outcome }) => outcome),
      ]),
    );
  };

  test('list the whole live state and nothing that is gone', async () => {
    const journal = await makeJournal();
    const { world, writer, source } = journal;
    await journal.protect('same', 'changed', 'deleted', 'long gone', 'now refused');
    for (const content of ['second', 'third']) {
      world.write('changed', content);
      await protectOnce(world.context, await world.entry('changed'));
    }
    for (const path of ['deleted', 'long gone']) {
      world.remove(path);
      await protectOnce(world.context, await world.entry(path));
    }
    // Expired, of one the bytes are still there.
    for (const path of ['expired', 'expired and deleted']) {
      await journal.protect(path);
      world.write(path, `${path} second`);
      await protectOnce(world.context, await world.entry(path));
      await world.catalog.rows(
        `update placements set state = 'deleted' where version_id = (select v.id from versions v join entries e on e.id = v.entry_id
           where convert_from(e.path, 'UTF8') = $1 and v.observation = 1)`,
        [path],
      );
    }
    await world.catalog.rows(
      `update objects set state = 'deleted' where id = (select p.object_id from placements p join versions v on v.id = p.version_id
         join entries e on e.id = v.entry_id where e.path = 'expired and deleted' and p.state = 'deleted')`,
    );
    world.knobs.verdict = { ...(world.knobs.verdict as object), state: 'infected', signature: 'x' } as never;
    world.write('now refused', 'infected');
    await protectOnce(world.context, await world.entry('now refused'));
    // Retention took what the lock no longer held: the first of `changed`, all of `long gone`.
    await world.catalog.rows(
      `update objects set state = 'deleted' where id in (
         select object_id from placements p join versions v on v.id = p.version_id join entries e on e.id = v.entry_id
         where e.path = 'long gone' or (e.path = 'changed' and v.observation = 1))`,
    );
    await world.catalog.rows(
      `update versions set settled_at = now() - interval '91 days' where outcome = 'deleted' and entry_id = (
         select id from entries where path = 'long gone')`,
    );
    // The second of `changed` and `same` are not locked any more, but nothing let them expire.
    await world.catalog.rows(
      `update objects set retain_until = now() - interval '1 hour' where id in (
         select object_id from placements p join versions v on v.id = p.version_id join entries e on e.id = v.entry_id
         where e.path = 'same' or (e.path = 'changed' and v.observation = 2))`,
    );
    await writer.writeJournals(source);
    const before = (await journal.manifests()).length;
    await writer.writeCheckpoint(source);
    const manifests = await journal.manifests();
    expectChain(manifests);
    const written = manifests.slice(before);
    expect(written.map(({ head }) => head)).toMatchObject([{ kind: 'checkpoint', last: true }]);
    expect(told(written)).toEqual({
      changed: ['uploaded', 'uploaded'],
      deleted: ['uploaded', 'deleted'],
      expired: ['uploaded', 'uploaded'],
      'expired and deleted': ['uploaded'],
      'now refused': ['uploaded', 'quarantined'],
      same: ['uploaded'],
    });
  });

  test('come in numbered parts, and journals go on between them', async () => {
    const journal = await makeJournal();
    const { world, source } = journal;
    await journal.protect('a');
    const folders = 40;
    await world.catalog.rows(
      `with made as (
         insert into entries (id, source_id, path, head_version_id, head_observation)
         select md5('e' || n), $1, convert_to('folder ' || n, 'UTF8'), md5('v' || n), 1 from generate_series(1, $2::int) n
         returning id, head_version_id
       )
       insert into versions (id, entry_id, observation, run_id, kind, size_bytes, mode, uid, gid, mtime_ns, ctime_ns,
                             device, inode, outcome, settled_at, journal)
       select head_version_id, id, 1, 'run', 'dir', 0, 493, 0, 0, 0, 0, 0, 0, 'uploaded', now(), 0 from made`,
      [source.id, folders],
    );
    const checkpoint = journal.another(undefined, { partRows: 4 }).writeCheckpoint(source);
    while ((await journal.waiting()) > 0) await journal.writer.writeJournals(source);
    await checkpoint;
    const manifests = await journal.manifests();
    expectChain(manifests);
    const parts = manifests.filter(({ head }) => head?.kind === 'checkpoint');
    const count = Math.ceil((folders + 1) / 4);
    expect(parts.map(({ head }) => head?.part)).toEqual([
      undefined,
      ...Array.from({ length: count - 1 }, (_, at) => at + 2),
    ]);
    expect(parts.map(({ head }) => head?.last)).toEqual([...Array(count - 1).fill(false), true]);
    expect(new Set(parts.flatMap(paths)).size).toBe(folders + 1);
    expect(manifests.at(-1)?.head?.kind).toBe('checkpoint');
  });

  test('are due a month after the last, and locked for as long as what they list', async () => {
    const journal = await makeJournal();
    const { world, writer, source } = journal;
    const kinds = async () => (await journal.manifests()).map(({ head }) => head?.kind);
    const age = (interval: string) =>
      world.catalog.rows(`update manifests set created_at = created_at - $1::interval`, [interval]);
    const lockEnd = async (number: number) => {
      const [manifest] = (await journal.manifests()).filter((found) => found.number === number);
      const facts = manifest && (await world.store.head(manifest));
      return facts?.lock?.retainUntil.getTime() ?? 0;
    };
    await writer.keepCheckpoint(source);
    await journal.protect('a');
    await writer.writeJournals(source);
    await age('30 days');
    await writer.keepCheckpoint(source);
    expect(await kinds()).toEqual(['journal']);
    await age('2 days');
    const { admission } = world.knobs;
    if (typeof admission === 'function') throw new Error('unreachable');
    world.knobs.admission = { ...admission, retention: { ...admission.retention, days: 400 } };
    await journal.protect('b');
    await writer.keepCheckpoint(source);
    await writer.keepCheckpoint(source);
    expect(await kinds()).toEqual(['journal', 'checkpoint']);
    expect(await lockEnd(2)).toBeGreaterThan(Date.now() + 399 * dayMs);
    // A share of the object extends its lock; the checkpoint's follows.
    world.knobs.admission = { ...admission, retention: { ...admission.retention, days: 800 } };
    world.write('c', 'content of b');
    await protectOnce(world.context, await world.entry('c'));
    await writer.keepCheckpoint(source);
    expect(await lockEnd(2)).toBeGreaterThan(Date.now() + 799 * dayMs);
    expect(await lockEnd(1)).toBeLessThan(Date.now() + 92 * dayMs);
    await age('32 days');
    await writer.keepCheckpoint(source);
    expect(await kinds()).toEqual(['journal', 'checkpoint', 'checkpoint']);
  });
});
