import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { openS3Store } from '../../src/storage/s3-store.ts';
import { UploadLimit } from '../../src/throttle/upload-limit.ts';
import { startVersitygw, type Versitygw } from '../storage/versitygw.ts';
import { accessRecords } from '../support/access-log.ts';

let server: Versitygw;
let store: ObjectStore;
const limit = new UploadLimit(undefined);

beforeAll(async () => {
  server = await startVersitygw();
  store = await openS3Store({
    ...{ name: 'local', endpoint: server.endpoint, region: server.region, bucket: 'paced-uploads' },
    ...{ forcePathStyle: true, credentialsFile: server.credentialsFile, jurisdiction: 'local', pace: limit },
  });
  await store.ensureBucket();
}, 60_000);
afterAll(async () => {
  store.close();
  await server.stop();
});

const lock = { mode: 'GOVERNANCE', days: 1 } as const;
const sha256 = (body: Buffer): Buffer => createHash('sha256').update(body).digest();
const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
};

test('a PUT, a part and a document together take no more than the limit, and arrive whole', async () => {
  limit.override = { rate: 400_000, until: null };
  const bodies = [200_000, 200_000, 100_000].map((size) => randomBytes(size)) as [Buffer, Buffer, Buffer];
  const { uploadId } = await store.createMultipart({ key: 'parts', lock });
  const took = await seconds(() =>
    Promise.all([
      store.put({ key: 'whole', body: bodies[0], sha256: sha256(bodies[0]), lock }),
      store.uploadPart({ key: 'parts', uploadId, partNumber: 1, body: bodies[1], sha256: sha256(bodies[1]) }),
      store.putSmallDocument({ key: 'document', body: bodies[2], lock }),
    ]),
  );
  // 500,000 bytes at 400,000 a second, less the quarter of a second that may have been saved up, and the last piece.
  expect(took).toBeGreaterThan(0.85);
  expect(took).toBeLessThan(10);
  const [version] = await store.versionsOf('whole');
  expect((await store.get({ key: 'whole', versionId: version?.versionId ?? '' })).equals(bodies[0])).toBe(
    true,
  );
});

test('an upload under way goes on faster once the limit is lifted', async () => {
  limit.override = { rate: 50_000, until: null };
  const body = randomBytes(2_000_000);
  const took = await seconds(async () => {
    const put = store.put({ key: 'lifted', body, sha256: sha256(body), lock });
    await sleep(500);
    limit.override = { rate: null, until: null };
    expect(await put).toMatchObject({ kind: 'stored' });
  });
  // 40 s at the rate it began with.
  expect(took).toBeLessThan(20);
});

test('a PUT that is asked for again while it is under way is sent once', async () => {
  limit.override = { rate: 200_000, until: null };
  const body = randomBytes(100_000);
  const put = () => store.put({ key: 'once', body, sha256: sha256(body), lock });
  const [first, second] = await Promise.all([put(), put()]);
  expect(first).toMatchObject({ kind: 'stored' });
  expect(second).toEqual({ kind: 'exists' });
  await expect
    .poll(() =>
      accessRecords(readFileSync(server.accessLog, 'utf8')).filter(({ uri }) => uri.includes('/once')),
    )
    .toHaveLength(1);
  expect(await put()).toMatchObject({ kind: 'exists' });
  limit.override = undefined;
});
