import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isFailure } from '../../src/domain/failures.ts';
import { tryLock, withLock } from '../../src/stack/lock.ts';
import { cachedFolder } from '../../src/stack/toolchain/cached-folder.ts';
import { findProgram } from '../../src/stack/toolchain/find-program.ts';
import { ensureGoTool } from '../../src/stack/toolchain/go-tools.ts';
import { isTested, versionIn } from '../../src/stack/toolchain/versions.ts';
import { uid } from './installation.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-toolchain-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function program(name: string, script: string): void {
  const bin = path.join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

test('versions are compared as numbers', () => {
  const range = { from: '1.9.2', below: '1.11.0' };
  expect(['1.9.1', '1.9.2', '1.10.0', '1.11.0', '2.0.0'].map((version) => isTested(version, range))).toEqual([
    false,
    true,
    true,
    false,
    false,
  ]);
  expect(versionIn('temporal version 1.5.1 (Server 1.29.1)')).toBe('1.5.1');
  expect(versionIn('unknown')).toBeUndefined();
});

describe('a lock', () => {
  test('is held by one, and free again after it', async () => {
    const lock = await tryLock(folder);
    expect(lock).toBeDefined();
    expect(await tryLock(folder)).toBeUndefined();
    await lock?.release();
    const again = await tryLock(folder);
    expect(again).toBeDefined();
    await again?.release();
  });

  test('lets those who wait in one after the other', async () => {
    const order: string[] = [];
    let waits = 0;
    const work = (name: string) =>
      withLock(
        folder,
        () => {
          waits += 1;
        },
        async () => {
          order.push(`${name} in`);
          await sleep(30);
          order.push(`${name} out`);
        },
      );
    await Promise.all([work('a'), work('b'), work('c')]);
    expect(waits).toBe(2);
    for (const place of [0, 2, 4]) expect(order[place]?.[0]).toBe(order[place + 1]?.[0]);
  });
});

describe('a cached folder', () => {
  const fill = async (target: string) => {
    await sleep(30);
    writeFileSync(path.join(target, 'tool'), 'made');
  };

  test('is filled once by two at once', async () => {
    let fills = 0;
    const counting = async (target: string) => {
      fills += 1;
      await fill(target);
    };
    const made = await Promise.all([1, 2].map(() => cachedFolder(folder, 'tool-1', () => {}, counting)));
    expect(fills).toBe(1);
    expect(new Set(made).size).toBe(1);
    expect(existsSync(path.join(made[0] ?? '', 'tool'))).toBe(true);
  });

  test('that could not be filled does not exist, and the next try fills it', async () => {
    const broken = cachedFolder(
      folder,
      'tool-1',
      () => {},
      async (target) => {
        writeFileSync(path.join(target, 'half'), '');
        throw new Error('out of disk');
      },
    );
    await expect(broken).rejects.toThrow('out of disk');
    expect(readdirSync(path.join(folder, 'tools'))).toEqual([]);
    const made = await cachedFolder(folder, 'tool-1', () => {}, fill);
    expect(readdirSync(made)).toEqual(['tool']);
  });
});

describe('a Go tool', () => {
  const options = () => ({
    cache: path.join(folder, 'cache'),
    searchPath: path.join(folder, 'bin'),
    forEveryUser: false,
    onProgress: () => {},
  });

  test('is taken from PATH in a tested version', async () => {
    program('opa', 'echo "Version: 1.22.7"');
    expect(await ensureGoTool('opa', options())).toBe(path.join(folder, 'bin', 'opa'));
  });

  test.each(['echo "Version: 1.21.0"', 'exit 1', 'echo nothing'])(
    'is built when PATH has it otherwise: %s',
    async (script) => {
      program('opa', script);
      const before = process.env.PATH;
      process.env.PATH = path.join(folder, 'bin');
      program('go', 'while [ $# -gt 0 ]; do [ "$1" = -o ] && echo built > "$2"; shift; done');
      try {
        expect(await ensureGoTool('opa', options())).toMatch(/cache\/tools\/opa-1\.22\.2-[0-9a-f]{12}\/opa$/);
      } finally {
        process.env.PATH = before;
      }
    },
  );

  test('without Go is a sentence with the command that installs it', async () => {
    const before = process.env.PATH;
    process.env.PATH = folder;
    try {
      await ensureGoTool('opa', options());
      expect.unreachable();
    } catch (error) {
      if (!isFailure(error, 'tool_missing')) throw error;
      expect(error.exitCode).toBe(5);
      expect(error.message).toMatch(
        /^Go 1\.26 or newer is missing: install it with `sudo apt-get install golang-go/,
      );
    } finally {
      process.env.PATH = before;
    }
  });
});

test.runIf(uid === 0)(
  'for services under their own users, a program below a private folder does not count',
  () => {
    program('opa', '');
    const bin = path.join(folder, 'bin');
    // mkdtemp made the folder above it 0700.
    expect(findProgram('opa', bin, { forEveryUser: true })).toBeUndefined();
    expect(findProgram('opa', bin, { forEveryUser: false })).toBe(path.join(bin, 'opa'));
  },
);
