import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { keySealer, sealManifest } from '../../src/manifest/encode.ts';
import { type Finding, mismatches } from '../../src/verify/finding.ts';
import { usePostgres } from '../support/postgres.ts';
import { type VerifyWorld, verifyWorld } from './world.ts';

const postgres = usePostgres();
const lock = { mode: 'GOVERNANCE', days: 1 } as const;

const inventory = async (world: VerifyWorld, keyring: { name: string; bytes: Buffer }[] = []) =>
  // The smallest sample: what it does not reach, the inventory must.
  world.verify({ sample: 1e-9, inventory: true }, { keyring });

const named = (told: readonly Finding[]): string[] =>
  told.map(({ kind, subject, key }) => `${kind} ${subject} ${key}`).sort();

describe('an inventory', () => {
  test('tells everything in the bucket that the catalog lacks, and nothing else', async () => {
    const world = await verifyWorld(postgres());
    const { store } = world;
    const documents = [{ name: 'keys/root/00000001', bytes: randomBytes(200) }];
    await store.putSmallDocument({
      key: 'backup/keys/root/00000001',
      body: documents[0]?.bytes ?? Buffer.alloc(0),
      lock,
    });
    const a = await world.protect('a.txt', 'one');
    const b = await world.protect('b.txt', 'two');
    await world.protect('c.txt', 'three');
    const clean = await inventory(world, documents);
    expect(clean).toMatchObject({ told: [], listed: 4, findings: {} });

    store.plantVersion(a.key, Buffer.from('garbage on top'));
    store.plantDeleteMarker(b.key);
    store.plantVersion('backup/objects/unknown', Buffer.from('x'));
    store.plantVersion('backup/notes.txt', Buffer.from('x'));
    store.plantVersion('backup/é\u0000odd', Buffer.from('x'));
    store.plantVersion('backup/keys/root/00000001', randomBytes(200));
    store.plantVersion('backup/keys/root/00000009', randomBytes(200));
    store.plantVersion(`backup/manifests/${'a'.repeat(32)}/000000000001`, Buffer.from('x'));
    store.plantDeleteMarker('backup/somewhere');
    store.plantVersion('elsewhere/not-ours', Buffer.from('x'));
    await store.createMultipart({ key: 'backup/objects/open', lock });
    const found = await inventory(world, documents);
    expect(named(found.told)).toEqual(
      [
        `foreign_version content ${a.key}`,
        `delete_marker content ${b.key}`,
        'unknown_object content backup/objects/unknown',
        'unknown_object other backup/notes.txt',
        'unknown_object other backup/é\u0000odd',
        'foreign_version keyring backup/keys/root/00000001',
        'unknown_object keyring backup/keys/root/00000009',
        `unknown_object manifest backup/manifests/${'a'.repeat(32)}/000000000001`,
        'unknown_object other backup/somewhere',
        'open_upload other backup/objects/open',
      ].sort(),
    );
    expect(mismatches(found.findings)).toBe(10);
    expect(found.listed).toBe(4 + 9);
    const opened = () =>
      world.catalog.rows<{ kind: string; what: string; count: number }>(
        `select kind, facts ->> 'what' as what, count(*)::int as count from incidents group by 1, 2 order by 2`,
      );
    const planted = [
      { kind: 'planted_object', what: 'delete_marker', count: 1 },
      { kind: 'planted_object', what: 'foreign_version', count: 2 },
      { kind: 'planted_object', what: 'open_upload', count: 1 },
      { kind: 'planted_object', what: 'unknown_object', count: 6 },
    ];
    expect(await opened()).toEqual(planted);
    await inventory(world, documents);
    expect(await opened()).toEqual(planted);
  });

  test('of a bucket that is flooded the first hundred are incidents', async () => {
    const world = await verifyWorld(postgres());
    for (let n = 0; n < 130; n++) world.store.plantVersion(`backup/objects/flood-${n}`, Buffer.from('x'));
    const found = await inventory(world);
    expect(found.findings).toEqual({ unknown_object: 130 });
    const [row] = await world.catalog.rows<{ count: number }>('select count(*)::int as count from incidents');
    expect(row?.count).toBe(100);
  });

  test('tells what the catalog has and the bucket lacks, wherever in the order it is', async () => {
    const world = await verifyWorld(postgres());
    const files = [];
    for (let n = 0; n < 6; n++) files.push(await world.protect(`f${n}`, `content ${n}`));
    const lost = files.filter((_, n) => n % 2 === 0);
    for (const object of lost) world.store.lose(object);
    const found = await inventory(world);
    expect(named(found.told)).toEqual(lost.map(({ key }) => `missing content ${key}`).sort());
    expect(found.told.every(({ remedy }) => remedy === 'upload anew')).toBe(true);
    expect((await inventory(world)).told).toEqual([]);
  });

  test('of more than one batch', async () => {
    const world = await verifyWorld(postgres());
    const object = await world.protect('a', 'one');
    const lost = await world.protect('b', 'two');
    world.store.lose(lost);
    for (let n = 0; n < 2_100; n++) world.store.plantVersion(object.key, Buffer.from('x'));
    const found = await inventory(world);
    expect(found.findings).toEqual({ foreign_version: 2_100, missing: 1 });
  });

  test('knows what is under way, what was given up, and what an upload left', async () => {
    const world = await verifyWorld(postgres());
    const { settled, objectId, key } = await world.protect('a.txt', 'one');
    const damaged = await world.protect('b.txt', 'two');
    world.store.damage(damaged, (body) => body.subarray(1));
    await world.verify();
    const [intent] = await world.catalog.rows<{ id: string }>(
      `select i.id from intents i join sealings s on s.id = i.sealing_id where s.version_id = $1`,
      [settled.versionId],
    );
    // As if the crash came before the commit: the intent is open, the object is there.
    await world.asOwner(`delete from placements where object_id = '${objectId}'`);
    await world.asOwner(`delete from objects where id = '${objectId}'`);
    await world.asOwner(`update intents set state = 'open' where id = '${intent?.id}'`);
    expect(named((await inventory(world)).told)).toEqual([`leftover content ${damaged.key}`]);
    await world.asOwner(`update intents set state = 'aborted' where id = '${intent?.id}'`);
    const found = await inventory(world);
    expect(named(found.told)).toEqual([`leftover content ${damaged.key}`, `leftover content ${key}`].sort());
    // A leftover of ours costs room and nothing else.
    expect(mismatches(found.findings)).toBe(0);
  });

  test('does not count twice what a pass has told', async () => {
    const world = await verifyWorld(postgres());
    const object = await world.protect('a', 'one');
    world.store.lose(object);
    const found = await world.verify({ sample: 1, inventory: true, repair: false });
    expect(found.findings).toEqual({ missing: 1 });
  });
});

