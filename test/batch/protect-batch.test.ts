import { linkSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pipelineSteps } from '../../src/audit/event.ts';
import {
  claimBatch,
  closedAmong,
  forgetClosed,
  passedOn,
  takeOverBatches,
} from '../../src/batch/batch-table.ts';
import { giveUpBatch } from '../../src/batch/protect-batch.ts';
import { stepsOfVersion } from '../../src/catalog/audit-query.ts';
import { newRunId } from '../../src/domain/ids.ts';
import type { FailPointName } from '../../src/pipeline/fail-points.ts';
import { reconcile } from '../../src/pipeline/reconcile.ts';
import { openBytes } from '../../src/sealed/open.ts';
import { readContentPack } from '../../src/sealed/read-content-pack.ts';
import { MemoryStore } from '../../src/storage/memory-store.ts';
import { denied, makeWorld, noise, protectOnce, stepRun, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { danglingReferences } from '../support/references.ts';
import { makeBatch, outcomes } from './batches.ts';

const server = usePostgres();

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `file-${index}`);

function writeAll(world: World, paths: readonly string[]): void {
  for (const path of paths) world.write(path, `content of ${path}`);
}

const all = (paths: readonly string[], outcome: string) =>
  Object.fromEntries([...paths].sort().map((path) => [path, outcome]));

/** Plaintexts of all committed placements, by path, each opened alone by the independent reader from its range. */
async function restored(world: World): Promise<Record<string, string>> {
  const rows = await world.catalog.rows<{
    path: Buffer;
    key: string;
    s3VersionId: string;
    offset: number;
    length: number;
  }>(
    `select e.path, o.key, o.s3_version_id as "s3VersionId", p.byte_offset as offset, p.length
     from entries e join placements p on p.version_id = e.head_version_id join objects o on o.id = p.object_id
     where p.state = 'committed'`,
  );
  const found: Record<string, string> = {};
  for (const { path, key, s3VersionId, offset, length } of rows) {
    const bytes = await world.store.get({ key, versionId: s3VersionId, range: { offset, length } });
    const keys = (id: Buffer) => world.context.keys.byId(id);
    found[path.toString()] = (await openBytes(bytes, { keys, purpose: 'content' })).content().toString();
  }
  return found;
}

/**
 * No version of an object without an intent that knows of it, no intent left open, every committed object there, and every
 * row that another one names.
 */
async function expectWhole(world: World): Promise<void> {
  expect(await danglingReferences(world.catalog)).toEqual([]);
  const there = (await world.versions()).map(({ key, versionId }) => `${key} ${versionId}`).sort();
  const known = await world.catalog.rows<{ name: string }>(
    `select key || ' ' || s3_version_id as name from objects`,
  );
  expect(known.map(({ name }) => name).sort()).toEqual(there);
  expect(await world.catalog.rows(`select 1 from intents where state = 'open'`)).toEqual([]);
  expect(
    await world.catalog.rows(`select 1 from versions where outcome is null or (kind = 'file' and outcome = 'uploaded'
      and not exists (select 1 from placements p where p.version_id = versions.id and p.state = 'committed'))`),
  ).toEqual([]);
}

