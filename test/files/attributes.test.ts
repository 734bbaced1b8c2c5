import { closeSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readAttributes } from '../../src/files/attributes.ts';
import { fingerprintFile } from '../../src/files/fingerprint.ts';
import { attributesInside } from '../../src/files/open.ts';
import { openRoot } from '../../src/files/root.ts';
import { type SystemCalls, systemCalls } from '../../src/files/system-calls.ts';
import { needsAttributes } from '../support/attributes.ts';
import { bytes, tempFolder } from './temp-tree.ts';

type Calls = Pick<SystemCalls, 'listAttributes' | 'attribute'>;

/** A file system with these attributes; a value that is text is the code of the error that reading it gives. */
function having(attributes: readonly (readonly [name: Buffer, value: Buffer | string])[]): Calls {
  return {
    listAttributes: () => attributes.map(([name]) => name),
    attribute(_at, asked) {
      const value = attributes.find(([name]) => name.equals(asked))?.[1] ?? 'ENODATA';
      if (Buffer.isBuffer(value)) return value;
      throw Object.assign(new Error(value), { code: value, syscall: 'getxattr' });
    },
  };
}

const refusing = (code: string): Calls => ({
  ...having([]),
  listAttributes: () => {
    throw Object.assign(new Error(code), { code, syscall: 'listxattr' });
  },
});

describe('attributes that are recorded', () => {
  test('are those of users, capabilities and access control lists, as base64', () => {
    const recorded = ['user.a', 'security.capability', 'system.posix_acl_access', 'system.posix_acl_default'];
    const others = ['security.selinux', 'security.ima', 'trusted.overlay.opaque', 'system.nfs4_acl', 'userx'];
    const calls = having([...recorded, ...others].map((name) => [bytes(name), bytes('\x00\xff')]));
    expect(readAttributes(0, calls)).toEqual({
      kept: Object.fromEntries(recorded.map((name) => [name, 'AP8='])),
      dropped: 0,
    });
  });

  test('are counted where a name is not UTF-8 or a value may not or cannot be read', () => {
    const calls = having([
      [bytes('user.\xff'), bytes('1')],
      [bytes('user.secret'), 'EACCES'],
      [bytes('user.huge'), 'E2BIG'],
      [bytes('user.gone'), 'ENODATA'],
      [Buffer.from('user.é'), bytes('2')],
    ]);
    expect(readAttributes(0, calls)).toEqual({ kept: { 'user.é': 'Mg==' }, dropped: 3 });
  });

  test('leave out the longest first where they are too much for the metadata of a sealed file', () => {
    const value = (sizeBytes: number) => Buffer.alloc(sizeBytes, 1);
    const many = Array.from({ length: 20 }, (_, i) => [bytes(`user.${i}`), value(40_000 + i)] as const);
    const { kept, dropped } = readAttributes(0, having([...many, [bytes('user.small'), value(1)]]));
    expect(dropped).toBe(3);
    const left = many.map(([name]) => String(name)).filter((name) => !(name in kept));
    // 15, 16 and 17 are equally long.
    expect(left).toEqual(['user.15', 'user.18', 'user.19']);
    expect('user.small' in kept).toBe(true);
  });

  test('are none where the file system or the platform has none', () => {
    expect(readAttributes(0, refusing('ENOTSUP'))).toEqual({ kept: {}, dropped: 0 });
    expect(readAttributes(0, refusing('ENOSYS'))).toEqual({ kept: {}, dropped: 0 });
    expect(readAttributes(0, refusing('E2BIG'))).toEqual({ kept: {}, dropped: 1 });
    expect(() => readAttributes(0, refusing('EIO'))).toThrow('EIO');
  });

  test('cost one call where there is none', () => {
    let calls = 0;
    const listAttributes = (): Buffer[] => {
      calls += 1;
      return [];
    };
    readAttributes(0, { listAttributes, attribute: () => expect.unreachable() });
    expect(calls).toBe(1);
  });
});

describe('on a real file system', () => {
  const set = (path: string, name: string): void =>
    systemCalls()?.setAttribute(Buffer.from(path), bytes(name), bytes('value'));

  test('a file keeps them with its fingerprint; a change between the two looks is noticed', async (context) => {
    const folder = tempFolder();
    needsAttributes(context, folder);
    const path = join(folder, 'file');
    writeFileSync(path, 'content');
    set(path, 'user.a');
    const handle = await open(path);
    onTestFinished(() => handle.close());
    const options = { segmentSizeFor: () => 1024 };
    expect(await fingerprintFile(handle, options)).toMatchObject({
      kind: 'fingerprint',
      attributes: { kept: { 'user.a': 'dmFsdWU=' }, dropped: 0 },
    });
    const during = {
      segmentSizeFor: () => {
        set(path, 'user.b');
        return 1024;
      },
    };
    expect(await fingerprintFile(handle, during)).toEqual({ kind: 'changed' });
  });

  test('a folder has them, a link does not show those of what it points to', async (context) => {
    const folder = tempFolder();
    needsAttributes(context, folder);
    const root = await openRoot(folder);
    mkdirSync(join(folder, 'dir'));
    set(join(folder, 'dir'), 'user.a');
    symlinkSync('dir', join(folder, 'link'));
    expect(await attributesInside(root, bytes('dir'))).toMatchObject({
      kind: 'attributes',
      attributes: { kept: { 'user.a': 'dmFsdWU=' } },
    });
    expect(await attributesInside(root, bytes('link'))).toMatchObject({ attributes: { kept: {} } });
    expect(await attributesInside(root, bytes('nothing'))).toEqual({ kind: 'gone' });
  });

  test('a device of the system without attributes has none', () => {
    const descriptor = openSync('/proc/self/status', 'r');
    onTestFinished(() => closeSync(descriptor));
    expect(readAttributes(descriptor)).toEqual({ kept: {}, dropped: 0 });
  });
});
