import { closeSync, constants, fstatSync, lstatSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type SystemCalls, systemCalls } from '../../src/files/system-calls.ts';
import { needsAttributes } from '../support/attributes.ts';
import { tempFolder } from './temp-tree.ts';

const nameOnly = 0o10000000;

describe('system calls', () => {
  const calls = systemCalls() as SystemCalls;
  let folder: string;
  let file: string;
  let link: string;
  let descriptor: number;
  const opened: number[] = [];
  const openAs = (path: string, flags: number): number => {
    const fresh = openSync(path, flags);
    opened.push(fresh);
    return fresh;
  };

  beforeEach(() => {
    folder = tempFolder();
    file = join(folder, 'file');
    link = join(folder, 'link');
    writeFileSync(file, 'content');
    symlinkSync('nowhere', link);
    descriptor = openAs(file, constants.O_RDONLY);
  });
  afterEach(() => {
    for (const each of opened.splice(0)) closeSync(each);
  });

  const mtimeOf = (at: string): bigint => lstatSync(at, { bigint: true }).mtimeNs;

  test.each([
    ['now, with nanoseconds', 1_763_888_855_123_456_789n],
    ['the last nanosecond before 1970', -1n],
    ['1960', -315_619_199_999_999_999n],
    ['the first second that ext4 can hold, in 1901', -2_147_483_648_000_000_000n],
    ['2200', 7_258_118_400_000_000_001n],
  ])('sets a modification time: %s', (_, mtimeNs) => {
    calls.setMtime(descriptor, mtimeNs);
    expect(mtimeOf(file)).toBe(mtimeNs);
  });

  test('leaves the access time alone', () => {
    const before = fstatSync(descriptor, { bigint: true }).atimeNs;
    calls.setMtime(descriptor, 5n);
    expect(fstatSync(descriptor, { bigint: true }).atimeNs).toBe(before);
  });

  test('sets the time of a link itself, by path and by descriptor', () => {
    calls.setMtime(Buffer.from(link), -5n);
    expect(mtimeOf(link)).toBe(-5n);
    calls.setMtime(openAs(link, nameOnly | constants.O_NOFOLLOW), 7n);
    expect(mtimeOf(link)).toBe(7n);
  });

  test('sets the time through a descriptor that only names a file, and of a folder', () => {
    calls.setMtime(openAs(file, nameOnly), 9n);
    calls.setMtime(openAs(folder, constants.O_RDONLY), 11n);
    expect(mtimeOf(file)).toBe(9n);
    expect(mtimeOf(folder)).toBe(11n);
  });

  test('tells a refusal by its code, without a path', () => {
    const missing = Buffer.from(join(folder, 'missing'));
    expect(() => calls.setMtime(missing, 0n)).toThrow(
      expect.objectContaining({ code: 'ENOENT', syscall: 'utimensat', message: 'ENOENT: utimensat' }),
    );
  });

  test('refuses a path with a NUL inside, which C would take for a shorter one', () => {
    expect(() => calls.setMtime(Buffer.from(`${file}\0x`), 0n)).toThrow(TypeError);
  });

  describe('of extended attributes', () => {
    const name = Buffer.from('user.\xff odd', 'latin1');
    const value = Buffer.from([0, 1, 255]);
    test('sets, lists, reads and removes them by descriptor', (context) => {
      needsAttributes(context, folder);
      expect(calls.listAttributes(descriptor)).toEqual([]);
      calls.setAttribute(descriptor, name, value);
      calls.setAttribute(descriptor, Buffer.from('user.empty'), Buffer.alloc(0));
      expect(calls.listAttributes(descriptor)).toHaveLength(2);
      expect(calls.listAttributes(descriptor)).toContainEqual(name);
      expect(calls.attribute(descriptor, name)).toEqual(value);
      expect(calls.attribute(descriptor, Buffer.from('user.empty'))).toEqual(Buffer.alloc(0));
      calls.removeAttribute(descriptor, name);
      expect(() => calls.attribute(descriptor, name)).toThrow(expect.objectContaining({ code: 'ENODATA' }));
    });

    test('reaches them through a descriptor that only names the file, and by path', (context) => {
      needsAttributes(context, folder);
      const named = openAs(file, nameOnly);
      calls.setAttribute(named, name, value);
      expect(calls.attribute(named, name)).toEqual(value);
      expect(calls.listAttributes(Buffer.from(file))).toEqual([name]);
      calls.removeAttribute(named, name);
      expect(calls.listAttributes(descriptor)).toEqual([]);
    });

    test('does not follow a link', () => {
      symlinkSync('file', join(folder, 'to-file'));
      const path = Buffer.from(join(folder, 'to-file'));
      expect(() => calls.setAttribute(path, name, value)).toThrow(expect.objectContaining({ code: 'EPERM' }));
    });
  });
});