describe('a batch of small files', () => {
  test('becomes one pack, whose index names each, and each opens alone', async () => {
    const world = await makeWorld(server());
    const paths = numbered(20);
    writeAll(world, paths);
    const batch = await makeBatch(world, paths);
    await batch.run();
    expect(batch.passedOn).toEqual([]);
    expect(await outcomes(world)).toEqual(all(paths, 'uploaded'));
    const [object, ...others] = await world.versions();
    if (object === undefined) throw new Error('no object');
    expect(others).toEqual([]);
    expect(object.key).toMatch(/^backup\/packs\/[0-9a-f]{64}$/);
    const pack = await readContentPack(
      {
        lengthBytes: object.lengthBytes,
        read: (offset, length) => world.store.get({ ...object, range: { offset, length } }),
      },
      { objectName: object.key.replace('backup/', ''), keyById: (id) => world.context.keys.byId(id) },
    );
    expect(pack.members).toHaveLength(20);
    expect(await restored(world)).toEqual(
      Object.fromEntries(paths.map((path) => [path, `content of ${path}`])),
    );
    expect(await closedAmong(world.catalog, [batch.batchId])).toEqual([batch.batchId]);
    await expectWhole(world);
  });

  test('says of each file what the event lane says', async () => {
    const told = async (protect: (world: World) => Promise<void>) => {
      const world = await makeWorld(server());
      writeAll(world, ['a', 'b']);
      await protect(world);
      const [version] = await world.catalog.rows<{ id: string }>(
        `select v.* from entries e join versions v on v.id = e.head_version_id where e.path = 'a'`,
      );
      const tables = ['versions', 'decisions', 'scans', 'sealings', 'placements', 'file_status'];
      const rows: Record<string, unknown> = {};
      for (const table of tables) {
        const key = table === 'versions' ? 'id' : 'version_id';
        rows[table] = await world.catalog.rows(
          `select to_jsonb(t) - array['id', 'version_id', 'scan_id', 'observed_at', 'settled_at', 'at', 'ctime_ns', 'mtime_ns', 'inode',
             'decision_id', 'input_hash', 'evidence_id', 'position', 'iv', 'object_id', 'workflow_id', 'byte_offset', 'run_id'] as row
           from ${table} t where ${key} = $1 order by 1`,
          [version?.id],
        );
      }
      const events = (await world.events(version?.id ?? '')).map(({ step, facts }) => {
        const {
          key: _,
          iv: __,
          s3Version: ___,
          object: ____,
          sealedSha256: _____,
          offset: ______,
          inputHash: _______,
          ...same
        } = facts;
        return {
          step,
          facts:
            'retainUntil' in same
              ? { ...same, retainUntil: 'then' }
              : { ...same, key: facts.format && facts.key },
        };
      });
      return { rows, events };
    };
    const alone = await told(async (world) => {
      for (const path of ['a', 'b']) await protectOnce(world.context, await world.entry(path), stepRun());
    });
    const together = await told(async (world) => (await makeBatch(world, ['a', 'b'])).run());
    expect(alone.events).toHaveLength(9);
    expect(together).toEqual(alone);
  });

  test('tells its nine steps in two events: before it is announced, and after it is sent', async () => {
    const world = await makeWorld(server());
    writeAll(world, ['a', 'b']);
    await (await makeBatch(world, ['a', 'b'])).run();
    const rows = await world.catalog.rows<{ version: string; steps: string[]; at: string[] }>(
      `select event ->> 'version' as version, jsonb_path_query_array(event, '$.steps.step') as steps,
              jsonb_path_query_array(event, '$.steps.at') as at
       from audit_events order by number`,
    );
    const [before, after] = [pipelineSteps.slice(0, 6), pipelineSteps.slice(6)];
    expect(rows.map(({ steps }) => steps)).toEqual([before, before, after, after]);
    expect(new Set(rows.map(({ version }) => version)).size).toBe(2);
    expect(rows.map(({ at }) => at.length)).toEqual([6, 6, 3, 3]);
  });

  test('asks each gate once, with sealed evidence of each decision', async () => {
    const world = await makeWorld(server());
    const paths = numbered(5);
    writeAll(world, paths);
    const asked: string[] = [];
    const { policy } = world.context;
    const counting = world.another({
      policy: {
        ...policy,
        admitMany: (inputs) => {
          asked.push(`admission of ${inputs.length}`);
          return policy.admitMany(inputs);
        },
        releaseMany: (inputs) => {
          asked.push(`release of ${inputs.length}`);
          return policy.releaseMany(inputs);
        },
      },
    });
    await (await makeBatch(world, paths)).run(counting);
    expect(asked).toEqual(['admission of 5', 'release of 5']);
    expect(
      world.releaseInputs.every(({ sealing }) => sealing.basis === 'sealed-bytes' && sealing.contentMatches),
    ).toBe(true);
    const sealed = await world.catalog.rows<{ gate: string; decisions: number; positions: number[] }>(
      `select gate, count(*) as decisions, array_agg(position order by position) as positions
       from decisions join evidence e on e.id = evidence_id
       where length(sealed) > 28 and length(input_hash) = 32 and allow group by gate, e.id order by gate`,
    );
    const positions = [0, 1, 2, 3, 4];
    expect(sealed).toEqual(['admission', 'release'].map((gate) => ({ gate, decisions: 5, positions })));
  });

  test('stores objects one by one where packs are off, and a lone file always', async () => {
    const world = await makeWorld(server());
    writeAll(world, numbered(3));
    await (await makeBatch(world, numbered(3), { packs: false })).run();
    world.write('lone', 'lone');
    await (await makeBatch(world, ['lone'])).run();
    expect((await world.versions()).map(({ key }) => key.split('/')[1])).toEqual(Array(4).fill('objects'));
    expect(Object.keys(await restored(world))).toHaveLength(4);
    await expectWhole(world);
  });

  test('makes no pack that is larger than its destination takes', async () => {
    const world = await makeWorld(server());
    const paths = numbered(12);
    for (const path of paths) world.write(path, noise(2_000, path));
    const primary = world.context.destinations.get('primary');
    if (primary === undefined) throw new Error('no destination');
    const config = { ...primary.config, maxObjectSize: 12_000 };
    const small = world.another({ destinations: new Map([['primary', { ...primary, config }]]) });
    await (await makeBatch(world, paths)).run(small);
    const packs = await world.versions();
    expect(packs.length).toBeGreaterThan(2);
    expect(packs.every(({ lengthBytes }) => lengthBytes <= 12_000)).toBe(true);
    await expectWhole(world);
  });

  test('packs only what shares scope and lock, and nothing that must be erasable alone', async () => {
    const world = await makeWorld(server());
    const paths = [...numbered(4), 'secret-1', 'secret-2', 'personal-1', 'personal-2'];
    writeAll(world, paths);
    const base = world.knobs.admission as Exclude<World['knobs']['admission'], () => never>;
    const { policy } = world.context;
    const judging = world.another({
      policy: {
        ...policy,
        admitMany: async (inputs) => {
          const decisions = await policy.admitMany(inputs);
          return decisions.map((decision, index) => {
            const { name } = inputs[index]?.entry ?? { name: '' };
            const scope = name.startsWith('secret') ? 'restricted' : 'default';
            const retention = name.startsWith('personal')
              ? { ...base.retention, class: 'personal' }
              : base.retention;
            return { ...decision, result: { ...base, scope, retention } };
          });
        },
        retentionClasses: async () => {
          const { result, ...decision } = await policy.retentionClasses();
          const [some] = Object.values(result);
          const like = { mode: 'GOVERNANCE' as const, days: 7, versions: 1, minimumDays: 1, ...some };
          return {
            ...decision,
            result: { standard: { ...like, erasable: false }, personal: { ...like, erasable: true } },
          };
        },
      },
    });
    await (await makeBatch(world, paths)).run(judging);
    const objects = await world.catalog.rows<{ scope: string; packed: boolean; count: number }>(
      `select o.scope, o.pack_id is not null as packed, count(*) as count from sealed_files f join objects o on o.id = f.object_id
       group by o.id order by 1, 2`,
    );
    expect(objects).toEqual([
      { scope: 'default', packed: false, count: 1 },
      { scope: 'default', packed: false, count: 1 },
      { scope: 'default', packed: true, count: 4 },
      { scope: 'restricted', packed: true, count: 2 },
    ]);
    await expectWhole(world);
  });
});

