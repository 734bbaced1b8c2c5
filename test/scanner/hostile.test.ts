import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ClamdScanner } from '../../src/scanner/clamd-client.ts';
import { readSignatureFile } from '../../src/scanner/signatures.ts';
import { chunked } from './content.ts';

let folder: string;
let socketPath: string;
let sessions: number;
let received: Buffer;
/** What the fake does with a session's bytes so far. */
let onSession: (socket: Socket, bytes: Buffer) => void;
let version: string;

const server = createServer((socket) => {
  let bytes = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.equals(Buffer.from('nVERSION\n'))) return socket.end(version);
    if (bytes.equals(chunk)) sessions += 1;
    received = bytes;
    return onSession(socket, bytes);
  });
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-fake-'));
  socketPath = join(folder, 'clamd.sock');
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
});
beforeEach(() => {
  sessions = 0;
  version = 'ClamAV 1.4.6\n';
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const scanner = (deadlineMs = 400): ClamdScanner =>
  new ClamdScanner({
    socketPath,
    deadlineMs: () => deadlineMs,
    maxScanBytes: 1e9,
    maxSignatureAgeDays: 7,
    signatures: async () => ({ set: 'custom', revision: 'r1', at: '2026-01-10T00:00:00Z' }),
    prove: async () => ({ problems: [], takesBytes: Number.POSITIVE_INFINITY }),
  });

const content = Buffer.from('hello');
const scan = (by = scanner()) => by.scan(chunked(content), { sizeBytes: content.length });

const stream = Buffer.from('zIDSESSION\0zINSTREAM\0\0\0\0\x05hello\0\0\0\0', 'latin1');

/** Answers once the whole stream has come. */
const replying =
  (reply: string) =>
  (socket: Socket, bytes: Buffer): void => {
    if (bytes.equals(stream)) socket.write(reply);
  };

describe('what goes over the wire', () => {
  test('is the session, the command, the framed content and nothing else', async () => {
    onSession = replying('1: stream: OK\0');
    const by = scanner();
    const parts = chunked(Buffer.alloc(0), content, Buffer.alloc(0));
    expect(await by.scan(parts, { sizeBytes: content.length })).toMatchObject({ state: 'clean' });
    expect(received).toEqual(stream);
  });

  test('is one session for many scans, each reply taken by its number', async () => {
    let answered = 0;
    onSession = (socket, bytes) => {
      const complete = bytes.toString('latin1').split('hello\0\0\0\0').length - 1;
      if (complete > answered) {
        answered = complete;
        socket.write(`${complete}: stream: OK\0`);
      }
    };
    const by = scanner();
    for (let turn = 0; turn < 5; turn += 1) expect(await scan(by)).toMatchObject({ state: 'clean' });
    expect(sessions).toBe(1);
  });

  test('is no more than the scanner takes', async () => {
    let pulled = 0;
    async function* endless(): AsyncGenerator<Buffer> {
      for (; pulled < 200; pulled += 1) yield Buffer.alloc(1024 * 1024);
    }
    onSession = (socket) => socket.pause();
    const verdict = await scanner().scan(endless(), { sizeBytes: 200 * 1024 * 1024 });
    expect(verdict).toMatchObject({ state: 'not_scanned', reason: 'timeout' });
    expect(pulled).toBeLessThan(5);
  });
});

describe('a reply that is not exactly clamd’s', () => {
  test.each([
    ['nothing of the kind', 'hello\0'],
    ['an empty reply', '\0'],
    ['no number', 'stream: OK\0'],
    ['another number', '2: stream: OK\0'],
    ['a padded number', '01: stream: OK\0'],
    ['a space before', ' 1: stream: OK\0'],
    ['more after OK', '1: stream: OK and so on\0'],
    ['a line before', 'x\n1: stream: OK\0'],
    ['a line after', '1: stream: OK\n\0'],
    ['two replies at once', '1: stream: OK\x001: stream: OK\0'],
    ['OK, then found', '1: stream: OK\x001: stream: X FOUND\0'],
    ['lower case', '1: stream: ok\0'],
    ['another subject', '1: /etc/passwd: OK\0'],
    ['a signature without name', '1: stream:  FOUND\0'],
    ['an error', '1: stream: Can not allocate memory ERROR\0'],
    ['an unknown command', '1: UNKNOWN COMMAND\0'],
    ['a flood', '1'.repeat(100_000)],
  ])('is no verdict: %s', async (_, reply) => {
    onSession = replying(reply);
    expect(await scan()).toMatchObject({ state: 'not_scanned', reason: 'scanner_error' });
  });

  test.each([
    ['1: stream: Heuristics.Limits.Exceeded.MaxRecursion FOUND\0', 'limits'],
    ['1: stream: Heuristics.Encrypted.PDF FOUND\0', 'encrypted'],
    ['1: INSTREAM size limit exceeded. ERROR\0', 'too_large'],
  ])('%j is not scanned', async (reply, reason) => {
    onSession = replying(reply);
    const verdict = await scan();
    expect(verdict).toMatchObject({ state: 'not_scanned', reason });
    expect(verdict.signature).toBeUndefined();
  });

  test('an OK before the content was handed over is no verdict', async () => {
    onSession = (socket) => socket.write('1: stream: OK\0');
    async function* slow(): AsyncGenerator<Buffer> {
      yield content.subarray(0, 2);
      await new Promise((resolve) => setTimeout(resolve, 100));
      yield content.subarray(2);
    }
    expect(await scanner().scan(slow(), { sizeBytes: content.length })).toMatchObject({
      state: 'not_scanned',
      reason: 'scanner_error',
    });
  });

  test('a reply nobody asked for ends the session, and is not taken for the next scan’s', async () => {
    onSession = (socket, bytes) => {
      if (!bytes.equals(stream)) return;
      socket.write('1: stream: OK\0');
      setTimeout(() => socket.write('2: stream: OK\0'), 20);
    };
    const by = scanner();
    await scan(by);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await scan(by);
    expect(sessions).toBe(2);
  });
});

describe('a connection that fails', () => {
  test.each<[string, (socket: Socket) => void, string]>([
    ['never replies', () => {}, 'timeout'],
    ['hangs up', (socket) => socket.destroy(), 'scanner_error'],
    ['ends politely without a reply', (socket) => socket.end(), 'scanner_error'],
    ['stops within the reply', (socket) => socket.write('1: stream: OK'), 'timeout'],
    ['breaks within the reply', (socket) => socket.end('1: stream: OK'), 'scanner_error'],
  ])('%s', async (_, behaviour, reason) => {
    onSession = behaviour;
    expect(await scan()).toMatchObject({ state: 'not_scanned', reason });
  });

  test.each([
    ['', 'nothing'],
    ['ClamAV\n', 'no number'],
    ['<html>\n', 'something else'],
  ])('a version that is %j', async (said) => {
    version = said;
    await expect(scan()).rejects.toMatchObject({ code: 'scanner_unavailable' });
  });

  test('nobody there', async () => {
    const by = new ClamdScanner({
      socketPath: join(folder, 'nobody.sock'),
      deadlineMs: () => 100,
      maxScanBytes: 1e9,
      maxSignatureAgeDays: 7,
      signatures: async () => ({ set: 'custom', revision: 'r1', at: '2026-01-10T00:00:00Z' }),
      prove: async () => ({ problems: [], takesBytes: Number.POSITIVE_INFINITY }),
    });
    await expect(scan(by)).rejects.toMatchObject({ code: 'scanner_unavailable', retryable: true });
    await expect(by.ping()).rejects.toMatchObject({ code: 'scanner_unavailable' });
  });
});

describe('the file with the facts of the signatures', () => {
  const written = (text: string): string => {
    const path = join(folder, 'signatures.json');
    writeFileSync(path, text);
    return path;
  };
  const facts = { set: 'official', revision: 'r1', at: '2026-01-10T00:00:00.000Z' };

  test('is read', async () => {
    expect(await readSignatureFile(written(JSON.stringify(facts)))).toEqual(facts);
  });

  test.each([
    ['no JSON', '{'],
    ['an unknown set', JSON.stringify({ ...facts, set: 'mine' })],
    ['a date that is none', JSON.stringify({ ...facts, at: 'yesterday' })],
    ['no revision', JSON.stringify({ ...facts, revision: '' })],
  ])('is refused: %s', async (_, text) => {
    await expect(readSignatureFile(written(text))).rejects.toMatchObject({ code: 'scanner_unavailable' });
  });

  test('is missed', async () => {
    await expect(readSignatureFile(join(folder, 'none.json'))).rejects.toMatchObject({
      code: 'scanner_unavailable',
    });
  });
});
