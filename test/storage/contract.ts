import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Failure, type FailureCode } from '../../src/domain/failures.ts';
import type { Lock } from '../../src/domain/records.ts';
import { compositeSha256, lockFrom } from '../../src/storage/locks.ts';
import type { ObjectStore, Part, PutResult, VersionName } from '../../src/storage/object-store.ts';

/** One implementation under test, and what an outsider can do to its bucket. */
export interface Harness {
  /** A bucket with Object Lock, listing in pages of three. */
  readonly store: ObjectStore;
  plantDeleteMarker(key: string): Promise<void>;
  /** Bytes on top of a key, without lock or checksum; answers the version id. */
  plantVersion(key: string, body: Buffer): Promise<string>;
  /** Stores in the named condition. */
  open(condition: 'bucket_absent' | 'bucket_without_lock'): Promise<ObjectStore>;
  stop(): Promise<void>;
}

const day = { mode: 'GOVERNANCE', days: 1 } as const;
const compliance = { mode: 'COMPLIANCE', days: 1 } as const;
const dayMs = 86_400_000;
const fiveMiB = 5 * 1024 * 1024;

export function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

export async function failureOf(run: Promise<unknown>): Promise<FailureCode> {
  const error = await run.then(
    (value) => new Error(`no failure but ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Failure)) throw error;
  return error.code;
}

/** What every object store promises; see src/storage/object-store.ts. */
export function objectStoreContract(label: string, start: () => Promise<Harness>): void {
  describe(label, () => {
    let harness: Harness;
    let store: ObjectStore;

    beforeAll(async () => {
      harness = await start();
      store = harness.store;
    });
    afterAll(() => harness?.stop());

    let lastKey = 0;
    const newKey = (folder = 'objects') => {
      lastKey += 1;
      return `contract/${folder}/${String(lastKey).padStart(6, '0')}`;
    };
    const store1 = async (
      key: string,
      body = randomBytes(100),
      lock: Parameters<ObjectStore['put']>[0]['lock'] = day,
    ) => {
      const result = await store.put({ key, body, sha256: sha256(body), lock });
      return { body, ...stored(result), key };
    };

    describe('bucket', () => {
      test('states what it is', async () => {
        const facts = await store.facts();
        expect(facts).toMatchObject({ versioning: true, objectLock: true, tls: false, loopback: true });
        expect(facts.defaultRetention).toBeUndefined();
        expect(Math.abs(facts.clockSkewMs)).toBeLessThan(5_000);
      });

      test('is made with Object Lock when it is missing, and kept when present', async () => {
        const fresh = await harness.open('bucket_absent');
        expect(await failureOf(fresh.facts())).toBe('bucket_missing');
        const body = Buffer.from('too early');
        expect(await failureOf(fresh.put({ key: 'k', body, sha256: sha256(body), lock: day }))).toBe(
          'bucket_missing',
        );
        expect(await failureOf(fresh.head({ key: 'k', versionId: 'v' }))).toBe('bucket_missing');
        expect(await fresh.ensureBucket()).toBe('made');
        expect(await fresh.ensureBucket()).toBe('present');
        expect(await fresh.facts()).toMatchObject({ versioning: true, objectLock: true });
        fresh.close();
      });

      test('without Object Lock is refused', async () => {
        const unlocked = await harness.open('bucket_without_lock');
        expect(await failureOf(unlocked.ensureBucket())).toBe('bucket_without_lock');
        expect((await unlocked.facts()).objectLock).toBe(false);
        unlocked.close();
      });
    });

    describe('put', () => {
      test('stores the bytes under a lock counted from the server’s clock, and reads all of it back', async () => {
        const key = newKey();
        const body = randomBytes(8_000);
        const { serverTime } = await store.facts();
        const result = stored(
          await store.put({ key, body, sha256: sha256(body), lock: { ...day, days: 3 } }),
        );
        const shouldBe = serverTime.getTime() + 3 * dayMs;
        expect(Math.abs(result.lock.retainUntil.getTime() - shouldBe)).toBeLessThan(10_000);
        expect(result.lock.retainUntil.getMilliseconds()).toBe(0);
        expect(await store.head({ key, versionId: result.versionId })).toEqual({
          lengthBytes: 8_000,
          checksum: { kind: 'whole', sha256: sha256(body) },
          lock: result.lock,
          legalHold: false,
        });
        expect(await store.get({ key, versionId: result.versionId })).toEqual(body);
      });

      test('stores an empty object', async () => {
        const { key, versionId } = await store1(newKey(), Buffer.alloc(0));
        expect(await store.head({ key, versionId })).toMatchObject({ lengthBytes: 0 });
        expect(await store.get({ key, versionId })).toHaveLength(0);
      });

      test('never overwrites: the second is told so and leaves no version', async () => {
        const { key, versionId } = await store1(newKey());
        const other = Buffer.from('other');
        expect(await store.put({ key, body: other, sha256: sha256(other), lock: day })).toEqual({
          kind: 'exists',
        });
        expect((await store.versionsOf(key)).map((version) => version.versionId)).toEqual([versionId]);
      });

      test('adds a version on top where it is told to, and leaves the one below', async () => {
        const { key, versionId, body } = await store1(newKey());
        const other = Buffer.from('other');
        const result = stored(
          await store.put({ key, body: other, sha256: sha256(other), lock: day, onTop: true }),
        );
        expect((await store.versionsOf(key)).map((version) => version.versionId)).toEqual([
          result.versionId,
          versionId,
        ]);
        expect(await store.get({ key, versionId })).toEqual(body);
        expect(await store.get({ key, versionId: result.versionId })).toEqual(other);
      });

      test('of one key eight times at once stores exactly one version', async () => {
        const key = newKey();
        const body = randomBytes(2_000);
        const results = await Promise.all(
          Array.from({ length: 8 }, () => store.put({ key, body, sha256: sha256(body), lock: day })),
        );
        expect(results.filter((result) => result.kind === 'stored')).toHaveLength(1);
        expect(await store.versionsOf(key)).toHaveLength(1);
      });

      test('of bytes that do not have the stated SHA-256 is refused and leaves nothing', async () => {
        const key = newKey();
        const body = Buffer.from('right');
        const wrong = store.put({ key, body, sha256: sha256(Buffer.from('wrong')), lock: day });
        expect(await failureOf(wrong)).toBe('s3_corrupt');
        expect(await store.versionsOf(key)).toEqual([]);
      });
    });

    describe('small documents', () => {
      test('are stored locked, checksummed and once', async () => {
        const key = newKey('keys');
        const body = Buffer.from('{"v":1}');
        const result = stored(await store.putSmallDocument({ key, body, lock: compliance }));
        expect(await store.head({ key, versionId: result.versionId })).toEqual({
          lengthBytes: body.length,
          checksum: { kind: 'whole', sha256: sha256(body) },
          lock: result.lock,
          legalHold: false,
        });
        expect(await store.putSmallDocument({ key, body, lock: compliance })).toEqual({ kind: 'exists' });
        expect(await store.get({ key, versionId: result.versionId })).toEqual(body);
      });

      test('above one part are locked and checksummed as well', async () => {
        const key = newKey('manifests');
        const body = randomBytes(fiveMiB + 17);
        const result = stored(await store.putSmallDocument({ key, body, lock: day }));
        const facts = await store.head({ key, versionId: result.versionId });
        expect(facts).toMatchObject({ lengthBytes: body.length, lock: result.lock });
        expect(facts?.checksum).toBeDefined();
        expect(await store.putSmallDocument({ key, body, lock: day })).toEqual({ kind: 'exists' });
        expect(await store.versionsOf(key)).toHaveLength(1);
        expect(await collect(store.listMultiparts(key))).toEqual([]);
        expect((await store.get({ key, versionId: result.versionId })).equals(body)).toBe(true);
      });
    });

    describe('multipart', () => {
      const bodies = [randomBytes(fiveMiB), randomBytes(fiveMiB), randomBytes(1_000)] as const;
      const send = (key: string, uploadId: string, partNumber: number) => {
        const body = bodies[partNumber - 1] as Buffer;
        return store.uploadPart({ key, uploadId, partNumber, body, sha256: sha256(body) });
      };

      test('resumes from what the server lists, and ends as one locked version', async () => {
        const key = newKey('multipart');
        const { uploadId, lock } = await store.createMultipart({ key, lock: compliance });
        await send(key, uploadId, 2);
        await send(key, uploadId, 1);

        const before = (await store.listParts({ key, uploadId })) ?? [];
        expect(
          before.map(({ partNumber, lengthBytes, sha256: hash }) => [partNumber, lengthBytes, hash]),
        ).toEqual([
          [1, fiveMiB, sha256(bodies[0])],
          [2, fiveMiB, sha256(bodies[1])],
        ]);
        await send(key, uploadId, 3);
        const parts = (await store.listParts({ key, uploadId })) ?? [];
        expect(parts).toHaveLength(3);

        const result = await store.completeMultipart({ key, uploadId, parts });
        if (result.kind !== 'stored') throw new Error(result.kind);
        const { versionId } = result;
        expect(await store.head({ key, versionId })).toEqual({
          lengthBytes: 2 * fiveMiB + 1_000,
          checksum: { kind: 'composite', sha256: compositeSha256(parts) },
          lock,
          legalHold: false,
        });
        expect((await store.get({ key, versionId })).equals(Buffer.concat(bodies))).toBe(true);
        expect(await store.listParts({ key, uploadId })).toBeUndefined();
        expect(await collect(store.listMultiparts(key))).toEqual([]);
      });

      test('lists more parts than one page holds', async () => {
        const key = newKey('multipart');
        const { uploadId } = await store.createMultipart({ key, lock: day });
        const body = Buffer.from('small');
        for (let partNumber = 1; partNumber <= 7; partNumber += 1) {
          await store.uploadPart({ key, uploadId, partNumber, body, sha256: sha256(body) });
        }
        const parts = (await store.listParts({ key, uploadId })) ?? [];
        expect(parts.map((part) => part.partNumber)).toEqual([1, 2, 3, 4, 5, 6, 7]);
        await store.abortMultipart({ key, uploadId });
      });

      test('completed a second time is told that the upload is gone, and there is one version', async () => {
        const { key, uploadId, parts } = await readyUpload();
        expect(await store.completeMultipart({ key, uploadId, parts })).toMatchObject({ kind: 'stored' });
        const again = await store.completeMultipart({ key, uploadId, parts });
        expect(['exists', 'upload_gone']).toContain(again.kind);
        expect(await store.versionsOf(key)).toHaveLength(1);
      });

      test('with a part that is not what was sent is refused and can still be completed', async () => {
        const { key, uploadId, parts } = await readyUpload();
        const otherEtag = parts.map((part) => ({ ...part, etag: '"00000000000000000000000000000000"' }));
        const otherParts = store.completeMultipart({ key, uploadId, parts: otherEtag });
        expect(await failureOf(otherParts)).toBe('s3_corrupt');
        expect(await store.completeMultipart({ key, uploadId, parts })).toMatchObject({ kind: 'stored' });
      });

      test('onto a key that is taken by then is refused', async () => {
        const { key, uploadId, parts } = await readyUpload();
        const { versionId } = await store1(key);
        expect(await store.completeMultipart({ key, uploadId, parts })).toEqual({ kind: 'exists' });
        expect((await store.versionsOf(key)).map((version) => version.versionId)).toEqual([versionId]);
        await store.abortMultipart({ key, uploadId });
      });

      test('refuses a part without the stated SHA-256 and does not list it', async () => {
        const key = newKey('multipart');
        const { uploadId } = await store.createMultipart({ key, lock: day });
        const wrong = {
          key,
          uploadId,
          partNumber: 1,
          body: Buffer.from('right'),
          sha256: sha256(Buffer.from('wrong')),
        };
        expect(await failureOf(store.uploadPart(wrong))).toBe('s3_corrupt');
        expect(await store.listParts({ key, uploadId })).toEqual([]);
        await store.abortMultipart({ key, uploadId });
      });

      test('that was aborted takes no parts, lists none, and can be aborted again', async () => {
        const key = newKey('multipart');
        const { uploadId } = await store.createMultipart({ key, lock: day });
        await store.abortMultipart({ key, uploadId });
        await store.abortMultipart({ key, uploadId });
        expect(await failureOf(send(key, uploadId, 3))).toBe('upload_missing');
        expect(await store.listParts({ key, uploadId })).toBeUndefined();
        expect(await store.completeMultipart({ key, uploadId, parts: [aPart] })).toEqual({
          kind: 'upload_gone',
        });
      });

      test('lists open uploads below a prefix over several pages', async () => {
        const uploads = [];
        for (let count = 0; count < 4; count += 1) {
          const key = newKey('open');
          uploads.push({ key, ...(await store.createMultipart({ key, lock: day })) });
        }
        uploads.push({
          ...(await store.createMultipart({ key: uploads[0]?.key ?? '', lock: day })),
          key: uploads[0]?.key ?? '',
        });
        const elsewhere = await store.createMultipart({ key: newKey('other'), lock: day });
        const listed = await collect(store.listMultiparts('contract/open/'));
        expect(listed.map((upload) => upload.uploadId).sort()).toEqual(
          uploads.map((upload) => upload.uploadId).sort(),
        );
        expect(listed.map((upload) => upload.uploadId)).not.toContain(elsewhere.uploadId);
        expect(listed[0]?.initiatedAt).toBeInstanceOf(Date);
      });

      const aPart: Part = { partNumber: 1, etag: '"x"', sha256: sha256(Buffer.alloc(0)), lengthBytes: 0 };

      async function readyUpload() {
        const key = newKey('multipart');
        const { uploadId } = await store.createMultipart({ key, lock: day });
        await send(key, uploadId, 3);
        return { key, uploadId, parts: (await store.listParts({ key, uploadId })) ?? [] };
      }
    });

    describe('version ids', () => {
      test('name our object behind a delete marker and behind newer bytes', async () => {
        const { key, versionId, body, lock } = await store1(newKey());
        await harness.plantVersion(key, Buffer.from('planted'));
        await harness.plantDeleteMarker(key);
        expect(await store.get({ key, versionId })).toEqual(body);
        expect(await store.head({ key, versionId })).toMatchObject({ lock, lengthBytes: body.length });
        const versions = await store.versionsOf(key);
        expect(versions.map(({ isDeleteMarker, lengthBytes }) => ({ isDeleteMarker, lengthBytes }))).toEqual([
          { isDeleteMarker: true, lengthBytes: 0 },
          { isDeleteMarker: false, lengthBytes: 'planted'.length },
          { isDeleteMarker: false, lengthBytes: body.length },
        ]);
        expect(versions[2]?.versionId).toBe(versionId);
      });

      test('tell a planted object from ours: it has neither lock nor checksum of ours', async () => {
        const key = newKey();
        const versionId = await harness.plantVersion(key, Buffer.from('planted'));
        const facts = await store.head({ key, versionId });
        expect(facts?.lengthBytes).toBe('planted'.length);
        expect(facts?.lock).toBeUndefined();
        expect(facts?.legalHold).toBe(false);
        expect(facts?.checksum?.sha256).not.toEqual(sha256(Buffer.from('ours')));
      });

      test('nobody stored have no facts and no bytes', async () => {
        const { key, versionId } = await store1(newKey());
        const other = await store1(newKey());
        await harness.plantDeleteMarker(key);
        const marker = (await store.versionsOf(key))[0]?.versionId ?? '';
        for (const missing of [
          { key: newKey(), versionId },
          { key, versionId: other.versionId },
          { key, versionId: 'no-such-version' },
          { key, versionId: marker },
        ]) {
          expect(await store.head(missing)).toBeUndefined();
          expect(await failureOf(store.get(missing))).toBe('object_missing');
          expect(await failureOf(store.extendLock({ ...missing, lock: lockFrom(new Date(), day) }))).toBe(
            'object_missing',
          );
        }
        expect(await store.versionsOf(newKey())).toEqual([]);
      });

      test('of a longer key with the same beginning are not this key’s', async () => {
        const { key, versionId } = await store1(newKey());
        await store1(`${key}-longer`);
        expect((await store.versionsOf(key)).map((version) => version.versionId)).toEqual([versionId]);
      });

      test('are all listed over several pages, by key, newest first, markers included', async () => {
        const expected: VersionName[] = [];
        for (let count = 0; count < 4; count += 1) {
          const { key, versionId } = await store1(newKey('listed'));
          const planted = await harness.plantVersion(key, Buffer.from('planted'));
          await harness.plantDeleteMarker(key);
          const marker = (await store.versionsOf(key))[0]?.versionId ?? '';
          expected.push({ key, versionId: marker }, { key, versionId: planted }, { key, versionId });
        }
        const listed = await collect(store.listVersions('contract/listed/'));
        expect(listed.map(({ key, versionId }) => ({ key, versionId }))).toEqual(expected);
      });
    });

    describe('reading', () => {
      test('gives exactly the range', async () => {
        const { key, versionId, body } = await store1(newKey(), randomBytes(1_000));
        for (const [offset, length] of [
          [0, 1],
          [10, 100],
          [999, 1],
          [0, 1_000],
          [5, 0],
        ] as const) {
          expect(await store.get({ key, versionId, range: { offset, length } })).toEqual(
            body.subarray(offset, offset + length),
          );
        }
      });

      test('past the end fails instead of giving less', async () => {
        const { key, versionId } = await store1(newKey(), randomBytes(1_000));
        expect(await failureOf(store.get({ key, versionId, range: { offset: 990, length: 20 } }))).toBe(
          's3_corrupt',
        );
        expect(await failureOf(store.get({ key, versionId, range: { offset: 2_000, length: 20 } }))).toBe(
          's3_corrupt',
        );
      });

      test('streams the same bytes, whole and by range', async () => {
        const { key, versionId, body } = await store1(newKey(), randomBytes(300_000));
        expect(Buffer.concat(await collect(await store.getStream({ key, versionId }))).equals(body)).toBe(
          true,
        );
        const range = { offset: 70_000, length: 200_000 };
        const ranged = Buffer.concat(await collect(await store.getStream({ key, versionId, range })));
        expect(ranged.equals(body.subarray(70_000, 270_000))).toBe(true);
      });

      test('can stop in the middle of a stream', async () => {
        const { key, versionId, body } = await store1(newKey(), randomBytes(3_000_000));
        for await (const piece of await store.getStream({ key, versionId })) {
          expect(piece.equals(body.subarray(0, piece.length))).toBe(true);
          break;
        }
        expect(await store.head({ key, versionId })).toBeDefined();
      });
    });

    describe('locks', () => {
      const plus = (lock: Lock, ms: number): Lock => ({
        ...lock,
        retainUntil: new Date(lock.retainUntil.getTime() + ms),
      });

      test.each([day, compliance])('in $mode are extended and read back', async (kind) => {
        const { key, versionId, lock } = await store1(newKey(), undefined, kind);
        const longer = plus(lock, 5 * dayMs);
        expect(await store.extendLock({ key, versionId, lock: longer })).toEqual(longer);
        expect((await store.head({ key, versionId }))?.lock).toEqual(longer);
      });

      test('are never shortened', async () => {
        const { key, versionId, lock } = await store1(newKey(), undefined, { ...day, days: 10 });
        expect(await store.extendLock({ key, versionId, lock: plus(lock, -5 * dayMs) })).toEqual(lock);
        expect((await store.head({ key, versionId }))?.lock).toEqual(lock);
      });

      test('are never weakened: COMPLIANCE stays, and still grows', async () => {
        const { key, versionId, lock } = await store1(newKey(), undefined, compliance);
        const longer = plus(lock, 5 * dayMs);
        const asked = { mode: 'GOVERNANCE', retainUntil: longer.retainUntil } as const;
        expect(await store.extendLock({ key, versionId, lock: asked })).toEqual(longer);
        expect((await store.head({ key, versionId }))?.lock).toEqual(longer);
      });

      test('that would gain less than an hour are left alone', async () => {
        const { key, versionId, lock } = await store1(newKey());
        expect(await store.extendLock({ key, versionId, lock: plus(lock, 3_599_000) })).toEqual(lock);
        const longer = plus(lock, 3_600_000);
        expect(await store.extendLock({ key, versionId, lock: longer })).toEqual(longer);
      });

      test('in GOVERNANCE do not become COMPLIANCE, and it says so', async () => {
        const { key, versionId, lock } = await store1(newKey());
        const stronger = { ...plus(lock, 5 * dayMs), mode: 'COMPLIANCE' } as const;
        expect(await failureOf(store.extendLock({ key, versionId, lock: stronger }))).toBe('lock_refused');
        expect((await store.head({ key, versionId }))?.lock).toEqual(lock);
      });

      test('can be given to an object that has none', async () => {
        const key = newKey();
        const versionId = await harness.plantVersion(key, Buffer.from('adopted'));
        const lock = await store.lockUntil(day);
        expect(await store.extendLock({ key, versionId, lock })).toEqual(lock);
        expect(await store.deleteVersion({ key, versionId })).toBe('refused');
      });

      test('asked for twice at once end at the longer one', async () => {
        const { key, versionId, lock } = await store1(newKey());
        const [short, long] = [plus(lock, 2 * dayMs), plus(lock, 9 * dayMs)];
        await Promise.all(
          [long, short, long, short].map((wanted) => store.extendLock({ key, versionId, lock: wanted })),
        );
        expect((await store.head({ key, versionId }))?.lock).toEqual(long);
      });

      test.each([day, compliance])('in $mode refuse deletion of their version', async (kind) => {
        const { key, versionId, body } = await store1(newKey(), undefined, kind);
        expect(await store.deleteVersion({ key, versionId })).toBe('refused');
        expect(await store.get({ key, versionId })).toEqual(body);
      });
    });

    describe('deleting', () => {
      test('takes exactly the version named, also twice', async () => {
        const { key, versionId: ours } = await store1(newKey());
        const planted = await harness.plantVersion(key, Buffer.from('planted'));
        expect(await store.deleteVersion({ key, versionId: planted })).toBe('deleted');
        expect(await store.deleteVersion({ key, versionId: planted })).toBe('deleted');
        expect((await store.versionsOf(key)).map((version) => version.versionId)).toEqual([ours]);
      });

      test('a legal hold keeps a version that no lock keeps, until it is taken off', async () => {
        const key = newKey();
        const versionId = await harness.plantVersion(key, Buffer.from('evidence'));
        expect(await store.setLegalHold({ key, versionId, isHeld: true })).toBe('set');
        expect(await store.setLegalHold({ key, versionId, isHeld: true })).toBe('set');
        expect(await store.head({ key, versionId })).toMatchObject({ legalHold: true });
        expect(await store.deleteVersion({ key, versionId })).toBe('refused');
        expect(await store.setLegalHold({ key, versionId, isHeld: false })).toBe('set');
        expect(await store.head({ key, versionId })).toMatchObject({ legalHold: false });
        expect(await store.deleteVersion({ key, versionId })).toBe('deleted');
        const gone = { key, versionId, isHeld: true };
        expect(await failureOf(store.setLegalHold(gone))).toBe('object_missing');
      });

      test('a legal hold leaves the lock as it is', async () => {
        const { key, versionId, lock } = await store1(newKey());
        await store.setLegalHold({ key, versionId, isHeld: true });
        await store.setLegalHold({ key, versionId, isHeld: false });
        expect(await store.head({ key, versionId })).toMatchObject({ lock, legalHold: false });
        expect(await store.deleteVersion({ key, versionId })).toBe('refused');
      });
    });
  });
}

function stored(result: PutResult): { versionId: string; lock: Lock } {
  if (result.kind !== 'stored') throw new Error(result.kind);
  return result;
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