describe('a batch that has been sent', () => {
  /** What is stored, and the outcomes, at the moment when nothing of the batch is in memory any more. */
  const atItsEnd = (world: World) => {
    const seen: { objects?: number; outcomes?: Record<string, string | null> } = {};
    return {
      seen,
      inMemory: async <T>(work: () => Promise<T>): Promise<T> => {
        const done = await work();
        seen.objects = (await world.versions()).length;
        seen.outcomes = await outcomes(world);
        return done;
      },
    };
  };

  test('is recorded when the next one may be read already', async () => {
    const world = await makeWorld(server());
    const paths = numbered(20);
    writeAll(world, paths);
    const batch = await makeBatch(world, paths);
    const { seen, inMemory } = atItsEnd(world);
    await batch.run(world.context, inMemory);
    expect(seen).toEqual({ objects: 1, outcomes: Object.fromEntries(paths.map((path) => [path, null])) });
    expect(await outcomes(world)).toEqual(all(paths, 'uploaded'));
    await expectWhole(world);
  });

  test('is recorded at once where files of the same content wait for it', async () => {
    const world = await makeWorld(server());
    world.write('a', 'same');
    world.write('b', 'same');
    const batch = await makeBatch(world, ['a', 'b']);
    const { seen, inMemory } = atItsEnd(world);
    await batch.run(world.context, inMemory);
    expect(seen).toEqual({ objects: 1, outcomes: { a: 'uploaded', b: 'duplicate' } });
    await expectWhole(world);
  });

  test('and is cut off before it is recorded is found arrived by the next try', async () => {
    const world = await makeWorld(server());
    const paths = numbered(5);
    writeAll(world, paths);
    const batch = await makeBatch(world, paths);
    const cutOff = batch.run(world.context, async (work) => {
      await work();
      throw new Error('cut off');
    });
    await expect(cutOff).rejects.toThrow('cut off');
    await batch.run();
    expect(await world.versions()).toHaveLength(1);
    expect(await outcomes(world)).toEqual(all(paths, 'uploaded'));
    await expectWhole(world);
  });
});

