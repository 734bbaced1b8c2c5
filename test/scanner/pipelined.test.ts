import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { systemCalls } from '../../src/files/system-calls.ts';
import { scanPipelined } from '../../src/scanner/pipelined.ts';
import { Clamd, eicar } from './clamd.ts';

const clamd = new Clamd({ maxFileSize: '1M', streamMaxLength: '2M' });
beforeAll(() => clamd.start());
afterAll(() => clamd.remove());

const real = { socketPath: clamd.socketPath, deadlineMs: () => 20_000 };
const clean = { state: 'clean' };
const infected = { state: 'infected', signature: 'Eicar-Test-Signature.UNOFFICIAL' };

function memoryCalls() {
  const calls = systemCalls();
  if (calls === undefined) throw new Error('no system calls here');
  return calls;
}

describe('many contents over one session of a real clamd', () => {
  test('get one finding each, in order, whatever the others are', async () => {
    const contents = Array.from({ length: 300 }, (_, index) =>
      index % 50 === 7 ? eicar : Buffer.from(index === 3 ? '' : `content ${index}`),
    );
    const findings = await scanPipelined(contents, real);
    expect(findings).toEqual(contents.map((content) => (content === eicar ? infected : clean)));
    expect(await scanPipelined([], real)).toEqual([]);
  });

  test('handed over as files in memory get the same findings, each about its own content', async () => {
    const calls = memoryCalls();
    let handedOver = 0;
    const files = {
      memoryFile: () => calls.memoryFile(),
      sendDescriptor: (...values: Parameters<typeof calls.sendDescriptor>) => {
        handedOver++;
        calls.sendDescriptor(...values);
      },
    };
    const contents = Array.from({ length: 300 }, (_, index) =>
      index % 50 === 7 ? eicar : Buffer.from(index === 3 ? '' : `content ${index} `.repeat(index * 20)),
    );
    const findings = await scanPipelined(contents, { ...real, files });
    expect(findings).toEqual(contents.map((content) => (content === eicar ? infected : clean)));
    expect(handedOver).toBe(contents.length);
  });

  test('are streamed where handing them over as files comes to nothing', async () => {
    const calls = memoryCalls();
    const failing = () => {
      throw new Error('no such call here');
    };
    const device = openSync('/dev/null', 'r');
    onTestFinished(() => closeSync(device));
    const contents = [Buffer.from('a'), eicar, Buffer.from('b')];
    for (const files of [
      { memoryFile: failing, sendDescriptor: failing },
      { memoryFile: () => calls.memoryFile(), sendDescriptor: failing },
      // clamd says that it cannot look into what it was handed.
      {
        memoryFile: () => calls.memoryFile(),
        sendDescriptor: (socket: number, _: number, bytes?: Buffer) =>
          calls.sendDescriptor(socket, device, bytes),
      },
    ]) {
      expect(await scanPipelined(contents, { ...real, files })).toEqual([clean, infected, clean]);
    }
  });

  test('are not scanned, never clean, from the one on that clamd does not take', async () => {
    const contents = [Buffer.from('a'), Buffer.alloc(3 * 1024 * 1024), Buffer.from('b')];
    const findings = await scanPipelined(contents, real);
    expect(findings[1]?.state).toBe('not_scanned');
    expect(findings[2]?.state).not.toBe('infected');
  });

  test('end with the signal, and where there is no clamd', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(scanPipelined([Buffer.from('a')], { ...real, signal })).rejects.toThrow('stopped');
    const nowhere = { ...real, socketPath: join(clamd.folder, 'nothing.sock') };
    await expect(scanPipelined([Buffer.from('a')], nowhere)).rejects.toMatchObject({
      code: 'scanner_unavailable',
    });
  });
});

describe('an answer that cannot be told apart', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-pipelined-'));
  const socketPath = join(folder, 'clamd.sock');
  let onEnd: (socket: Socket) => void = () => {};
  const server = createServer((socket) => {
    let bytes = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      // Two contents of one byte have come whole.
      if (bytes.length === 'zIDSESSION\0'.length + 2 * ('zINSTREAM\0'.length + 9)) onEnd(socket);
    });
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(socketPath, resolve)));
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const two = () =>
    scanPipelined([Buffer.from('a'), Buffer.from('b')], { socketPath, deadlineMs: () => 300 });
  const notScanned = (reason: string) => ({ state: 'not_scanned', reason });

  test('is taken in any order, and in pieces, or the rest would prove nothing', async () => {
    onEnd = (socket) => {
      socket.write('2: stream: X FOU');
      setTimeout(() => socket.write('ND\x001: stream: OK\0'), 20);
    };
    expect(await two()).toEqual([clean, { state: 'infected', signature: 'X' }]);
  });

  test.each([
    ['a second answer about one', '1: stream: OK\x001: stream: OK\0'],
    ['an answer about none', '1: stream: OK\x003: stream: OK\0'],
    ['an answer without a number', '1: stream: OK\0stream: OK\0'],
    ['a flood', `1: stream: OK\0${'x'.repeat(5_000)}`],
  ])('makes nothing clean: %s', async (_, text) => {
    onEnd = (socket) => socket.write(text);
    expect((await two())[1]).toEqual(notScanned('scanner_error'));
  });

  test('is asked for once more where the session breaks off, and then given up', async () => {
    let sessions = 0;
    onEnd = (socket) => {
      sessions++;
      if (sessions === 1) socket.destroy();
      else socket.write('1: stream: OK\x002: stream: OK\0');
    };
    expect(await two()).toEqual([clean, clean]);
    onEnd = (socket) => socket.destroy();
    expect(await two()).toEqual([notScanned('scanner_error'), notScanned('scanner_error')]);
  });

  test('leaves those without one unscanned where nothing comes', async () => {
    onEnd = (socket) => socket.write('2: stream: OK\0');
    expect(await two()).toEqual([notScanned('timeout'), clean]);
  });
});
