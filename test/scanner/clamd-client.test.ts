import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import NodeClam from 'clamscan';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Verdict } from '../../src/domain/records.ts';
import { ClamdScanner, type ClamdScannerOptions } from '../../src/scanner/clamd-client.ts';
import { encryptedMember } from '../../src/scanner/probes.ts';
import { Clamd, eicar } from './clamd.ts';
import { chunked } from './content.ts';

const mebibyte = 1024 * 1024;
const at = '2026-01-10T00:00:00Z';
const proven = { problems: [], takesBytes: Number.POSITIVE_INFINITY };
const clamd = new Clamd({ maxFileSize: '1M', streamMaxLength: '2M' });
const scanners: ClamdScanner[] = [];

function scanner(options: Partial<ClamdScannerOptions> = {}): ClamdScanner {
  const made = new ClamdScanner({
    socketPath: clamd.socketPath,
    deadlineMs: () => 20_000,
    maxScanBytes: 100 * mebibyte,
    maxSignatureAgeDays: 7,
    signatures: async () => ({ set: 'custom', revision: 'r1', at }),
    prove: async () => proven,
    now: () => new Date('2026-01-12T00:00:00Z'),
    ...options,
  });
  scanners.push(made);
  return made;
}

const scan = (content: Buffer, by = scanner()): Promise<Verdict> =>
  by.scan(chunked(content), { sizeBytes: content.length });

beforeAll(() => clamd.start());
afterEach(() => {
  for (const made of scanners.splice(0)) made.close();
});
afterAll(() => clamd.remove());

describe('what clamd finds', () => {
  test('ordinary content is clean, by this engine and these signatures', async () => {
    expect(await scan(Buffer.from('hello'))).toEqual({
      state: 'clean',
      engine: expect.stringMatching(/^ClamAV \d+\.\d+\.\d+$/),
      signatureRevision: 'r1',
      signaturesAt: at,
      signatureSet: 'custom',
    });
  });

  test('the EICAR file is infected, and by which signature', async () => {
    expect(await scan(eicar)).toMatchObject({
      state: 'infected',
      signature: 'Eicar-Test-Signature.UNOFFICIAL',
    });
  });

  test('EICAR spread over chunks, with empty chunks between, is found', async () => {
    const parts = chunked(
      Buffer.alloc(0),
      eicar.subarray(0, 30),
      Buffer.alloc(0),
      eicar.subarray(30),
      Buffer.alloc(0),
    );
    expect(await scanner().scan(parts, { sizeBytes: eicar.length })).toMatchObject({ state: 'infected' });
  });

  test('no content is clean: clamd says so of a stream of no bytes', async () => {
    expect(await scan(Buffer.alloc(0))).toMatchObject({ state: 'clean' });
    expect(await scanner().scan(chunked(), { sizeBytes: 0 })).toMatchObject({ state: 'clean' });
  });

  test('an encrypted archive was not scanned', async () => {
    expect(await scan(encryptedMember())).toMatchObject({ state: 'not_scanned', reason: 'encrypted' });
  });

  test('content over a limit inside clamd was not scanned, infected or not', async () => {
    const content = Buffer.concat([randomBytes(1.5 * mebibyte), eicar]);
    expect(await scan(content)).toMatchObject({ state: 'not_scanned', reason: 'limits' });
  });

  test('content over the stream limit is too large, whenever clamd says so', async () => {
    const part = randomBytes(mebibyte / 2);
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const parts = chunked(...Array.from({ length: 12 }, () => part));
      const verdict = await scanner().scan(parts, { sizeBytes: 6 * mebibyte });
      expect(verdict).toMatchObject({ state: 'not_scanned', reason: 'too_large' });
    }
  });

  test('content known to be too large is not even read', async () => {
    let touched = false;
    async function* content(): AsyncGenerator<Buffer> {
      touched = true;
      yield eicar;
    }
    const small = scanner({ maxScanBytes: eicar.length - 1 });
    const verdict = await small.scan(content(), { sizeBytes: eicar.length });
    expect(verdict).toMatchObject({ state: 'not_scanned', reason: 'too_large' });
    expect(touched).toBe(false);
  });

  test('many at once keep their own verdicts', async () => {
    const by = scanner();
    const contents = Array.from({ length: 300 }, (_, index) =>
      index % 3 === 0 ? eicar : randomBytes(1 + (index % 50) * 200),
    );
    const verdicts = await Promise.all(contents.map((content) => scan(content, by)));
    expect(verdicts.map((verdict) => verdict.state)).toEqual(
      contents.map((content) => (content === eicar ? 'infected' : 'clean')),
    );
  });

  test('the clamscan package is of the same opinion', async () => {
    const second = await new NodeClam().init({
      preference: 'clamdscan',
      clamscan: { active: false, path: false },
      clamdscan: {
        socket: clamd.socketPath,
        timeout: 5000,
        localFallback: false,
        path: false,
        bypassTest: true,
      },
    });
    for (const content of [eicar, Buffer.from('hello'), randomBytes(100_000)]) {
      const { isInfected } = await second.scanStream(Readable.from([content]));
      expect((await scan(content)).state).toBe(isInfected ? 'infected' : 'clean');
    }
  });
});