describe('several destinations', () => {
  test('get the same pack each, and the version ends with all of them', async () => {
    const world = await makeWorld(server());
    writeAll(world, numbered(3));
    world.knobs.admission = {
      ...(world.knobs.admission as Exclude<World['knobs']['admission'], () => never>),
      destinations: ['primary', 'second'],
    };
    const primary = world.context.destinations.get('primary');
    if (primary === undefined) throw new Error('no destination');
    const store = new MemoryStore({ name: 'second', now: () => new Date() });
    const second = {
      config: { ...primary.config, name: 'second', prefix: '' },
      store,
      facts: () => store.facts(),
    };
    const context = world.another({
      destinations: new Map([
        ['primary', primary],
        ['second', second],
      ]),
    });
    await (await makeBatch(world, numbered(3))).run(context);
    expect(await outcomes(world)).toEqual(all(numbered(3), 'uploaded'));
    const objects = await world.catalog.rows<{ destination: string; packId: string; files: number }>(
      `select o.destination, o.pack_id as "packId", count(*) as files from objects o join placements p on p.object_id = o.id
       where p.state = 'committed' group by o.id order by 1`,
    );
    expect(objects).toMatchObject([
      { destination: 'primary', files: 3 },
      { destination: 'second', files: 3 },
    ]);
    expect(objects[0]?.packId).toBe(objects[1]?.packId);
    // Known contents rest on what lies in both.
    world.write('twin', 'content of file-0');
    await (await makeBatch(world, ['twin'])).run(context);
    expect((await outcomes(world)).twin).toBe('duplicate');
    expect(await world.catalog.rows(`select 1 from placements where state = 'committed'`)).toHaveLength(8);
  });
});

describe('equal contents', () => {
  test('are scanned and stored once, inside a batch and against earlier objects, whose locks are extended once', async () => {
    const world = await makeWorld(server());
    for (const path of ['a', 'b', 'c']) world.write(path, 'same');
    world.write('d', 'other');
    await (await makeBatch(world, ['a', 'b', 'c', 'd'])).run();
    expect(await outcomes(world)).toEqual({ a: 'uploaded', b: 'duplicate', c: 'duplicate', d: 'uploaded' });
    expect(world.scannedBytes).toEqual([4, 5]);
    world.calls.length = 0;
    for (const path of ['e', 'f']) world.write(path, 'same');
    world.write('g', 'other');
    await (await makeBatch(world, ['e', 'f', 'g'])).run();
    expect(world.scannedBytes).toHaveLength(2);
    expect(world.calls.filter((call) => call === 'extendLock')).toHaveLength(1);
    expect(world.calls).not.toContain('put');
    expect(await world.versions()).toHaveLength(1);
    expect(await restored(world)).toMatchObject({ c: 'same', f: 'same', g: 'other' });
    await expectWhole(world);
  });

  test('that go away while they are shared are sealed anew, by an answer of their own', async () => {
    const world = await makeWorld(server());
    world.write('first', 'the same');
    await (await makeBatch(world, ['first'])).run();
    world.write('second', 'the same');
    const { catalog } = world;
    const losing: typeof catalog = Object.create(catalog, {
      applyTogether: {
        value: async (changes: Parameters<typeof catalog.applyTogether>[0]) => {
          if (changes.some(({ restsOn }) => restsOn))
            await catalog.rows(`update objects set state = 'deleting'`);
          return catalog.applyTogether(changes);
        },
      },
    });
    await (await makeBatch(world, ['second'])).run(world.another({ catalog: losing }));
    expect(await outcomes(world)).toEqual({ first: 'uploaded', second: 'uploaded' });
    const [version] = await catalog.rows<{ id: string }>(
      `select v.id from versions v join entries e on e.head_version_id = v.id where e.path = 'second'`,
    );
    const told = (await world.events(version?.id ?? '')).filter(({ step }) => step === 'release');
    expect(told.map(({ facts }) => facts.basis)).toEqual(['sealed-bytes']);
  });

  test('that somebody else is making are waited for', async () => {
    const world = await makeWorld(server());
    writeAll(world, ['a', 'b']);
    const [first, second] = [await makeBatch(world, ['a']), await makeBatch(world, ['b'])];
    world.write('a', 'same');
    world.write('b', 'same');
    await Promise.all([first.run(), second.run()]);
    expect(Object.values(await outcomes(world)).sort()).toEqual(['duplicate', 'uploaded']);
    expect([...first.passedOn, ...second.passedOn]).toEqual([]);
    await expectWhole(world);
  });
});

