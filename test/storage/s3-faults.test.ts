import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { refusalOf } from '../../src/audit/refusals.ts';
import { isLoopback } from '../../src/storage/s3-bucket.ts';
import type { S3StoreOptions } from '../../src/storage/s3-client.ts';
import { translateS3Error } from '../../src/storage/s3-errors.ts';
import { openS3Store } from '../../src/storage/s3-store.ts';
import { failureOf, sha256 } from './contract.ts';
import { type Reply, type ScriptedS3, type SeenRequest, scriptedS3 } from './scripted-s3.ts';
import { freePort, startVersitygw, type Versitygw } from './versitygw.ts';

const body = Buffer.from('sealed bytes');
const lock = { mode: 'COMPLIANCE', days: 2 } as const;
const object = { key: 'objects/k', body, sha256: sha256(body), lock };
const version = { key: 'objects/k', versionId: 'v1' };
const part = { partNumber: 1, etag: '"e"', sha256: sha256(body), lengthBytes: body.length };
const stored: Reply = { status: 200, headers: { 'x-amz-version-id': 'v1' } };

let scripted: ScriptedS3 | undefined;
afterEach(async () => {
  await scripted?.stop();
  scripted = undefined;
});

/** A server that knows its bucket and answers everything else as told. */
async function answering(
  reply: Reply | ((request: SeenRequest, count: number) => Reply),
  options: Partial<S3StoreOptions> = {},
): Promise<ScriptedS3> {
  let asked = 0;
  scripted = await scriptedS3((request) => {
    if (!isNotHeadBucket(request)) return { status: 200 };
    asked += 1;
    return typeof reply === 'function' ? reply(request, asked) : reply;
  }, options);
  return scripted;
}

const isNotHeadBucket = (request: SeenRequest) => !/^HEAD \/bucket\/?(\?|$)/.test(request.line);

describe('what goes over the wire', () => {
  test('a PUT asks for its own lock and the stated checksum, and overwrites nothing', async () => {
    const { store, seen } = await answering(stored);
    // Stated wrong, to see that it is stated and not computed a second time.
    const stated = sha256(Buffer.from('other bytes'));
    await store.put({ ...object, sha256: stated });
    const [request] = seen.filter(isNotHeadBucket);
    expect(request?.line).toMatch(/^PUT \/bucket\/objects\/k/);
    expect(request?.headers).toMatchObject({
      'if-none-match': '*',
      'x-amz-object-lock-mode': 'COMPLIANCE',
      'x-amz-checksum-sha256': stated.toString('base64'),
      'x-amz-content-sha256': stated.toString('hex'),
      'content-length': String(body.length),
    });
    expect(request?.headers).toHaveProperty('x-amz-object-lock-retain-until-date');
    expect(Object.keys(request?.headers ?? {}).join()).not.toMatch(/crc|expect|trailer|transfer-encoding/);
  });

  test('delete markers and versions of one second are listed with the latest first', async () => {
    const row = (kind: string, id: string, latest: boolean) =>
      `<${kind}><Key>k</Key><VersionId>${id}</VersionId><IsLatest>${latest}</IsLatest>` +
      `<LastModified>2030-01-01T00:00:00.000Z</LastModified></${kind}>`;
    const rows = row('Version', 'v', false) + row('DeleteMarker', 'm', true);
    const { store } = await answering({
      status: 200,
      body: `<ListVersionsResult>${rows}</ListVersionsResult>`,
    });
    expect((await store.versionsOf('k')).map((version) => version.versionId)).toEqual(['m', 'v']);
  });

  test('retain-until counts from the server’s clock, not ours', async () => {
    const serverNow = new Date(Date.now() + 40 * 86_400_000);
    scripted = await scriptedS3((request) => ({
      status: 200,
      headers: {
        date: serverNow.toUTCString(),
        ...(isNotHeadBucket(request) ? { 'x-amz-version-id': 'v1' } : {}),
      },
    }));
    const result = await scripted.store.put(object);
    const retainUntil = Date.parse(
      String(scripted.seen.find(isNotHeadBucket)?.headers['x-amz-object-lock-retain-until-date']),
    );
    const shouldBe = serverNow.getTime() + 2 * 86_400_000;
    expect(retainUntil).toBeGreaterThanOrEqual(Math.floor(shouldBe / 1000) * 1000);
    expect(retainUntil).toBeLessThan(shouldBe + 5_000);
    expect(result).toMatchObject({ lock: { retainUntil: new Date(retainUntil) } });
  });

  test('deleting never asks to bypass a governance lock', async () => {
    const { store, seen } = await answering({ status: 204 });
    expect(await store.deleteVersion(version)).toBe('deleted');
    expect(seen[0]?.line).toContain('versionId=v1');
    expect(Object.keys(seen[0]?.headers ?? {}).join()).not.toContain('bypass');
  });
});