describe('content that is not what was announced', () => {
  test.each([
    ['shorter', 6],
    ['longer', 4],
  ])('%s: never clean', async (_, sizeBytes) => {
    const verdict = await scanner().scan(chunked(Buffer.from('hello')), { sizeBytes });
    expect(verdict).toMatchObject({ state: 'not_scanned', reason: 'scanner_error' });
  });

  test('an error while reading is rethrown unchanged', async () => {
    const broken = new Error('changed');
    async function* content(): AsyncGenerator<Buffer> {
      yield Buffer.from('hel');
      throw broken;
    }
    await expect(scanner().scan(content(), { sizeBytes: 5 })).rejects.toBe(broken);
  });

  test('an aborted scan ends with the reason it was given', async () => {
    const abort = new AbortController();
    const reason = new Error('stop');
    async function* content(): AsyncGenerator<Buffer> {
      yield Buffer.from('hel');
      abort.abort(reason);
      await sleep(60_000, undefined, { ref: false });
    }
    const scanned = scanner().scan(content(), { sizeBytes: 5, signal: abort.signal });
    await expect(scanned).rejects.toBe(reason);
    await expect(scanner().scan(chunked(eicar), { sizeBytes: 1, signal: abort.signal })).rejects.toBe(reason);
  });
});

describe('the age of signatures', () => {
  const signed = (set: 'official' | 'custom' | 'builtin-test', published: string): ClamdScanner =>
    scanner({ signatures: async () => ({ set, revision: 'r1', at: published }) });

  test.each([
    ['official', '2026-01-05T00:00:00Z', 'clean'],
    ['official', '2026-01-04T23:59:59Z', 'not_scanned'],
    ['official', 'once upon a time', 'not_scanned'],
    ['custom', '2020-01-01T00:00:00Z', 'clean'],
    ['builtin-test', '2020-01-01T00:00:00Z', 'clean'],
  ] as const)('%s signatures of %s: %s', async (set, published, state) => {
    const verdict = await scan(Buffer.from('hello'), signed(set, published));
    expect(verdict.state).toBe(state);
    expect(verdict.reason).toBe(state === 'clean' ? undefined : 'stale_signatures');
    expect(verdict.signatureSet).toBe(set);
  });

  test('stale signatures still find', async () => {
    const verdict = await scan(eicar, signed('official', '2020-01-01T00:00:00Z'));
    expect(verdict.state).toBe('infected');
  });
});

describe('clamd in trouble', () => {
  beforeEach(() => clamd.start());
  afterEach(() => clamd.kill());
  beforeAll(() => clamd.kill());

  test('killed in the middle of a scan: not scanned, then unavailable, then well again', async () => {
    const by = scanner();
    async function* content(): AsyncGenerator<Buffer> {
      yield Buffer.from('hel');
      await clamd.kill();
      yield Buffer.from('lo');
    }
    expect(await by.scan(content(), { sizeBytes: 5 })).toMatchObject({
      state: 'not_scanned',
      reason: 'scanner_error',
    });
    // The scan ends with the connection, which may be before the process has ended.
    await clamd.kill();
    await expect(scan(eicar, by)).rejects.toMatchObject({
      code: 'scanner_unavailable',
      exitCode: 5,
      retryable: true,
    });
    await expect(by.ping()).rejects.toMatchObject({ code: 'scanner_unavailable' });
    await clamd.start();
    await by.ping();
    expect(await scan(eicar, by)).toMatchObject({ state: 'infected' });
  });

  test('restarted between two scans: the old session is not used again', async () => {
    const by = scanner();
    expect(await scan(eicar, by)).toMatchObject({ state: 'infected' });
    await clamd.kill();
    await clamd.start();
    expect(await scan(Buffer.from('hello'), by)).toMatchObject({ state: 'clean' });
  });

  test('stopped: the deadline ends the scan, and the late reply is nobody else’s', async () => {
    const by = scanner({ deadlineMs: () => 300 });
    expect(await scan(Buffer.from('hello'), by)).toMatchObject({ state: 'clean' });
    await clamd.stop();
    const begin = performance.now();
    expect(await scan(eicar, by)).toMatchObject({ state: 'not_scanned', reason: 'timeout' });
    expect(performance.now() - begin).toBeLessThan(2000);
    clamd.goOn();
    const patient = scanner();
    expect(await scan(Buffer.from('hello'), patient)).toMatchObject({ state: 'clean' });
  });

  test('stopped before anything was asked: unavailable, not hanging', async () => {
    await clamd.stop();
    await expect(scanner().ping()).rejects.toMatchObject({ code: 'scanner_unavailable' });
    await expect(scanner().facts()).rejects.toMatchObject({ code: 'scanner_unavailable' });
    clamd.goOn();
  });
});