describe('what does not pass straight through', () => {
  test('is settled at once where nothing of it leaves the host', async () => {
    const world = await makeWorld(server());
    mkdirSync(join(world.folder, 'folder'));
    symlinkSync('folder', join(world.folder, 'link'));
    world.write('file', 'file');
    const batch = await makeBatch(world, ['folder', 'link', 'file']);
    world.knobs.admission = {
      ...(world.knobs.admission as object),
      ...denied('name_denied'),
    } as World['knobs']['admission'];
    await batch.run();
    expect(await outcomes(world)).toEqual({ file: 'ignored', folder: 'uploaded', link: 'uploaded' });
    expect(batch.passedOn).toEqual([]);
    expect(world.scannedBytes).toEqual([]);
    expect(world.calls).not.toContain('put');
  });

  test('no more is read than a batch may hold, however much its files grew meanwhile', async () => {
    const world = await makeWorld(server());
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const [index, name] of names.entries()) world.write(name, noise(7 * 1024 * 1024 + index));
    const batch = await makeBatch(world, [...names, 'gone']);
    await batch.run();
    expect(await outcomes(world)).toMatchObject({
      ...{ a: 'uploaded', b: 'uploaded', c: 'uploaded', d: 'uploaded', e: null, gone: 'vanished' },
    });
    expect(batch.passedOn).toHaveLength(1);
  });

  test('goes its own way where a batch cannot deal with it, and stops nobody else', async () => {
    const world = await makeWorld(server());
    writeAll(world, ['good', 'bad']);
    world.write('large', noise(8 * 1024 * 1024 + 1));
    const { scanner } = world.context;
    const finding = world.another({
      scanner: {
        ...scanner,
        scanMany: async (contents) =>
          (await scanner.scanMany(contents)).map((verdict, index) =>
            contents[index]?.includes('bad') ? { ...verdict, state: 'infected', signature: 'Test' } : verdict,
          ),
      },
    });
    const batch = await makeBatch(world, ['good', 'bad', 'large', 'gone']);
    await batch.run(finding);
    expect(await outcomes(world)).toEqual({
      bad: null,
      gone: 'vanished',
      good: 'uploaded',
      large: null,
    });
    expect(batch.passedOn).toHaveLength(2);
    // What was passed on is waited for.
    expect([...(await passedOn(world.catalog, batch.batchId)).keys()].sort()).toEqual(
      batch.passedOn.toSorted(),
    );
    expect(
      await world.catalog.rows('select state, count(*) as n from batch_items group by state order by state'),
    ).toEqual([
      { state: 'passed_on', n: 2 },
      { state: 'settled', n: 2 },
    ]);
    // Of what others begin anew nothing is left behind.
    expect(await world.catalog.rows('select 1 from versions')).toHaveLength(2);
  });

  test('but names of one file are told apart, the first and its links', async () => {
    const world = await makeWorld(server());
    world.write('a', 'same');
    for (const name of ['b', 'c']) linkSync(join(world.folder, 'a'), join(world.folder, name));
    const batch = await makeBatch(world, ['a', 'b', 'c']);
    await batch.run();
    expect(batch.passedOn).toEqual([]);
    const versions = await world.catalog.rows<{ path: string; outcome: string; first: string | null }>(
      `select convert_from(e.path, 'UTF8') as path, v.outcome, convert_from(f.path, 'UTF8') as first
       from entries e join versions v on v.id = e.head_version_id left join entries f on f.id = v.hardlink order by 1`,
    );
    expect(versions).toEqual([
      { path: 'a', outcome: 'uploaded', first: null },
      { path: 'b', outcome: 'duplicate', first: 'a' },
      { path: 'c', outcome: 'duplicate', first: 'a' },
    ]);
    await (await makeBatch(world, ['a', 'b', 'c'])).run();
    expect(await world.catalog.rows('select 1 from versions')).toHaveLength(3);
    await expectWhole(world);
  });

  test('gets a tombstone where it is gone, unless too much goes at once', async () => {
    const world = await makeWorld(server());
    const paths = numbered(60);
    writeAll(world, paths);
    await (await makeBatch(world, paths)).run();
    for (const path of paths) world.remove(path);
    await (await makeBatch(world, paths.slice(0, 3))).run();
    const deleted = async () =>
      Object.values(await outcomes(world)).filter((outcome) => outcome === 'deleted').length;
    expect(await deleted()).toBe(3);
    const rest = await makeBatch(world, paths.slice(3));
    await rest.run();
    expect(await deleted()).toBe(3);
    expect(rest.passedOn).toEqual([]);
    await world.catalog.startRun({
      id: 'confirmed',
      kind: 'sweep',
      hostId: 'host',
      actor: 'me',
      confirmsDeletions: true,
    });
    await (await makeBatch(world, paths.slice(3), { runId: 'confirmed' })).run();
    expect(await deleted()).toBe(60);
  });

  test('is on record, and no byte of it is sent, where release denies it', async () => {
    const world = await makeWorld(server());
    writeAll(world, ['goes', 'stays']);
    world.knobs.release = ({ entry }) =>
      entry.name === 'stays' ? denied('name_denied') : { allow: true, reasons: [] };
    const batch = await makeBatch(world, ['goes', 'stays']);
    await batch.run();
    expect(batch.passedOn).toEqual([
      world.context.ids.entry([...world.context.sources.keys()][0] ?? '', Buffer.from('stays')),
    ]);
    const stays = await world.catalog.rows<{ outcome: string; allow: boolean }>(
      `select v.outcome, d.allow from versions v join decisions d on d.version_id = v.id and d.gate = 'release'
       where v.outcome = 'cancelled'`,
    );
    expect(stays).toEqual([{ outcome: 'cancelled', allow: false }]);
    expect(Object.keys(await restored(world))).toEqual(['goes']);
    await expectWhole(world);
  });

  test('is left to whoever looks at it already', async () => {
    const world = await makeWorld(server());
    writeAll(world, ['theirs', 'mine']);
    const theirs = await world.entry('theirs');
    await world.catalog.observe({ entryId: theirs.id, workflowRun: 'their run', round: 0 });
    const mine = {
      ...theirs,
      id: world.context.ids.entry(theirs.sourceId, Buffer.from('mine')),
      path: Buffer.from('mine'),
    };
    const batch = { id: newRunId(), sourceId: theirs.sourceId, runId: 'sweep' };
    const claimed = await claimBatch(world.catalog, batch, [theirs, mine]);
    expect([...claimed.hints.keys()]).toEqual([mine.id]);
    expect(claimed.left).toEqual([{ entry: theirs, owner: 'their run' }]);
    const another = await claimBatch(world.catalog, { ...batch, id: newRunId() }, [mine]);
    expect(another.left).toEqual([{ entry: mine, owner: `batch:${batch.id}` }]);
    expect(await takeOverBatches(world.catalog, { ...batch, runId: 'next sweep' })).toEqual([batch.id]);
    // Once it is answered nobody has it.
    await protectOnce(world.context, theirs, stepRun('their run'));
    expect((await claimBatch(world.catalog, { ...batch, id: newRunId() }, [theirs])).hints.size).toBe(1);
  });

  test('whose content somebody else stores at the last moment rests on that', async () => {
    const world = await makeWorld(server());
    world.write('other', 'the same');
    world.write('packed-1', 'the same');
    world.write('packed-2', 'something else');
    let isStored = false;
    const catalog = Object.assign(Object.create(world.catalog) as typeof world.catalog, {
      rows: async (sql: string, values?: unknown[]) => {
        if (!isStored && sql.includes('insert into reservations')) {
          isStored = true;
          await protectOnce(world.context, await world.entry('other'), stepRun('their run'));
        }
        return world.catalog.rows(sql, values);
      },
    });
    const batch = await makeBatch(world, ['packed-1', 'packed-2']);
    await batch.run({ ...world.context, catalog });
    expect(await outcomes(world)).toEqual({
      other: 'uploaded',
      'packed-1': 'duplicate',
      'packed-2': 'uploaded',
    });
    expect(await world.versions()).toHaveLength(2);
    await expectWhole(world);
  });

  test('is taken where the batch that looked at it last is done, and a forgotten batch keeps nobody waiting', async () => {
    const world = await makeWorld(server());
    writeAll(world, ['file']);
    const { batchId, run } = await makeBatch(world, ['file']);
    await run();
    // Something is told of it, and nobody looks at it.
    const entry = await world.entry('file');
    for (const forgotten of [false, true]) {
      if (forgotten) await forgetClosed(world.catalog, entry.sourceId);
      await world.catalog.rows(
        `update entries set hint = hint + 1, lease_owner = 'batch:' || $1, lease_until = now() + interval '1 hour' where id = $2`,
        [batchId, entry.id],
      );
      expect(await closedAmong(world.catalog, [batchId])).toEqual([batchId]);
      const next = { id: newRunId(), sourceId: entry.sourceId, runId: 'sweep' };
      expect([...(await claimBatch(world.catalog, next, [entry])).hints.keys()]).toEqual([entry.id]);
    }
  });

  test('goes its own way file by file when the batch is given up', async () => {
    const world = await makeWorld(server());
    writeAll(world, numbered(3));
    world.knobs.fault = ({ operation }) => {
      if (operation === 'put') throw new Error('defect');
    };
    const batch = await makeBatch(world, numbered(3));
    await expect(batch.run()).rejects.toThrow('defect');
    const passedOn: string[] = [];
    await giveUpBatch({
      context: world.context,
      batchId: batch.batchId,
      packs: true,
      passOn: async (entryId) => void passedOn.push(entryId),
      settled: () => {},
    });
    expect(passedOn).toHaveLength(3);
    expect(await closedAmong(world.catalog, [batch.batchId])).toEqual([batch.batchId]);
    world.knobs.fault = () => {};
    await reconcile(world.context);
    await expectWhole(world);
  });
});