describe('answers that are not the expected ones', () => {
  test.each([
    [503, 'SlowDown', 's3_unavailable'],
    [500, 'InternalError', 's3_unavailable'],
    [502, undefined, 's3_unavailable'],
    [429, 'TooManyRequests', 's3_unavailable'],
    [409, 'ConditionalRequestConflict', 's3_unavailable'],
    [400, 'RequestTimeout', 's3_unavailable'],
    [400, 'BadDigest', 's3_corrupt'],
    [400, 'XAmzContentSHA256Mismatch', 's3_corrupt'],
    [403, 'AccessDenied', 's3_denied'],
    [403, 'SignatureDoesNotMatch', 's3_denied'],
    [400, 'ExpiredToken', 's3_denied'],
    [404, 'NoSuchBucket', 'bucket_missing'],
    [301, 'PermanentRedirect', 's3_wrong_region'],
    [400, 'AuthorizationHeaderMalformed', 's3_wrong_region'],
  ] as const)('%d %s is one request and the failure %s', async (status, code, failure) => {
    const { store, seen } = await answering({ status, ...(code ? { code } : {}) });
    const thrown = await store.put(object).catch((error) => error);
    expect(thrown).toMatchObject({ code: failure });
    expect(`${thrown.message} ${JSON.stringify(thrown.facts)}`).not.toContain('objects/k');
    expect(seen.filter(isNotHeadBucket)).toHaveLength(1);
  });

  test('whoever opened it is told of each request that failed', async () => {
    const told: unknown[] = [];
    const options = { onFailure: (error: unknown) => told.push(error) };
    const { store } = await answering({ status: 403, code: 'AccessDenied' }, options);
    const thrown = await store.put(object).catch((error) => error);
    expect(told).toEqual([thrown]);
    expect(refusalOf(told[0])).toEqual({ what: 's3_denied', destination: 'scripted' });
  });

  test('why the bucket itself cannot be seen is asked where the answer can say it', async () => {
    scripted = await scriptedS3(({ line }) =>
      line.startsWith('HEAD') ? { status: 400 } : { status: 400, code: 'ExpiredToken' },
    );
    expect(await failureOf(scripted.store.facts())).toBe('s3_denied');
  });

  test('what has no row stays what it is', async () => {
    const { store } = await answering({ status: 400, code: 'MalformedXML' });
    await expect(store.put(object)).rejects.toMatchObject({ name: 'MalformedXML' });
  });

  test('a PUT answered without a version id is not safe', async () => {
    const { store } = await answering({ status: 200 });
    expect(await failureOf(store.put(object))).toBe('bucket_without_lock');
  });

  test('a conflict on Complete means all parts again', async () => {
    const { store } = await answering({ status: 409, code: 'ConditionalRequestConflict' });
    expect(await store.completeMultipart({ key: 'k', uploadId: 'u', parts: [part] })).toEqual({
      kind: 'conflict',
    });
  });

  test('an error inside a Complete answered 200 is an error', async () => {
    const { store } = await answering({ status: 200, code: 'InternalError' });
    const complete = store.completeMultipart({ key: 'k', uploadId: 'u', parts: [part] });
    expect(await failureOf(complete)).toBe('s3_unavailable');
  });

  test('a lock that may not be seen is not a missing lock', async () => {
    const { store } = await answering(({ line }) =>
      line.startsWith('HEAD')
        ? { status: 200, headers: { 'content-length': '12' } }
        : { status: 403, code: 'AccessDenied' },
    );
    expect(await failureOf(store.head(version))).toBe('s3_denied');
  });

  test('an object that may not be seen is not a missing object', async () => {
    const { store } = await answering(({ line }) =>
      line.startsWith('HEAD') ? { status: 403 } : { status: 403, code: 'AccessDenied' },
    );
    expect(await failureOf(store.head(version))).toBe('s3_denied');
  });

  test('a deletion refused for the credentials is a failure, not a lock', async () => {
    const { store } = await answering({ status: 403, code: 'InvalidAccessKeyId' });
    expect(await failureOf(store.deleteVersion(version))).toBe('s3_denied');
  });

  test('a range answered with the whole object is not taken for the range', async () => {
    const { store } = await answering({ status: 200, body: 'much more than asked' });
    expect(await failureOf(store.get({ ...version, range: { offset: 2, length: 3 } }))).toBe('s3_corrupt');
  });

  test('a listing that stands still ends', async () => {
    const page =
      '<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker></ListPartsResult>';
    const { store } = await answering({ status: 200, body: page });
    expect(await failureOf(store.listParts({ key: 'k', uploadId: 'u' }))).toBe('s3_unavailable');
  });
});

