/** What a real clamd is given, and the verdict it must come to. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Verdict } from '../../src/domain/records.ts';
import { ClamdScanner, type ClamdScannerOptions } from '../../src/scanner/clamd-client.ts';
import { limitSignatures } from '../../src/scanner/limits.ts';
import { encryptedMember, nestedArchive, zipOf, zippedTestFile } from '../../src/scanner/probes.ts';
import { proveScanner, type ScannerProblem } from '../../src/scanner/proof.ts';
import { externalSignatures } from '../../src/scanner/signatures.ts';
import { Clamd, eicar } from './clamd.ts';
import { chunked } from './content.ts';
import { dailyDatabase } from './daily.ts';

const mebibyte = 1024 * 1024;
const limits = { maxFileSize: '1M', streamMaxLength: '2M' };
const proven = { problems: [], takesBytes: 2 * mebibyte };
const scanners: ClamdScanner[] = [];

function scannerOf(clamd: Clamd, options: Partial<ClamdScannerOptions> = {}): ClamdScanner {
  const made = new ClamdScanner({
    socketPath: clamd.socketPath,
    deadlineMs: () => 20_000,
    maxScanBytes: 100 * mebibyte,
    maxSignatureAgeDays: 7,
    signatures: async () => ({ set: 'custom', revision: 'r1', at: '2026-01-10T00:00:00Z' }),
    prove: async () => proven,
    ...options,
  });
  scanners.push(made);
  return made;
}

const scan = (content: Buffer, by: ClamdScanner): Promise<Verdict> =>
  by.scan(chunked(content), { sizeBytes: content.length });

function clamdWith(settings: Record<string, string> = {}, withLimitSignatures = true): Clamd {
  const clamd = new Clamd(limits, settings);
  if (withLimitSignatures) clamd.database('limits.cdb', limitSignatures(mebibyte));
  return clamd;
}

afterEach(() => {
  for (const made of scanners.splice(0)) made.close();
});

describe('what is given to the scanner', () => {
  const clamd = clamdWith({ MaxScanSize: '4M', MaxFiles: '20' });
  beforeAll(() => clamd.start());
  afterAll(() => clamd.remove());

  const zeros = Buffer.alloc(3 * mebibyte);
  const file = (name: string, content: Buffer) => ({ name, content });
  const many = (count: number, content: (index: number) => Buffer) =>
    Array.from({ length: count }, (_, index) => file(`${index}.bin`, content(index)));

  test.each<[string, () => Buffer, string]>([
    ['nothing', () => Buffer.alloc(0), 'clean'],
    ['a letter', () => Buffer.from('hello'), 'clean'],
    ['an archive of letters', () => zipOf(file('a', Buffer.from('a')), file('b', Buffer.from('b'))), 'clean'],
    ['the test file', () => eicar, 'infected'],
    ['the test file in an archive', zippedTestFile, 'infected'],
    ['the test file three archives deep', () => deep(3), 'infected'],
    ['an encrypted archive', encryptedMember, 'encrypted'],
    ['an encrypted archive in an archive', () => zipOf(file('inner.zip', encryptedMember())), 'encrypted'],
    ['archives nested deeper than MaxRecursion', nestedArchive, 'limits'],
    ['the test file nested deeper than MaxRecursion', () => deep(30), 'limits'],
    ['a bomb: a member longer than MaxFileSize', () => zipOf(file('zeros', zeros)), 'limits'],
    ['a bomb in an archive', () => zipOf(file('in.zip', zipOf(file('zeros', zeros)))), 'limits'],
    [
      'the test file behind MaxFileSize of a member',
      () => zipOf(file('x', Buffer.concat([zeros, eicar]))),
      'limits',
    ],
    ['a compressed bomb', () => gzipSync(Buffer.concat([zeros, eicar])), 'limits'],
    ['more members than MaxFiles', () => zipOf(...many(40, (index) => Buffer.from(`${index}`))), 'limits'],
    [
      'more in all than MaxScanSize',
      () => zipOf(...many(8, (index) => Buffer.alloc(900_000, index))),
      'limits',
    ],
    ['a file over MaxFileSize', () => randomBytes(1.5 * mebibyte), 'limits'],
    ['a file over StreamMaxLength', () => randomBytes(2 * mebibyte + 1), 'too_large'],
  ])('%s', async (_, content, expected) => {
    const { state, reason } = await scan(content(), scannerOf(clamd));
    expect(reason ?? state).toBe(expected);
  });

  function deep(levels: number): Buffer {
    let content: Buffer = eicar;
    for (let level = 0; level < levels; level++) content = zipOf(file(`${level}.zip`, content));
    return content;
  }

  test('the test file across the boundary of two large segments', async () => {
    const segment = 400 * 1024;
    const content = Buffer.concat([
      randomBytes(segment - 30),
      eicar,
      randomBytes(segment - eicar.length + 30),
    ]);
    const parts = chunked(content.subarray(0, segment), content.subarray(segment));
    const verdict = await scannerOf(clamd).scan(parts, { sizeBytes: content.length });
    expect(verdict).toMatchObject({ state: 'infected' });
  });

  test('a file that takes longer than it may, and gets its time when it is tried again', async () => {
    const hasty = scannerOf(clamd, { deadlineMs: (_size, patient) => (patient ? 20_000 : 1) });
    const content = zipOf(...many(5, () => randomBytes(100_000)));
    const sizeBytes = content.length;
    expect(await hasty.scan(chunked(content), { sizeBytes })).toMatchObject({ reason: 'timeout' });
    expect(await hasty.scan(chunked(content), { sizeBytes, patient: true })).toMatchObject({
      state: 'clean',
    });
  });
});

describe('a clamd that is put to the proof', () => {
  const prove = (clamd: Clamd, mostBytes = 2 * mebibyte) =>
    proveScanner(clamd.socketPath, { signatureSet: 'builtin-test', mostBytes });

  async function started(settings?: Record<string, string>, withLimitSignatures?: boolean): Promise<Clamd> {
    const clamd = clamdWith(settings, withLimitSignatures);
    onTestFinished(() => clamd.remove());
    await clamd.start();
    return clamd;
  }

  test('passes as this program sets it up, and tells its real StreamMaxLength', async () => {
    const clamd = await started();
    expect(await prove(clamd, 100 * mebibyte)).toEqual({ problems: [], takesBytes: 2 * mebibyte });
    const by = scannerOf(clamd, { prove: () => prove(clamd) });
    expect(await scan(Buffer.from('hello'), by)).toMatchObject({ state: 'clean' });
    const unread = (async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from('read');
      throw new Error('was read');
    })();
    const tooLarge = await by.scan(unread, { sizeBytes: 2 * mebibyte + 1 });
    expect(tooLarge).toMatchObject({ state: 'not_scanned', reason: 'too_large' });
  });

  test.each<[string, Record<string, string>, boolean, ScannerProblem[]]>([
    ['AlertExceedsMax is off', { AlertExceedsMax: 'no' }, true, ['limits_pass']],
    ['AlertEncrypted is off', { AlertEncrypted: 'no' }, true, ['encrypted_passes']],
    ['long members are not told of', {}, false, ['long_members_pass']],
    [
      'archives are not opened',
      { ScanArchive: 'no' },
      true,
      ['archives_unopened', 'encrypted_passes', 'limits_pass', 'long_members_pass'],
    ],
  ])('fails where %s: nothing is clean then, and what is infected still is', async (...told) => {
    const [, settings, withLimitSignatures, problems] = told;
    const clamd = await started(settings, withLimitSignatures);
    expect((await prove(clamd)).problems).toEqual(problems);
    const by = scannerOf(clamd, { prove: () => prove(clamd) });
    expect(await scan(Buffer.from('hello'), by)).toMatchObject({
      state: 'not_scanned',
      reason: 'scanner_error',
    });
    expect(await scan(eicar, by)).toMatchObject({ state: 'infected' });
  });

  test('fails where it does not find the test file, unless the signatures are the operator’s own', async () => {
    const clamd = await started();
    clamd.database('eicar.ndb', 'Other:0:*:4142434445464748\n');
    await clamd.kill();
    await clamd.start();
    expect((await prove(clamd)).problems).toEqual(['blind']);
    const custom = { signatureSet: 'custom', mostBytes: 2 * mebibyte } as const;
    expect((await proveScanner(clamd.socketPath, custom)).problems).toEqual([]);
  });

  test('is unavailable, not clean, where it has no signatures at all', async () => {
    const clamd = clamdWith({ DatabaseDirectory: '/var/empty' });
    onTestFinished(() => clamd.remove());
    await expect(clamd.start()).rejects.toThrow('ended');
    await expect(scan(Buffer.from('hello'), scannerOf(clamd))).rejects.toMatchObject({
      code: 'scanner_unavailable',
    });
  });

  test('is unavailable, also to who waits for it, where it answers and scans nothing', async () => {
    const temporary = mkdtempSync(join(tmpdir(), 'holdfast-clamd-temporary-'));
    const clamd = await started({ TemporaryDirectory: temporary });
    const by = scannerOf(clamd, { prove: () => prove(clamd) });
    rmSync(temporary, { recursive: true });
    await expect(scan(Buffer.from('hello'), by)).rejects.toMatchObject({ code: 'scanner_unavailable' });
    await expect(by.ping()).rejects.toMatchObject({ code: 'scanner_unavailable' });
    mkdirSync(temporary);
    onTestFinished(() => rmSync(temporary, { recursive: true }));
    await by.ping();
    expect(await scan(Buffer.from('hello'), by)).toMatchObject({ state: 'clean' });
  });

  test('is unavailable where it is said to have official signatures and tells of none', async () => {
    const clamd = await started();
    const by = scannerOf(clamd, { signatures: (version) => externalSignatures('official', version) });
    await expect(scan(Buffer.from('hello'), by)).rejects.toMatchObject({ code: 'scanner_unavailable' });
  });
});

describe('signatures that are loaded anew', () => {
  const marker = Buffer.from('what only the newer signatures know');
  const without = 'Dummy:0:*:4142434445464748494a4b4c\n';
  const withMarker = `Marker:0:*:${marker.toString('hex')}\n`;

  test('during scans: each verdict names the signatures that gave it, or is none', async () => {
    const clamd = clamdWith({ ConcurrentDatabaseReload: 'yes' });
    onTestFinished(() => clamd.remove());
    clamd.database('daily.cud', dailyDatabase(100, without));
    await clamd.start();
    const by = scannerOf(clamd, {
      signatures: (version) => externalSignatures('custom', version),
      maxSignatureAgeDays: 36_500,
    });
    const verdicts: Verdict[] = [];
    let isOver = false;
    const lanes = Array.from({ length: 6 }, async () => {
      while (!isOver) verdicts.push(await scan(marker, by));
    });
    for (let version = 101; version < 105; version++) {
      clamd.database('daily.cud', dailyDatabase(version, version % 2 === 0 ? without : withMarker));
      await clamd.reload();
      const wanted = String(version);
      await expect
        .poll(async () => (await by.currentFacts()).signatureRevision, { timeout: 5000 })
        .toBe(wanted);
    }
    isOver = true;
    await Promise.all(lanes);
    const given = verdicts.filter(({ state }) => state !== 'not_scanned');
    for (const { state, signatureRevision } of given)
      expect(`${signatureRevision} ${state}`).toBe(
        `${signatureRevision} ${Number(signatureRevision) % 2 === 0 ? 'clean' : 'infected'}`,
      );
    expect(new Set(given.map(({ state }) => state))).toEqual(new Set(['clean', 'infected']));
    for (const { state, reason } of verdicts)
      if (state === 'not_scanned') expect(reason).toBe('scanner_error');
  });
});
