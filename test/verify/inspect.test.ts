import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { keySealer, sealManifest } from '../../src/manifest/encode.ts';
import { manifestName } from '../../src/manifest/names.ts';
import type { SealingKey } from '../../src/sealed/keys.ts';
import type { ByteSource } from '../../src/sealed/open.ts';
import { type Inspected, inspect, inspectMember } from '../../src/verify/inspect.ts';
import { packOf } from '../support/packer.ts';
import { noise } from '../support/pipeline.ts';
import { sealSample } from './sealed-samples.ts';

const key: SealingKey = { id: randomBytes(16), secret: randomBytes(64) };
const keys = (id: Buffer): SealingKey | undefined => (id.equals(key.id) ? key : undefined);

/** Counts the bytes that are read of something. */
function counted(
  bytes: Buffer,
): ByteSource & { read(offset: number, length: number): Promise<Buffer>; total(): number } {
  let total = 0;
  return {
    lengthBytes: bytes.length,
    async read(offset, length) {
      total += length;
      return bytes.subarray(offset, offset + length);
    },
    total: () => total,
  };
}

const kinds = <Kind extends Inspected['kind']>(inspected: Inspected, kind: Kind) => {
  expect(inspected.kind).toBe(kind);
  return inspected as Extract<Inspected, { kind: Kind }>;
};

describe('a sealed file', () => {
  const content = noise(20 * 1024 * 1024);
  const sealed = sealSample(key, content, 'letters/2026.odt');

  test('without a key: the numbers, from 156 bytes of 20 MiB', async () => {
    const source = counted(sealed);
    const { frame, authenticated, path } = kinds(await inspect(source, {}), 'sealed file');
    expect(source.total()).toBe(20 + 136);
    expect({ authenticated, path }).toEqual({ authenticated: false, path: undefined });
    expect(frame).toMatchObject({
      formatVersion: 1,
      iv: sealed.toString('hex', 0, 16),
      keyId: key.id.toString('hex'),
      compression: 'none',
      plaintextLength: content.length,
      ciphertextLength: content.length,
      segmentSize: 1024 * 1024,
      segmentCount: 20,
    });
  });

  test('with the key: path and attributes, from head, metadata, table and footer alone', async () => {
    const source = counted(sealed);
    const { frame, authenticated, path, metadata } = kinds(await inspect(source, { keys }), 'sealed file');
    expect(source.total()).toBe(20 + frame.metadataLength + 20 * 20 + 136);
    expect(authenticated).toBe(true);
    expect(path?.toString()).toBe('letters/2026.odt');
    expect(metadata).toMatchObject({ size: content.length, mode: 0o640, scope: 'default' });
  });

  test('with other keys, or changed: the numbers, and why nobody vouches for them', async () => {
    const other = kinds(await inspect(counted(sealed), { keys: () => undefined }), 'sealed file');
    expect(other).toMatchObject({ authenticated: false, problem: { code: 'unknown_key' } });
    const changed = Buffer.from(sealed);
    changed[30] = (changed[30] ?? 0) ^ 1;
    const found = kinds(await inspect(counted(changed), { keys }), 'sealed file');
    expect(found).toMatchObject({ authenticated: false, problem: { code: 'tampered' } });
    expect(found.path).toBeUndefined();
  });
});