describe('connections that fail', () => {
  const hasty = { idleTimeoutMs: 300 };

  test('nobody listens', async () => {
    const { store } = await answering(stored, { endpoint: `http://127.0.0.1:${await freePort()}` });
    expect(await failureOf(store.facts())).toBe('s3_unavailable');
    expect(await failureOf(store.put(object))).toBe('s3_unavailable');
  });

  test('a host name nobody knows', async () => {
    const { store } = await answering(stored, { endpoint: 'http://nowhere.invalid' });
    expect(await failureOf(store.put(object))).toBe('s3_unavailable');
  });

  test('a server that takes the request and says nothing', async () => {
    const { store } = await answering('hang', hasty);
    await expect(store.put(object)).rejects.toMatchObject({
      code: 's3_unavailable',
      facts: { reason: 'timeout' },
    });
  });

  test('a server that stops in the middle of an object', async () => {
    const { store } = await answering(
      { status: 200, headers: { 'content-length': '100' }, stallAfter: 'part' },
      hasty,
    );
    expect(await failureOf(store.get(version))).toBe('s3_unavailable');
  });

  test('a connection cut in the middle of an object', async () => {
    const { store } = await answering({
      status: 200,
      headers: { 'content-length': '100' },
      cutAfter: 'part',
    });
    expect(await failureOf(store.get(version))).toBe('s3_unavailable');
  });

  test('a kept connection the server has closed is tried once more, a second time is a failure', async () => {
    const once = await answering((_, count) => (count === 1 ? 'cut' : stored));
    expect(await once.store.put(object)).toMatchObject({ kind: 'stored' });
    await once.stop();
    const always = await answering('cut');
    expect(await failureOf(always.store.put(object))).toBe('s3_unavailable');
    expect(always.seen.filter(isNotHeadBucket)).toHaveLength(2);
  });

  test('beginning a multipart is never tried twice: the first may have begun one', async () => {
    const { store, seen } = await answering('cut');
    expect(await failureOf(store.createMultipart({ key: 'k', lock }))).toBe('s3_unavailable');
    expect(seen.filter(isNotHeadBucket)).toHaveLength(1);
  });

  test('two hundred requests run at once: none waits for a socket, which would count as a timeout', async () => {
    let arrived = 0;
    let release = () => {};
    const allArrived = new Promise<void>((resolve) => {
      release = resolve;
    });
    scripted = await scriptedS3(
      async (request) => {
        if (!isNotHeadBucket(request)) return { status: 200 };
        arrived += 1;
        if (arrived === 200) release();
        await allArrived;
        return stored;
      },
      { idleTimeoutMs: 3_000 },
    );
    const { store } = scripted;
    await store.lockUntil(lock);
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, index) => store.put({ ...object, key: `${object.key}-${index}` })),
    );
    expect(results.every((result) => result.kind === 'stored')).toBe(true);
  });
});

