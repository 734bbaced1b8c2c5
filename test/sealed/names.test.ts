import { describe, expect, it } from 'vitest';
import {
  deriveId,
  objectKey,
  prefixed,
  rootObjectKey,
  scopeId,
  scopeObjectKey,
} from '../../src/sealed/names.ts';
import { readVectors } from './vectors.ts';

const keyId = Buffer.from(
  readVectors('scope')
    .find(({ name }) => name === 'scope')
    ?.field('key-id') ?? '',
  'hex',
);

describe('object names', () => {
  it.each(readVectors('names'))('$name', (vector) => {
    const root = { naming: vector.bytes('naming') };
    const o = { root, scope: vector.field('scope'), sha512: vector.bytes('sha512'), iv: vector.bytes('iv') };
    expect(objectKey({ ...o, prefix: '' })).toBe(vector.field('keyed'));
    expect(objectKey({ ...o, prefix: 'a/b' })).toBe(`a/b/${vector.field('keyed')}`);
    expect(objectKey({ ...o, prefix: '', naming: 'plain' })).toBe(vector.field('plain'));
    expect(scopeId(root, o.scope)).toBe(vector.field('scope-id'));
    expect(rootObjectKey(3)).toBe(vector.field('root-name'));
    expect(scopeObjectKey(scopeId(root, o.scope), keyId)).toBe(vector.field('scope-name'));
  });

  it('a prefix is one folder more', () => {
    expect(prefixed('', 'x')).toBe('x');
    expect(prefixed('p', 'x')).toBe('p/x');
  });

  it('the same content has unrelated names in two scopes', () => {
    const o = {
      prefix: '',
      root: { naming: Buffer.alloc(64, 1) },
      sha512: Buffer.alloc(64),
      iv: Buffer.alloc(16),
    };
    expect(objectKey({ ...o, scope: 'a' })).not.toBe(objectKey({ ...o, scope: 'b' }));
  });
});

describe('derived identifiers', () => {
  it.each(readVectors('ids'))('$name', (vector) => {
    const parts = JSON.parse(vector.field('array')) as [string, ...(string | number)[]];
    expect(deriveId(vector.bytes('path-id'), parts)).toBe(vector.field('id'));
  });
});