describe('other things', () => {
  const source = 'a'.repeat(32);
  const objectName = manifestName(source, 7);

  test('a manifest: whose it is, and which scopes it has', async () => {
    const bytes = await sealManifest({
      head: {
        v: 1,
        source,
        name: 'documents',
        number: 7,
        kind: 'journal',
        last: true,
        previousSha256: null,
        createdAt: '2026-11-23T10:00:00.000Z',
      },
      sections: new Map(),
      seal: keySealer({ sealingKey: () => key }),
    });
    const named = kinds(await inspect(counted(bytes), { keys, name: objectName }), 'manifest');
    expect(named).toMatchObject({ authenticated: true, objectName, head: { name: 'documents', number: 7 } });
    // A file has no name: what it is stands in its index.
    expect(await inspect(counted(bytes), { keys })).toMatchObject({ kind: 'manifest', authenticated: true });
    const elsewhere = await inspect(counted(bytes), { keys, name: manifestName(source, 8) });
    expect(elsewhere).toMatchObject({ authenticated: false, problem: { code: 'tampered' } });
    expect(await inspect(counted(bytes), {})).toMatchObject({ kind: 'pack', authenticated: false });
  });

  test('a keyring document: which, and how it is wrapped', async () => {
    const vector = readFileSync(new URL('../sealed/vectors/root.txt', import.meta.url), 'utf8');
    const body = Buffer.from(vector.slice(vector.indexOf('\n\n')), 'base64');
    const { document } = kinds(await inspect(counted(body), {}), 'keyring document');
    expect(document).toMatchObject({ purpose: 'root', kdf: 'pbkdf2-hmac-sha256', iterations: 600_000 });
  });

  test('an OpenPGP message: for whom', async () => {
    // A session key packet of version 3 for one RSA key, then encrypted data of version 1 (RFC 4880, 5.1 and 5.13).
    const packet = Buffer.concat([
      Buffer.of(3),
      Buffer.from('0123456789abcdef', 'hex'),
      Buffer.of(1),
      noise(30),
    ]);
    const message = Buffer.concat([
      Buffer.of(0xc1, packet.length),
      packet,
      Buffer.of(0xd2, 101, 1),
      noise(100),
    ]);
    const { recipients } = kinds(await inspect(counted(message), {}), 'openpgp message');
    expect(recipients).toEqual(['0123456789abcdef']);
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.of(0x7b)],
    ['other JSON', Buffer.from('{"a":1}')],
    ['text', Buffer.from('plain text\n'.repeat(100))],
    ['what begins like OpenPGP', Buffer.alloc(1_000, 0xff)],
  ])('%s is unknown', async (_, bytes) => {
    expect(await inspect(counted(bytes), { keys })).toEqual({
      kind: 'unknown',
      lengthBytes: bytes.length,
      authenticated: false,
    });
  });
});

describe('a pack', () => {
  const sealed = ['a.txt', 'b.txt'].map((path) => sealSample(key, Buffer.from(path), path));
  const files = sealed.map((bytes, at) => {
    return { sealed: bytes, source: 'a'.repeat(32), entry: 'b'.repeat(32), version: `${at}`.repeat(32) };
  });
  const { name, bytes, members } = packOf(files, key, 'default');
  const ofPack = (inspected: Inspected) => {
    expect(inspected.kind).toBe('pack');
    return inspected as Extract<Inspected, { kind: 'pack' | 'manifest' }>;
  };

  test('without a key: what its index is; with it: its members and whose they are', async () => {
    const plain = ofPack(await inspect(counted(bytes), { name }));
    expect([plain.authenticated, plain.members]).toEqual([false, undefined]);
    const told = ofPack(await inspect(counted(bytes), { name, keys }));
    expect(told).toMatchObject({ authenticated: true, objectName: name });
    expect(told.members).toMatchObject(members);
  });

  test('one file in it, by its number', async () => {
    // What the samples say of themselves.
    const one = packOf([{ ...files[0], version: 'c'.repeat(32) } as (typeof files)[0]], key, 'default');
    const told = await inspectMember(counted(one.bytes), 1, { keys, name: one.name });
    expect(told && kinds(told, 'sealed file')).toMatchObject({
      authenticated: true,
      path: Buffer.from('a.txt'),
      member: { number: 1, count: 1, offset: 0 },
    });
    expect(await inspectMember(counted(one.bytes), 2, { keys, name: one.name })).toBeUndefined();
  });

  test('one that lies where its index names another is told as damaged, and so is a pack under another name', async () => {
    const told = await inspectMember(counted(bytes), 2, { keys, name });
    expect(told && kinds(told, 'sealed file').problem).toMatchObject({ code: 'tampered' });
    const moved = await inspect(counted(bytes), { keys, name: `packs/${'0'.repeat(64)}` });
    expect(ofPack(moved)).toMatchObject({ authenticated: false, problem: { code: 'tampered' } });
  });
});
