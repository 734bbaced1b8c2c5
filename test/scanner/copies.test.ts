import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { systemCalls } from '../../src/files/system-calls.ts';
import { ClamdScanner, type ClamdScannerOptions } from '../../src/scanner/clamd-client.ts';
import { proveScanner, type ScannerProof } from '../../src/scanner/proof.ts';
import { Session } from '../../src/scanner/session.ts';
import { Clamd, eicar } from './clamd.ts';
import { chunked } from './content.ts';

const mebibyte = 1024 * 1024;
const at = '2026-01-10T00:00:00Z';
const clamd = new Clamd({ maxFileSize: '8M', streamMaxLength: '16M' });
const copies = mkdtempSync(path.join(tmpdir(), 'holdfast-copies-'));
const scanners: ClamdScanner[] = [];

beforeAll(() => clamd.start());
afterEach(() => {
  for (const made of scanners.splice(0)) made.close();
  expect(readdirSync(copies)).toEqual([]);
});
afterAll(async () => {
  await clamd.remove();
  rmSync(copies, { recursive: true });
});

const prove = (folder = copies): Promise<ScannerProof> =>
  proveScanner(clamd.socketPath, { signatureSet: 'custom', mostBytes: 16 * mebibyte, copies: folder });

function scanner(options: Partial<ClamdScannerOptions> = {}): ClamdScanner {
  const made = new ClamdScanner({
    socketPath: clamd.socketPath,
    deadlineMs: () => 20_000,
    maxScanBytes: 100 * mebibyte,
    maxSignatureAgeDays: 7,
    signatures: async () => ({ set: 'custom', revision: 'r1', at }),
    // Of what else clamd fails at, matrix.test.ts speaks.
    prove: async () => ({ ...(await prove()), problems: [] }),
    now: () => new Date('2026-01-12T00:00:00Z'),
    copies,
    ...options,
  });
  scanners.push(made);
  return made;
}

/** The test file after more than is streamed, where only who looks at all of it finds it. */
const infected = (): Buffer => Buffer.concat([Buffer.alloc(3 * mebibyte, 'a'), eicar]);

const inPieces = (content: Buffer) =>
  chunked(content.subarray(0, 1000), Buffer.alloc(0), content.subarray(1000));

/** How often clamd was handed a file since. */
function handedOver(): { readonly count: () => number } {
  let count = 0;
  const { judge } = Session.prototype;
  Session.prototype.judge = function (...given) {
    count++;
    return judge.apply(this, given);
  };
  restore = () => {
    Session.prototype.judge = judge;
  };
  return { count: () => count };
}
let restore = (): void => {};
afterEach(() => restore());

test('a clamd that takes open files is found out', async () => {
  expect(await prove()).toMatchObject({ takesFiles: true });
  expect(
    await proveScanner(clamd.socketPath, { signatureSet: 'custom', mostBytes: mebibyte }),
  ).not.toHaveProperty('takesFiles');
  expect(await prove(path.join(copies, 'missing'))).toMatchObject({ takesFiles: false });
});

test('longer content is judged as an open file, whole, and leaves none behind', async () => {
  const by = scanner();
  await by.ping();
  const handed = handedOver();
  expect(await by.scan(inPieces(infected()), { sizeBytes: infected().length })).toMatchObject({
    state: 'infected',
    signature: 'Eicar-Test-Signature.UNOFFICIAL',
  });
  const harmless = Buffer.alloc(5 * mebibyte, 'b');
  expect(await by.scan(inPieces(harmless), { sizeBytes: harmless.length })).toMatchObject({ state: 'clean' });
  expect(handed.count()).toBe(2);
  expect(await by.scan(inPieces(eicar), { sizeBytes: eicar.length })).toMatchObject({ state: 'infected' });
  expect(handed.count()).toBe(2);
});

test('several at once get each their own verdict', async () => {
  const by = scanner();
  const contents = Array.from({ length: 8 }, (_, index) =>
    index % 2 === 0 ? infected() : Buffer.alloc(2 * mebibyte + index, 'c'),
  );
  const found = await Promise.all(
    contents.map((content) => by.scan(inPieces(content), { sizeBytes: content.length })),
  );
  expect(found.map(({ state }) => state)).toEqual(
    contents.map((_, index) => (index % 2 === 0 ? 'infected' : 'clean')),
  );
});

test('many small contents are judged as files in memory, and streamed by a clamd that takes none', async () => {
  const calls = systemCalls();
  if (calls === undefined) throw new Error('no system calls here');
  const made = vi.spyOn(calls, 'memoryFile');
  onTestFinished(() => made.mockRestore());
  const contents = [Buffer.from('a'), eicar, Buffer.alloc(0), eicar, Buffer.from('b')];
  const states = ['clean', 'infected', 'clean', 'infected', 'clean'];
  expect((await scanner().scanMany(contents)).map(({ state }) => state)).toEqual(states);
  expect(made).toHaveBeenCalledTimes(contents.length);
  const streaming = scanner({ prove: async () => ({ ...(await prove()), problems: [], takesFiles: false }) });
  expect((await streaming.scanMany(contents)).map(({ state }) => state)).toEqual(states);
  expect(made).toHaveBeenCalledTimes(contents.length);
});

test('what clamd looks into only in part was not scanned, as in a stream', async () => {
  const content = Buffer.alloc(9 * mebibyte, 'd');
  const asFile = await scanner().scan(inPieces(content), { sizeBytes: content.length });
  const streamed = await scanner({
    prove: async () => ({ ...(await prove()), problems: [], takesFiles: false }),
  }).scan(inPieces(content), { sizeBytes: content.length });
  expect(asFile).toMatchObject({ state: 'not_scanned', reason: 'limits' });
  expect(streamed).toEqual(asFile);
});

test('content that is shorter or longer than said was not scanned', async () => {
  for (const said of [-1, 1])
    expect(await scanner().scan(inPieces(infected()), { sizeBytes: infected().length + said })).toMatchObject(
      { state: 'not_scanned', reason: 'scanner_error' },
    );
});

test('an error of the content is its own, and nothing was judged', async () => {
  const by = scanner();
  await by.ping();
  const handed = handedOver();
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.alloc(2 * mebibyte);
    throw new Error('changed meanwhile');
  }
  await expect(by.scan(broken(), { sizeBytes: 4 * mebibyte })).rejects.toThrow('changed meanwhile');
  expect(handed.count()).toBe(0);
});

test('a clamd that takes no files is given streams', async () => {
  const by = scanner({ prove: async () => ({ ...(await prove()), problems: [], takesFiles: false }) });
  const handed = handedOver();
  await by.ping();
  const before = handed.count();
  expect(await by.scan(inPieces(infected()), { sizeBytes: infected().length })).toMatchObject({
    state: 'infected',
  });
  expect(handed.count()).toBe(before);
});
