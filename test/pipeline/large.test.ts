import { closeSync, openSync, utimesSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../src/domain/failures.ts';
import type { Id } from '../../src/domain/records.ts';
import { partSizeFor } from '../../src/pipeline/part-size.ts';
import { planAndRelease } from '../../src/pipeline/plan-and-release.ts';
import { upload } from '../../src/pipeline/upload.ts';
import type { UploadPartRequest } from '../../src/storage/object-store.ts';
import {
  denied,
  makeWorld,
  noise,
  protectOnce,
  stepRun,
  untilScanned,
  untilUploaded,
  type World,
} from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
const newWorld = (): Promise<World> => makeWorld(postgres());
const mebibyte = 1024 * 1024;
/** Three parts: 8 MiB, 8 MiB and the rest. */
const content = noise(17 * mebibyte);
const crash = (): never => {
  throw new Failure('s3_unavailable', { destination: 'primary', reason: 'test' });
};

interface Scanned {
  readonly versionId: Id;
  readonly large: boolean;
}

async function scannedFile(world: World): Promise<Scanned> {
  world.write('big', content);
  // A whole second, so that a test can give the file this time again.
  utimesSync(join(world.folder, 'big'), 1_700_000_000, 1_700_000_000);
  const scanned = await untilScanned(world.context, await world.entry('big'));
  if ('next' in scanned) throw new Error('unreachable');
  return scanned;
}

/** Records the parts that are sent, in the order they began. */
function recordParts(world: World): { sent: UploadPartRequest[]; numbers(): number[] } {
  const sent: UploadPartRequest[] = [];
  const uploadPart = world.store.uploadPart.bind(world.store);
  world.store.uploadPart = async (part) => {
    sent.push({ ...part, body: Buffer.from(part.body) });
    return uploadPart(part);
  };
  return { sent, numbers: () => sent.map((part) => part.partNumber).sort((a, b) => a - b) };
}

/** Ends the attempt as a crash after `count` parts had arrived: nothing of it goes on. */
async function crashAfterParts(world: World, scanned: Scanned, count: number): Promise<void> {
  let arrived = 0;
  world.knobs.fault = ({ operation, moment }) => {
    if (operation === 'uploadPart' && moment === 'before' && arrived++ >= count) crash();
  };
  await expect(untilUploaded(world.context, scanned)).rejects.toMatchObject({ code: 's3_unavailable' });
  world.knobs.fault = () => {};
}

async function openUploads(world: World): Promise<string[]> {
  const found: string[] = [];
  for await (const { uploadId } of world.store.listMultiparts('')) found.push(uploadId);
  return found;
}

const intents = (world: World) =>
  world.catalog.rows<{ generation: number; iv: Buffer; state: string; key: string; reason: string | null }>(
    `select s.generation, s.iv, i.state, i.object_key as key, i.closed_reason as reason
     from intents i join sealings s on s.id = i.sealing_id order by s.generation`,
  );

describe('a large file', () => {
  test('goes in parts, under one lock, and decrypts to what it was', async () => {
    const world = await newWorld();
    const parts = recordParts(world);
    const scanned = await scannedFile(world);
    expect(await untilUploaded(world.context, scanned)).toMatchObject({ outcome: 'uploaded' });
    expect(parts.numbers()).toEqual([1, 2, 3]);
    const [version, ...others] = await world.versions();
    expect(others).toEqual([]);
    expect((await world.open(version as never)).equals(content)).toBe(true);
    expect(await openUploads(world)).toEqual([]);
    expect(world.calls).not.toContain('put');
    const steps = (await world.events(scanned.versionId)).map((event) => event.step);
    expect([...new Set(steps)]).toEqual([
      'fingerprint',
      'duplicate_check',
      'admission',
      'scan',
      'seal',
      'release',
      'upload',
      'read_back',
      'commit',
    ]);
  });

  test('invariant 1: release allowed the plan before the upload was begun', async () => {
    const world = await newWorld();
    const scanned = await scannedFile(world);
    let asked = -1;
    world.knobs.fault = ({ operation }) => {
      if (operation === 'createMultipart' && asked < 0) asked = world.releaseInputs.length;
    };
    await untilUploaded(world.context, scanned);
    expect(asked).toBe(1);
    expect(world.releaseInputs[0]?.sealing.basis).toBe('plan');
  });

  test.each([1, 2])(
    'invariant 5: cut off after %i parts, sends only the missing ones, under the same IV',
    async (count) => {
      const world = await newWorld();
      const scanned = await scannedFile(world);
      await crashAfterParts(world, scanned, count);
      const [before] = await intents(world);
      const [uploadId] = await openUploads(world);
      const there = await world.store.listParts({ key: before?.key ?? '', uploadId: uploadId ?? '' });
      const arrived = (there ?? []).map((part) => part.partNumber);
      expect(arrived).toHaveLength(count);

      const parts = recordParts(world);
      expect(await untilUploaded(world.context, scanned)).toMatchObject({ outcome: 'uploaded' });
      expect([...arrived, ...parts.numbers()].sort()).toEqual([1, 2, 3]);
      const [after, ...others] = await intents(world);
      expect(others).toEqual([]);
      expect(after).toMatchObject({ generation: 0, state: 'committed', key: before?.key });
      expect(after?.iv).toEqual(before?.iv);
      const [version, ...more] = await world.versions();
      expect(more).toEqual([]);
      expect((await world.open(version as never)).equals(content)).toBe(true);
      expect(await openUploads(world)).toEqual([]);
    },
  );

  test('cut off when the upload was begun but not recorded, leaves no second upload open', async () => {
    const world = await newWorld();
    const scanned = await scannedFile(world);
    world.knobs.fault = ({ operation, moment }) => {
      if (operation === 'createMultipart' && moment === 'after') crash();
    };
    await expect(untilUploaded(world.context, scanned)).rejects.toMatchObject({ code: 's3_unavailable' });
    world.knobs.fault = () => {};
    expect(await openUploads(world)).toHaveLength(1);
    expect(await untilUploaded(world.context, scanned)).toMatchObject({ outcome: 'uploaded' });
    expect(await openUploads(world)).toEqual([]);
  });

  test('invariant 5: whose Complete took effect without an answer, is found by its checksum and sent no more', async () => {
    const world = await newWorld();
    const scanned = await scannedFile(world);
    world.knobs.fault = ({ operation, moment }) => {
      if (operation === 'completeMultipart' && moment === 'after') crash();
    };
    await expect(untilUploaded(world.context, scanned)).rejects.toMatchObject({ code: 's3_unavailable' });
    world.knobs.fault = () => {};
    const parts = recordParts(world);
    expect(await untilUploaded(world.context, scanned)).toMatchObject({ outcome: 'uploaded' });
    expect(parts.numbers()).toEqual([]);
    expect(await world.versions()).toHaveLength(1);
    expect(await intents(world)).toMatchObject([{ generation: 0, state: 'committed' }]);
  });

  test('invariant 3: that was found again days later is locked for its full length', async () => {
    const world = await newWorld();
    const scanned = await scannedFile(world);
    await crashAfterParts(world, scanned, 2);
    world.knobs.storeAheadMs = 6 * 86_400_000;
    await untilUploaded(world.context, scanned);
    const [version] = await world.versions();
    const lock = (await world.store.head(version as never))?.lock;
    const wanted = Date.now() + world.knobs.storeAheadMs + 7 * 86_400_000;
    expect(lock?.retainUntil.getTime()).toBeGreaterThan(wanted - 3_600_000);
  });

  test('whose upload the store forgot begins anew under another IV', async () => {
    const world = await newWorld();
    const scanned = await scannedFile(world);
    await crashAfterParts(world, scanned, 2);
    for await (const open of world.store.listMultiparts('')) await world.store.abortMultipart(open);
    expect(await untilUploaded(world.context, scanned)).toMatchObject({ outcome: 'uploaded' });
    const [first, second] = await intents(world);
    expect(first).toMatchObject({ generation: 0, state: 'aborted' });
    expect(second).toMatchObject({ generation: 1, state: 'committed' });
    expect(first?.iv.equals(second?.iv ?? Buffer.alloc(0))).toBe(false);
  });

  test.each([
    ['another sealer', `update intents set sealer_id = repeat('0', 64)`],
    [
      'a recorded part that comes out otherwise',
      `update intent_parts set sha256 = decode(repeat('00', 32), 'hex') where part_number = 1`,
    ],
    ['metadata that comes out otherwise', `update intents set metadata = '\\x00'`],
  ])('invariant 5: after a crash, %s never goes on under the same IV', async (_name, sql) => {
    const world = await newWorld();
    const scanned = await scannedFile(world);
    await crashAfterParts(world, scanned, 1);
    // As the tables' owner: the program's own role may not change a recorded part.
    await world.asOwner(sql);
    const settled = await untilUploaded(world.context, scanned);
    const [first, second] = await intents(world);
    expect(first).toMatchObject({ generation: 0, state: 'aborted' });
    expect(await openUploads(world)).toEqual([]);
    expect(settled).toMatchObject({ outcome: 'uploaded' });
    expect(second).toMatchObject({ generation: 1, state: 'committed' });
    expect(second?.key).not.toBe(first?.key);
    expect(first?.iv.equals(second?.iv ?? Buffer.alloc(0))).toBe(false);
    const [version, ...others] = await world.versions();
    expect(others).toEqual([]);
    expect((await world.open(version as never)).equals(content)).toBe(true);
  });

  test('whose middle was rewritten between a crash and the resume: no part of changed bytes is sent', async () => {
    const world = await newWorld();
    const scanned = await scannedFile(world);
    await crashAfterParts(world, scanned, 1);
    overwrite(join(world.folder, 'big'), 12 * mebibyte, 'changed');
    utimesSync(join(world.folder, 'big'), 1_700_000_000, 1_700_000_000);
    await world.pretendUntouched(scanned.versionId, 'big');

    const parts = recordParts(world);
    expect(await untilUploaded(world.context, scanned)).toEqual({ next: 'changed' });
    // The change lies in part 2; part 1 may go if it had not arrived.
    expect(parts.numbers().filter((number) => number > 1)).toEqual([]);
    expect(await openUploads(world)).toEqual([]);
    expect(await world.versions()).toEqual([]);
    expect(await intents(world)).toMatchObject([{ state: 'aborted', reason: 'changed' }]);
    expect(await world.catalog.rows(`select outcome from versions`)).toEqual([{ outcome: 'cancelled' }]);
  });

  test('that shows another stat at the resume: not one part more is sent', async () => {
    const world = await newWorld();
    const scanned = await scannedFile(world);
    await crashAfterParts(world, scanned, 1);
    overwrite(join(world.folder, 'big'), 12 * mebibyte, 'changed');
    const parts = recordParts(world);
    expect(await untilUploaded(world.context, scanned)).toEqual({ next: 'changed' });
    expect(parts.numbers()).toEqual([]);
    expect(await openUploads(world)).toEqual([]);
    // The next look protects what is there now.
    expect(await protectOnce(world.context, await world.entry('big'))).toMatchObject({ outcome: 'uploaded' });
    const [version] = await world.versions();
    const opened = await world.open(version as never);
    expect(opened.subarray(12 * mebibyte, 12 * mebibyte + 7).toString()).toBe('changed');
  });

  test('invariant 2: infected content is never sent in parts', async () => {
    const world = await newWorld();
    if (typeof world.knobs.verdict === 'function') throw new Error('unreachable');
    world.knobs.verdict = { ...world.knobs.verdict, state: 'infected', signature: 'x' };
    world.write('big', noise(9 * mebibyte));
    expect(await protectOnce(world.context, await world.entry('big'))).toMatchObject({
      outcome: 'quarantined',
    });
    expect(world.calls).toEqual([]);
  });
});

describe('a release decision for a large file', () => {
  async function planned(world: World): Promise<Scanned> {
    const scanned = await scannedFile(world);
    expect(await planAndRelease(world.context, scanned, stepRun())).toEqual({ next: 'upload' });
    return scanned;
  }

  test('that is fresh is enough for the first byte', async () => {
    const world = await newWorld();
    const scanned = await planned(world);
    let asked = -1;
    world.knobs.fault = ({ operation }) => {
      if (operation === 'createMultipart') asked = world.releaseInputs.length;
    };
    await upload(world.context, scanned, stepRun());
    expect(asked).toBe(1);
  });

  test.each([
    ['older than 15 minutes', `update decisions set at = now() - interval '16 minutes'`],
    ['of another bundle', `update decisions set bundle_revision = repeat('0', 64) where gate = 'release'`],
  ])('that is %s is asked again before the first byte, and kept', async (_name, sql) => {
    const world = await newWorld();
    const scanned = await planned(world);
    await world.asOwner(sql);
    let asked = -1;
    world.knobs.fault = ({ operation }) => {
      if (operation === 'createMultipart') asked = world.releaseInputs.length;
    };
    expect(await untilUploaded(world.context, scanned)).toMatchObject({ outcome: 'uploaded' });
    expect(asked).toBe(2);
    const [{ n } = { n: 0 }] = await world.catalog.rows<{ n: number }>(
      `select count(*) as n from decisions where gate = 'release'`,
    );
    expect(n).toBeGreaterThanOrEqual(2);
  });

  test('invariant 1: denied when asked again: nothing is begun, and it is held', async () => {
    const world = await newWorld();
    const scanned = await planned(world);
    await world.asOwner(`update decisions set at = now() - interval '16 minutes'`);
    world.knobs.release = denied('not_any_more');
    expect(await untilUploaded(world.context, scanned)).toMatchObject({
      outcome: 'held',
      reason: 'not_any_more',
    });
    expect(world.calls).not.toContain('createMultipart');
    expect(
      await world.catalog.rows(`select 1 from decisions where gate = 'release' and not allow`),
    ).not.toEqual([]);
  });

  test('invariant 1: denied before Complete under a new bundle: the parts are dropped, and it is held', async () => {
    const world = await newWorld();
    const scanned = await planned(world);
    world.knobs.fault = ({ operation, moment }) => {
      if (operation !== 'uploadPart' || moment !== 'after') return;
      world.knobs.bundleRevision = 'c'.repeat(64);
      world.knobs.release = denied('not_any_more');
    };
    expect(await untilUploaded(world.context, scanned)).toMatchObject({
      outcome: 'held',
      reason: 'not_any_more',
    });
    expect(world.calls).toContain('uploadPart');
    expect(world.calls).not.toContain('completeMultipart');
    expect(await world.versions()).toEqual([]);
    expect(await openUploads(world)).toEqual([]);
    expect(
      await world.catalog.rows(`select 1 from decisions where gate = 'release' and not allow`),
    ).not.toEqual([]);
  });

  test('every one of them is kept, however often it is asked for and whatever happens between', async () => {
    const world = await newWorld();
    const scanned = await planned(world);
    const forget = async (bundle: string): Promise<void> => {
      await crashAfterParts(world, scanned, 1);
      for await (const open of world.store.listMultiparts('')) await world.store.abortMultipart(open);
      world.knobs.bundleRevision = bundle.repeat(64);
    };
    await world.asOwner(`update decisions set at = now() - interval '16 minutes'`);
    await forget('c');
    await forget('d');
    expect(await untilUploaded(world.context, scanned)).toMatchObject({ outcome: 'uploaded' });
    const told = (await world.events(scanned.versionId)).filter((event) => event.step === 'release');
    expect(told.map((event) => String(event.facts.bundle)[0])).toEqual(['b', 'b', 'c', 'd']);
    const kept = await world.catalog.rows<{ bundle: string }>(
      `select left(bundle_revision, 1) as bundle from decisions where gate = 'release' order by 1`,
    );
    expect(kept.map((row) => row.bundle)).toEqual(['b', 'b', 'c', 'd']);
  });

  test('may be about an object that another version made in the meantime', async () => {
    const world = await newWorld();
    const scanned = await planned(world);
    await crashAfterParts(world, scanned, 1);
    for await (const open of world.store.listMultiparts('')) await world.store.abortMultipart(open);
    await world.asOwner(`update reservations set expires_at = now() - interval '1 minute'`);
    world.write('twin', content);
    expect(await protectOnce(world.context, await world.entry('twin'))).toMatchObject({
      outcome: 'uploaded',
    });
    expect(await untilUploaded(world.context, scanned)).toMatchObject({ outcome: 'duplicate' });
  });

  test('is no allowance for bytes that the independent reader cannot open', async () => {
    const world = await newWorld();
    const scanned = await planned(world);
    const { keys } = world.context;
    const other = world.another({
      keys: {
        sealingKey: (scope) => keys.sealingKey(scope),
        objectKey: (object) => keys.objectKey(object),
        packName: (scope, ivs) => keys.packName(scope, ivs),
        scopeOf: (id) => keys.scopeOf(id),
        byId: (id) => ({ id, secret: Buffer.alloc(64, 1) }),
      },
    });
    await expect(upload(other, scanned, stepRun())).rejects.toMatchObject({ code: 'tampered' });
    expect(world.calls).not.toContain('completeMultipart');
    expect(await world.versions()).toEqual([]);
  });
});

describe('part size', () => {
  test('is at least 8 MiB, whole MiB, and never more than 10,000 parts', () => {
    expect(partSizeFor(1)).toBe(8 * mebibyte);
    expect(partSizeFor(80_000 * mebibyte)).toBe(8 * mebibyte);
    expect(partSizeFor(80_000 * mebibyte + 1)).toBe(9 * mebibyte);
    for (const bound of [5 * 1024 ** 4, 5 * 1024 ** 4 - 1, 123_456_789_012]) {
      expect(Math.ceil(bound / partSizeFor(bound))).toBeLessThanOrEqual(10_000);
      expect(partSizeFor(bound) % mebibyte).toBe(0);
    }
  });
});

function overwrite(file: string, offset: number, text: string): void {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, text, offset);
  closeSync(descriptor);
}