describe('manifests', () => {
  /** A manifest of these bytes; the catalog has recorded others where it is told so. */
  async function addManifest(
    world: VerifyWorld,
    number: number,
    body: Buffer = randomBytes(100),
    recorded: Buffer = body,
  ): Promise<{ key: string; versionId: string }> {
    const { sourceId } = await world.entry('a.txt');
    const key = `backup/manifests/${sourceId}/${String(number).padStart(12, '0')}`;
    const put = await world.store.putSmallDocument({ key, body, lock });
    if (put.kind !== 'stored') throw new Error(put.kind);
    await world.catalog.rows(
      `insert into manifests (source_id, number, destination, kind, state, object_key, s3_version_id, length, sha256, row_count,
         lock_mode, retain_until) values ($1, $2, 'primary', 'journal', 'committed', $3, $4, length($5::bytea), sha256($5::bytea), 1, 'GOVERNANCE', $6)`,
      [sourceId, number, key, put.versionId, recorded, put.lock.retainUntil],
    );
    return { key, versionId: put.versionId };
  }

  test('that are missing: what they listed is listed anew', async () => {
    const world = await verifyWorld(postgres());
    const { settled } = await world.protect('a.txt', 'one');
    const manifest = await addManifest(world, 1);
    await world.catalog.rows('update versions set journal = 1');
    world.store.lose(manifest);
    expect(named((await inventory(world)).told)).toEqual([`missing manifest ${manifest.key}`]);
    const [version] = await world.catalog.rows('select journal from versions where id = $1', [
      settled.versionId,
    ]);
    expect(version).toEqual({ journal: null });
  });

  test('that authenticate and are not the recorded ones are another account of things', async () => {
    const world = await verifyWorld(postgres());
    const { sourceId: source } = await world.entry('a.txt');
    const key = { id: randomBytes(16), secret: randomBytes(64) };
    const createdAt = '2026-11-23T10:00:00.000Z';
    const head = { v: 1, source, name: 'docs', kind: 'journal', last: true, previousSha256: null } as const;
    const seal = keySealer({ sealingKey: () => key });
    const make = (number: number): Promise<Buffer> =>
      sealManifest({ head: { ...head, number, createdAt }, sections: new Map(), seal });
    const keys = { byId: () => key };
    await addManifest(world, 1, await make(1));
    expect((await world.verify({}, { keys })).told).toEqual([]);
    const other = await addManifest(world, 2, await make(2), await make(2));
    expect((await world.verify({}, { keys })).told).toMatchObject([{ kind: 'tampered', key: other.key }]);
  });

  test('of random bytes do not authenticate', async () => {
    const world = await verifyWorld(postgres());
    await addManifest(world, 1);
    expect((await world.verify()).told).toMatchObject([
      { kind: 'tampered', subject: 'manifest', remedy: 'list anew' },
    ]);
  });

  test('of other bytes, or under less of a lock', async () => {
    const world = await verifyWorld(postgres());
    const cut = await addManifest(world, 1);
    world.store.damage(cut, (body) => body.subarray(1));
    expect((await world.verify()).told).toMatchObject([{ kind: 'tampered', key: cut.key }]);
  });
});
