import { describe, expect, it } from 'vitest';
import { maxMetadataBytes } from '../../src/sealed/layout.ts';
import { decodeMetadata, encodeMetadata, type SealedMetadata } from '../../src/sealed/metadata.ts';
import { metadataOf, refusalOf } from './samples.ts';

const base = metadataOf(Buffer.from('content'));
const path = Buffer.from('a/b');

describe('metadata', () => {
  it('comes back as it was, raw path bytes and unknown members included', () => {
    const odd = Buffer.from([0xff, 0x0a, 0x2f, 0xc3]);
    const metadata = { ...base, future: { x: [1, null] } } as SealedMetadata;
    const decoded = decodeMetadata(encodeMetadata(odd, metadata), 'content');
    expect(decoded).toEqual({ path: odd, metadata });
  });

  it('names JavaScript treats specially are ordinary attribute names', () => {
    const xattrs = JSON.parse('{"__proto__":"AA==","constructor":"AA=="}');
    const decoded = decodeMetadata(encodeMetadata(path, { ...base, xattrs }), 'content');
    expect(Object.keys(decoded.metadata.xattrs ?? {}).sort()).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(decoded.metadata.xattrs)).toBe(Object.prototype);
  });

  it('drops the longest attributes first, only as many as needed, and counts them', () => {
    const big = (sizeBytes: number) => Buffer.alloc(sizeBytes).toString('base64');
    const xattrs = {
      'user.a': big(300_000),
      'user.y': big(400_000),
      'user.x': big(400_000),
      'user.d': big(1),
    };
    const { metadata } = decodeMetadata(encodeMetadata(path, { ...base, xattrs }), 'content');
    expect(Object.keys(metadata.xattrs ?? {}).sort()).toEqual(['user.a', 'user.d', 'user.y']);
    expect(metadata.xattrsDropped).toBe(1);
  });

  it('fits exactly at the limit and drops at one byte more', () => {
    const withValue = (bytes: number) => ({ ...base, xattrs: { 'user.a': 'AAAA'.repeat(bytes / 4) } });
    const overhead = encodeMetadata(path, withValue(4)).length - 4;
    const room = maxMetadataBytes - overhead;
    const fitting = room - (room % 4);
    // A path a few bytes longer takes up what is left to the limit.
    const exactPath = Buffer.from('p'.repeat(path.length + (room % 4)));
    const exact = encodeMetadata(exactPath, withValue(fitting));
    expect(exact.length).toBe(maxMetadataBytes);
    expect(decodeMetadata(exact, 'content').metadata.xattrsDropped).toBeUndefined();
    const over = decodeMetadata(
      encodeMetadata(Buffer.concat([exactPath, path]), withValue(fitting)),
      'content',
    );
    expect(over.metadata.xattrs).toBeUndefined();
    expect(over.metadata.xattrsDropped).toBe(1);
  });

  it('a long list of attributes is cut quickly', () => {
    const xattrs = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, n) => [`user.${n}`, Buffer.alloc(45, n).toString('base64')]),
    );
    const bytes = encodeMetadata(path, { ...base, xattrs });
    expect(bytes.length).toBeLessThanOrEqual(maxMetadataBytes);
    expect(bytes.length).toBeGreaterThan(maxMetadataBytes - 200);
  });

  it('a path that cannot be told in 16 bits is refused', async () => {
    expect(encodeMetadata(Buffer.alloc(65_535, 0x61), base).length).toBeGreaterThan(65_535);
    expect(await refusalOf(() => encodeMetadata(Buffer.alloc(65_536, 0x61), base))).toBe('name_too_long');
    const unknown = { ...base, future: 'x'.repeat(maxMetadataBytes) } as SealedMetadata;
    expect(await refusalOf(() => encodeMetadata(path, unknown))).toBe('name_too_long');
  });

  it.each(['', '/a', 'a/', 'a//b', '.', '..', 'a/../b', 'a/./b', 'a\0b'])('writes no path %j', (bad) => {
    expect(() => encodeMetadata(Buffer.from(bad), base)).toThrow(TypeError);
  });

  it('writes nothing a reader would refuse', () => {
    expect(() => encodeMetadata(path, { ...base, mode: 0o100644 })).toThrow(TypeError);
    expect(() => encodeMetadata(path, { ...base, mtimeNs: '01' })).toThrow(TypeError);
    expect(() => encodeMetadata(path, { ...base, class: '' })).toThrow(TypeError);
  });
});
