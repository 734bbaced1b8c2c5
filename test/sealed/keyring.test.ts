import { createHook } from 'node:async_hooks';
import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { canonical } from '../../src/domain/canonical.ts';
import { Failure } from '../../src/domain/failures.ts';
import {
  createRoot,
  createScopeKey,
  openRoot,
  openScopeKey,
  type RootKeys,
} from '../../src/sealed/keyring.ts';
import { scopeId } from '../../src/sealed/names.ts';
import { refusalOf } from './samples.ts';
import { readVectors, refusals, type Vector } from './vectors.ts';

const password = Buffer.from('a password');
const repositoryId = 'd'.repeat(32);

function rootOf(vector: Vector): RootKeys {
  return {
    repositoryId: vector.field('repository'),
    generation: 3,
    keyId: Buffer.alloc(16),
    master: vector.bytes('master'),
    naming: vector.bytes('naming'),
    pathId: Buffer.alloc(64),
    payload: [],
  };
}

/** How many password derivations `action` starts. */
async function derivationsIn(action: () => Promise<unknown>): Promise<number> {
  let started = 0;
  const hook = createHook({ init: (_, type) => void (type === 'PBKDF2REQUEST' && started++) }).enable();
  await action();
  hook.disable();
  return started;
}

describe('root vectors', () => {
  it.each(readVectors('root'))('$name', async (vector) => {
    const opening = () => openRoot(vector.body, vector.bytes('password'));
    if (vector.expect !== 'success') {
      expect(refusals[vector.expect]).toBeDefined();
      return expect(await refusalOf(opening)).toBe(refusals[vector.expect]);
    }
    const root = await opening();
    expect(root).toEqual({
      repositoryId: vector.field('repository'),
      generation: Number(vector.field('generation')),
      keyId: vector.bytes('key-id'),
      master: vector.bytes('master'),
      naming: vector.bytes('naming'),
      pathId: vector.bytes('path-id'),
      payload: vector
        .field('payload')
        .split(',')
        .map((pair) => pair.split('='))
        .map(([id = '', key = '']) => ({ id: Buffer.from(id, 'hex'), key: Buffer.from(key, 'hex') })),
    });
  });

  it('only a sound document costs a key derivation', async () => {
    const cheap = readVectors('root').filter(({ name, expect: outcome }) => {
      return !['success', 'wrong-password'].includes(outcome) && name !== 'root-plaintext';
    });
    expect(cheap.length).toBeGreaterThan(10);
    const derivations = await derivationsIn(async () => {
      for (const vector of cheap) await refusalOf(() => openRoot(vector.body, vector.bytes('password')));
    });
    expect(derivations).toBe(0);
    const [sound] = readVectors('root');
    expect(
      await derivationsIn(() => openRoot(sound?.body ?? Buffer.alloc(0), password).catch(() => {})),
    ).toBe(1);
  });

  it('every refusal of the keyring ends the process with code 6', () => {
    const codes = [
      'wrong_password',
      'corrupted_keyring',
      'hostile_keyring',
      'empty_password',
      'unknown_key',
    ] as const;
    expect(codes.map((code) => new Failure(code).exitCode)).toEqual([6, 6, 6, 6, 6]);
  });
});

describe('scope key vectors', () => {
  it.each(readVectors('scope'))('$name', async (vector) => {
    const root = rootOf(vector);
    if (vector.expect !== 'success') {
      expect(refusals[vector.expect]).toBeDefined();
      return expect(await refusalOf(() => openScopeKey(root, vector.body))).toBe(refusals[vector.expect]);
    }
    expect(openScopeKey(root, vector.body)).toEqual({
      scopeId: vector.field('scope-id'),
      key: { id: vector.bytes('key-id'), secret: vector.bytes('key') },
    });
  });
});

describe('a new keyring', () => {
  it('opens with its password, and scope keys with its root', async () => {
    const { objectBytes, root } = await createRoot(password, { repositoryId, generation: 1 });
    expect(await openRoot(objectBytes, password)).toEqual(root);
    const { objectKey, objectBytes: scopeBytes, key } = createScopeKey(root, 'finance');
    const opened = openScopeKey(root, scopeBytes);
    expect(opened).toEqual({ scopeId: scopeId(root, 'finance'), key });
    expect(objectKey).toBe(`keys/scope/${opened.scopeId}/${key.id.toString('hex')}`);
    expect(scopeBytes.includes(key.secret.toString('base64url'))).toBe(false);
  });

  it('draws every key, salt and nonce anew', async () => {
    const [a, b] = await Promise.all([
      createRoot(password, { repositoryId, generation: 1 }),
      createRoot(password, { repositoryId, generation: 1 }),
    ]);
    const secrets = [a, b].flatMap(({ root, objectBytes }) => {
      const { salt, nonce } = JSON.parse(objectBytes.toString());
      const payload = root.payload.flatMap(({ id, key }) => [id, key]);
      const buffers = [root.keyId, root.master, root.naming, root.pathId, ...payload];
      return [...buffers.map((bytes) => bytes.toString('hex')), salt, nonce];
    });
    expect(new Set(secrets).size).toBe(secrets.length);
  });

  it('needs a password and a form that can be read again', async () => {
    expect(await refusalOf(() => createRoot(Buffer.alloc(0), { repositoryId, generation: 1 }))).toBe(
      'empty_password',
    );
    expect(await refusalOf(() => createRoot(password, { repositoryId: 'x', generation: 1 }))).toBe(
      'corrupted_keyring',
    );
    await expect(createRoot(password, { repositoryId, generation: 1, iterations: 599_999 })).rejects.toThrow(
      RangeError,
    );
  });
});

describe('hostile keyrings', () => {
  const good = readVectors('root').find(({ name }) => name === 'root')?.body ?? Buffer.alloc(0);

  it('too long, deeply nested and random bytes are refused without deriving', async () => {
    const bodies = [
      Buffer.alloc(65_537, 0x20),
      Buffer.from('['.repeat(65_000)),
      Buffer.from(`{"v":1,"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`),
      Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), good]),
    ];
    const derivations = await derivationsIn(async () => {
      for (const body of bodies) {
        expect(await refusalOf(() => openRoot(body, password))).toBe('corrupted_keyring');
      }
    });
    expect(derivations).toBe(0);
  });

  it('a document above the limit is refused though nothing else is wrong with it', async () => {
    const { checksum: _, ...document } = JSON.parse(good.toString());
    const sized = async (wrappedBytes: number) => {
      const unchecked = { ...document, wrapped: Buffer.alloc(wrappedBytes).toString('base64url') };
      const checksum = hash('sha256', canonical(unchecked), 'base64url');
      return refusalOf(() => openRoot(canonical({ ...unchecked, checksum }), password));
    };
    expect(await sized(48_000)).toBe('wrong_password');
    expect(await sized(49_200)).toBe('corrupted_keyring');
  });

  it('every altered byte is told from a wrong password', async () => {
    for (let at = 0; at < good.length; at++) {
      const bytes = Buffer.from(good);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      const code = await refusalOf(() => openRoot(bytes, password));
      expect(['corrupted_keyring', 'unsupported_format', 'hostile_keyring'], `byte ${at}`).toContain(code);
    }
  });
});
