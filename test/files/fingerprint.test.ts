import { createHash } from 'node:crypto';
import { appendFileSync, utimesSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fingerprintFile } from '../../src/files/fingerprint.ts';
import { hashElsewhere } from '../../src/files/hash-threads.ts';
import { ContentChanged, readSegments, readWhole } from '../../src/files/segment-reader.ts';
import { tempFolder } from './temp-tree.ts';

const mebibyte = 1024 * 1024;
const options = { segmentSizeFor: () => mebibyte };

function pattern(sizeBytes: number): Buffer {
  const content = Buffer.alloc(sizeBytes);
  for (let at = 0; at + 4 <= sizeBytes; at += 4096) content.writeUInt32LE(at, at);
  return content;
}

async function fileOf(content: Buffer): Promise<{ path: string; handle: FileHandle }> {
  const path = join(tempFolder(), 'file');
  writeFileSync(path, content);
  const handle = await open(path);
  onTestFinished(() => handle.close());
  return { path, handle };
}

const sha = (algorithm: string, content: Buffer) => createHash(algorithm).update(content).digest('hex');

function segmentsOf(content: Buffer): Buffer[] {
  const segments: Buffer[] = [];
  for (let at = 0; at < content.length; at += mebibyte) segments.push(content.subarray(at, at + mebibyte));
  return segments;
}

test.each([
  0,
  1,
  mebibyte - 1,
  mebibyte,
  mebibyte + 1,
  8 * mebibyte,
  8 * mebibyte + 1,
  10 * mebibyte,
  10 * mebibyte + 4097,
])('hashes %i bytes whole and by segment', async (sizeBytes) => {
  const content = pattern(sizeBytes);
  const { handle } = await fileOf(content);
  const found = await fingerprintFile(handle, options);
  expect(found).toMatchObject({
    kind: 'fingerprint',
    sizeBytes,
    sha512: sha('sha512', content),
    sha256: sha('sha256', content),
    segmentHashes: Buffer.from(
      segmentsOf(content)
        .map((part) => sha('sha256', part))
        .join(''),
      'hex',
    ),
    mediaType: sizeBytes === 0 ? 'application/x-empty' : 'application/octet-stream',
  });
});

test('segments larger than a read step keep their own hash', async () => {
  const content = pattern(9 * mebibyte + 5);
  const { handle } = await fileOf(content);
  const found = await fingerprintFile(handle, { segmentSizeFor: () => 4 * mebibyte });
  expect(found).toMatchObject({
    segmentHashes: Buffer.from(
      [0, 4, 8].map((at) => sha('sha256', content.subarray(at * mebibyte, (at + 4) * mebibyte))).join(''),
      'hex',
    ),
  });
});

test.each([
  [
    'rewritten in place',
    (path: string) => writeFileSync(path, pattern(12 * mebibyte).fill(7), { flag: 'r+' }),
  ],
  ['cut', (path: string) => writeFileSync(path, 'short')],
  ['grown', (path: string) => appendFileSync(path, 'more')],
  ['touched', (path: string) => utimesSync(path, 1, 1)],
])('a file %s while it is read is changed', async (_name, change) => {
  const { path, handle } = await fileOf(pattern(12 * mebibyte));
  let done = false;
  const found = await fingerprintFile(handle, {
    ...options,
    onProgress: (bytesRead) => {
      if (bytesRead < 3 * mebibyte || done) return;
      done = true;
      change(path);
    },
  });
  expect(found).toEqual({ kind: 'changed' });
});

test('an aborted pass stops', async () => {
  const { handle } = await fileOf(pattern(12 * mebibyte));
  const abort = new AbortController();
  const pass = fingerprintFile(handle, {
    ...options,
    signal: abort.signal,
    onProgress: (bytesRead) => bytesRead >= 2 * mebibyte && abort.abort(new Error('enough')),
  });
  await expect(pass).rejects.toThrow('enough');
});

test('more files at once than there are threads all get their own hashes', async () => {
  const contents = [9, 10, 11, 12, 13, 14].map((size) => pattern(size * mebibyte).fill(size, 0, 4096));
  const found = await Promise.all(
    contents.map(async (content) => fingerprintFile((await fileOf(content)).handle, options)),
  );
  expect(found.map((one) => one.kind === 'fingerprint' && one.sha512)).toEqual(
    contents.map((content) => sha('sha512', content)),
  );
});

test('an error of the disk keeps its code', async () => {
  const handle = await open(tempFolder());
  onTestFinished(() => handle.close());
  const extent = { descriptor: handle.fd, sizeBytes: 9 * mebibyte, segmentSize: mebibyte };
  await expect(hashElsewhere(extent, {})).rejects.toMatchObject({ code: 'EISDIR' });
});

async function expected(handle: FileHandle) {
  const found = await fingerprintFile(handle, options);
  if (found.kind !== 'fingerprint') throw new Error(found.kind);
  return found;
}

async function collect(segments: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const copies: Buffer[] = [];
  for await (const segment of segments) copies.push(Buffer.from(segment));
  return copies;
}

test.each([0, 1, mebibyte, 3 * mebibyte + 17])(
  'reads back %i bytes in checked segments',
  async (sizeBytes) => {
    const content = pattern(sizeBytes);
    const { handle } = await fileOf(content);
    const fingerprint = await expected(handle);
    const segments = await collect(readSegments(handle, fingerprint));
    expect(segments.map((segment) => segment.length)).toEqual(segmentsOf(content).map((part) => part.length));
    expect(Buffer.concat(segments).equals(content)).toBe(true);
    expect(readWhole(handle, fingerprint).equals(content)).toBe(true);
  },
);

test('no segment with a changed byte is given out', async () => {
  const content = pattern(4 * mebibyte);
  const { path, handle } = await fileOf(content);
  const fingerprint = await expected(handle);
  content[2 * mebibyte + 9] = 1;
  writeFileSync(path, content, { flag: 'r+' });
  let given = 0;
  const reading = (async () => {
    for await (const _ of readSegments(handle, fingerprint)) given++;
  })();
  await expect(reading).rejects.toMatchObject({ name: 'ContentChanged', segmentIndex: 2 });
  expect(given).toBe(2);
  expect(() => readWhole(handle, fingerprint)).toThrow(ContentChanged);
});

test.each([
  ['cut', (content: Buffer) => content.subarray(0, 2 * mebibyte), 2],
  ['grown', (content: Buffer) => Buffer.concat([content, Buffer.from('x')]), 3],
])('a file that was %s has changed', async (_name, change, segmentIndex) => {
  const content = pattern(3 * mebibyte);
  const { path, handle } = await fileOf(content);
  const fingerprint = await expected(handle);
  writeFileSync(path, change(content));
  await expect(collect(readSegments(handle, fingerprint))).rejects.toMatchObject({ segmentIndex });
  expect(() => readWhole(handle, fingerprint)).toThrow(ContentChanged);
});

test('a consumer that stops early leaves no read behind', async () => {
  const { handle } = await fileOf(pattern(3 * mebibyte));
  const fingerprint = await expected(handle);
  for await (const segment of readSegments(handle, fingerprint)) {
    expect(segment.length).toBe(mebibyte);
    break;
  }
});