test('a batch that is given up before it announced anything makes nobody wait', async () => {
  const world = await makeWorld(server());
  writeAll(world, numbered(2));
  world.knobs.release = () => {
    throw new Error('defect');
  };
  const batch = await makeBatch(world, numbered(2));
  await expect(batch.run()).rejects.toThrow('defect');
  expect(await world.catalog.rows('select 1 from reservations')).toHaveLength(2);
  await giveUpBatch({
    context: world.context,
    batchId: batch.batchId,
    packs: true,
    passOn: async () => {},
    settled: () => {},
  });
  expect(await world.catalog.rows('select 1 from reservations')).toEqual([]);
  expect(await world.catalog.rows('select 1 from versions')).toEqual([]);
});

class Killed extends Error {}

describe('a batch that is killed', () => {
  const points: FailPointName[] = [
    'before-intent',
    'after-intent',
    'after-put',
    'after-read-back',
    'after-commit',
  ];

  test.each(points)('%s goes on: nothing is lost, nothing is doubled', async (point) => {
    const world = await makeWorld(server());
    const paths = numbered(6);
    writeAll(world, paths);
    world.write('twin', 'content of file-0');
    const batch = await makeBatch(world, [...paths, 'twin']);
    const dying = world.another({
      failPoints: {
        reach: (name) => {
          if (name === point) throw new Killed(point);
        },
      },
    });
    await expect(batch.run(dying)).rejects.toThrow(Killed);
    await batch.run();
    expect(await outcomes(world)).toEqual({ ...all(paths, 'uploaded'), twin: 'duplicate' });
    expect(batch.passedOn).toEqual([]);
    expect(await restored(world)).toMatchObject({ 'file-5': 'content of file-5', twin: 'content of file-0' });
    expect(await world.versions()).toHaveLength(1);
    expect(await world.catalog.rows('select 1 from versions')).toHaveLength(7);
    await expectWhole(world);
  });

  test('packs anew what is unchanged, and leaves what changed to its own workflow', async () => {
    const world = await makeWorld(server());
    const paths = numbered(4);
    writeAll(world, paths);
    const batch = await makeBatch(world, paths);
    const dying = world.another({
      failPoints: {
        reach: (name) => {
          if (name === 'after-intent') throw new Killed();
        },
      },
    });
    await expect(batch.run(dying)).rejects.toThrow(Killed);
    world.write('file-1', 'changed meanwhile');
    await batch.run();
    expect(await outcomes(world)).toEqual({ ...all(paths, 'uploaded'), 'file-1': null });
    expect(batch.passedOn).toHaveLength(1);
    const ivs = await world.catalog.rows('select distinct iv from sealings');
    expect(ivs).toHaveLength(4 + 3);
    await expectWhole(world);
  });

  test('makes nothing of a name that another look has protected in between', async () => {
    const world = await makeWorld(server());
    writeAll(world, ['a']);
    linkSync(join(world.folder, 'a'), join(world.folder, 'link'));
    const batch = await makeBatch(world, ['a', 'link']);
    const dying = world.another({
      failPoints: {
        reach: (name) => {
          if (name === 'after-commit') throw new Killed();
        },
      },
    });
    await expect(batch.run(dying)).rejects.toThrow(Killed);
    expect(await outcomes(world)).toEqual({ a: 'uploaded', link: null });
    await protectOnce(world.context, await world.entry('link'));
    await batch.run();
    expect(await world.catalog.rows('select outcome from versions order by observed_at')).toEqual([
      { outcome: 'uploaded' },
      { outcome: 'cancelled' },
      { outcome: 'duplicate' },
    ]);
    await expectWhole(world);
  });

  test('leaves a trail of what it did before and what it did anew', async () => {
    const world = await makeWorld(server());
    writeAll(world, ['a']);
    const batch = await makeBatch(world, ['a']);
    const dying = world.another({
      failPoints: {
        reach: (name) => {
          if (name === 'after-intent') throw new Killed();
        },
      },
    });
    await expect(batch.run(dying)).rejects.toThrow(Killed);
    await batch.run();
    const [version] = await world.catalog.rows<{ id: string }>('select id from versions');
    const steps = Map.groupBy(await stepsOfVersion(world.catalog, version?.id ?? ''), ({ number }) => number);
    expect([...steps.values()].map((row) => row.map(({ step, ordinal }) => `${step} ${ordinal}`))).toEqual([
      ['fingerprint 0', 'duplicate_check 0', 'admission 0', 'scan 0', 'seal 0', 'release 0'],
      ['seal 1', 'release 1'],
      ['upload 0', 'read_back 0', 'commit 0'],
    ]);
  });

  test('by a switch of the policy sends nothing by the old answers, and asks again', async () => {
    const world = await makeWorld(server());
    const paths = numbered(3);
    writeAll(world, paths);
    const batch = await makeBatch(world, paths);
    const switching = world.another({
      failPoints: {
        reach: (name) => {
          if (name === 'after-intent') world.knobs.bundleRevision = 'c'.repeat(64);
        },
      },
    });
    await expect(batch.run(switching)).rejects.toMatchObject({ code: 'policy_unavailable' });
    expect(world.calls).not.toContain('put');
    await batch.run();
    expect(await outcomes(world)).toEqual(all(paths, 'uploaded'));
    const asked = await world.catalog.rows(
      `select 1 from decisions where gate = 'release' and bundle_revision = '${'c'.repeat(64)}'`,
    );
    expect(asked).toHaveLength(3);
    await expectWhole(world);
  });

  test('and never runs again leaves a pack that the reconciler records', async () => {
    const world = await makeWorld(server());
    const paths = numbered(3);
    writeAll(world, paths);
    const batch = await makeBatch(world, paths);
    const dying = world.another({
      failPoints: {
        reach: (name) => {
          if (name === 'after-put') throw new Killed();
        },
      },
    });
    await expect(batch.run(dying)).rejects.toThrow(Killed);
    // While its batch may still go on it is left alone.
    await reconcile(world.context);
    expect(await world.catalog.rows(`select 1 from intents where state = 'open'`)).toHaveLength(1);
    await giveUpBatch({
      context: world.context,
      batchId: batch.batchId,
      packs: true,
      passOn: async () => {},
      settled: () => {},
    });
    await reconcile(world.context);
    expect(await outcomes(world)).toEqual(all(paths, 'uploaded'));
    await expectWhole(world);
  });

  test('by a store that is away waits, and sends once it is back', async () => {
    const world = await makeWorld(server());
    const paths = numbered(3);
    writeAll(world, paths);
    let away = true;
    world.knobs.fault = ({ operation, moment }) => {
      if (away && operation === 'put' && moment === 'after')
        throw Object.assign(new Error('gone'), { code: 'ECONNRESET' });
    };
    const batch = await makeBatch(world, paths);
    await expect(batch.run()).rejects.toThrow();
    away = false;
    await batch.run();
    expect(await outcomes(world)).toEqual(all(paths, 'uploaded'));
    expect(await world.versions()).toHaveLength(1);
    await expectWhole(world);
  });
});