test('credentials that cannot be found are s3_denied, and no file name is kept', () => {
  const error = Object.assign(new Error('Could not load /home/someone/.aws'), {
    name: 'CredentialsProviderError',
  });
  const failure = translateS3Error(error, { destination: 'd', bucket: 'b', region: 'r' });
  expect(failure).toMatchObject({ code: 's3_denied' });
  expect(`${failure} ${(failure as Error).cause}`).not.toContain('/home');
});

test('a credentials file that is missing is s3_denied at the first request', async () => {
  const { store } = await answering(stored, { credentialsFile: '/nonexistent/credentials' });
  await expect(store.put(object)).rejects.toMatchObject({
    code: 's3_denied',
    facts: { destination: 'scripted', reason: 'credentials file: ENOENT' },
  });
});

test.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['[::1]', true],
  ['[::ffff:7f00:1]', true],
  ['128.0.0.1', false],
  ['localhost.example.org', false],
  ['127.0.0.1.example.org', false],
  ['s3.eu-central-1.amazonaws.com', false],
])('%s is this machine: %s', (hostname, expected) => {
  expect(isLoopback(hostname)).toBe(expected);
});

describe('versitygw', () => {
  let server: Versitygw;
  let folder: string;
  const openssl = promisify(execFile);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-tls-'));
    await openssl('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')],
      ...['-subj', '/CN=holdfast test', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ]);
    server = await startVersitygw({ cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') });
  });
  afterAll(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const options = (changes: Partial<S3StoreOptions> = {}): S3StoreOptions => ({
    name: 'tls',
    endpoint: server.endpoint,
    region: server.region,
    bucket: 'tls-bucket',
    forcePathStyle: true,
    credentialsFile: server.credentialsFile,
    caFile: join(folder, 'cert.pem'),
    jurisdiction: 'local',
    ...changes,
  });

  test('over TLS is trusted by its own CA only', async () => {
    const trusting = await openS3Store(options());
    expect(await trusting.ensureBucket()).toBe('made');
    expect(await trusting.facts()).toMatchObject({ tls: true, loopback: true, jurisdiction: 'local' });
    expect(await trusting.put(object)).toMatchObject({ kind: 'stored' });
    trusting.close();
    const { caFile: _, ...withoutCa } = options();
    const strict = await openS3Store(withoutCa);
    await expect(strict.facts()).rejects.toMatchObject({
      code: 's3_unavailable',
      facts: { reason: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    });
  });

  test('a CA file that cannot be read is said at once, without its path', async () => {
    const failure = await openS3Store(options({ caFile: join(folder, 'missing.pem') })).catch(
      (error) => error,
    );
    expect(failure).toMatchObject({ code: 's3_ca_unreadable' });
    expect(`${failure.message} ${failure.cause}`).not.toContain('missing.pem');
  });

  test('refuses wrong credentials', async () => {
    const wrongSecret = join(folder, 'wrong-secret');
    await writeFile(
      wrongSecret,
      `[default]\naws_access_key_id=${server.accessKeyId}\naws_secret_access_key=wrong\n`,
    );
    const store = await openS3Store(options({ credentialsFile: wrongSecret }));
    expect(await failureOf(store.facts())).toBe('s3_denied');
    expect(await failureOf(store.put(object))).toBe('s3_denied');
    expect(await failureOf(store.head(version))).toBe('s3_denied');
    expect(await failureOf(store.deleteVersion(version))).toBe('s3_denied');
    store.close();
  });
});
