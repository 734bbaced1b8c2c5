import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RangeReader } from '../../src/storage/range-reader.ts';
import { makeS3Clients, type S3StoreOptions } from '../../src/storage/s3-client.ts';
import { openS3Store } from '../../src/storage/s3-store.ts';
import { ServerClock } from '../../src/storage/server-clock.ts';
import { type Reply, type ScriptedS3, scriptedS3 } from './scripted-s3.ts';
import { startVersitygw, type Versitygw } from './versitygw.ts';

const clock = new ServerClock({ wallMs: () => Date.now(), monotonicMs: () => performance.now() });
let server: Versitygw;
let options: S3StoreOptions;
let reader: RangeReader;

beforeAll(async () => {
  server = await startVersitygw();
  const { endpoint, region, credentialsFile } = server;
  const common = { name: 'real', bucket: 'ranges', forcePathStyle: true, jurisdiction: 'local' };
  options = { ...common, endpoint, region, credentialsFile };
  reader = (await makeS3Clients(options, clock)).rangeReader;
});
afterAll(() => server?.stop());

describe('a range read without the SDK', () => {
  test('is signed as a real server wants it, whatever the key holds', async () => {
    const store = await openS3Store(options);
    await store.ensureBucket();
    const body = Buffer.from('0123456789');
    const sha256 = createHash('sha256').update(body).digest();
    const lock = { mode: 'GOVERNANCE', days: 1 } as const;
    for (const key of ['plain', "a b+c/!(d)*'~e/é ü/%2F&=,;:@$.bin"]) {
      const put = await store.put({ key, body, sha256, lock });
      if (put.kind !== 'stored') throw new Error('not stored');
      const { versionId } = put;
      expect((await reader.read({ key, versionId }, { offset: 3, length: 4 }))?.toString()).toBe('3456');
      expect(await reader.read({ key, versionId }, { offset: 8, length: 4 })).toBeUndefined();
      expect(await reader.read({ key, versionId: 'none' }, { offset: 0, length: 1 })).toBeUndefined();
    }
    store.close();
  });

  test('goes where the SDK would go, and is not taken for an answer when it is none', async () => {
    let scripted: ScriptedS3 | undefined;
    try {
      const headers = { 'content-length': '5' };
      const replies: Reply[] = [
        { status: 206, headers, body: '01234' },
        { status: 500 },
        'cut',
        { status: 206, headers, cutAfter: '012' },
        { status: 206, headers, cutAfter: '012' },
        { status: 206, headers, body: '56789' },
      ];
      scripted = await scriptedS3((_, count) => replies[count - 1] ?? 'cut');
      const { store, seen } = scripted;
      const object = { key: 'objects/k', versionId: 'v/1', range: { offset: 10, length: 5 } };
      expect((await store.get(object)).toString()).toBe('01234');
      expect(seen).toHaveLength(1);
      expect(seen[0]?.line).toBe('GET /bucket/objects/k?versionId=v%2F1');
      expect(seen[0]?.headers).toMatchObject({ range: 'bytes=10-14' });
      expect(seen[0]?.headers.authorization).toMatch(
        /^AWS4-HMAC-SHA256 Credential=\w+\/\d{8}\/us-east-1\/s3\/aws4_request, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date(;x-amz-security-token)?, Signature=[0-9a-f]{64}$/,
      );
      await expect(store.get(object)).rejects.toMatchObject({ code: 's3_unavailable' });
      // What broke off is asked for again, whole.
      expect((await store.get(object)).toString()).toBe('56789');
    } finally {
      await scripted?.stop();
    }
  });
});
