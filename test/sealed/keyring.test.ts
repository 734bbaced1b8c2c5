import { createHook } from 'node:async_hooks';
import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { canonical } from '../../src/domain/canonical.ts';
import { Failure } from '../../src/domain/failures.ts';
import {
  createScopeKey,
  drawMaster,
  drawSecrets,
  openRoot,
  openScopeKey,
  type RootKeys,
  readRootHeader,
  wrapRoot,
} from '../../src/sealed/keyring.ts';
import { scopeId } from '../../src/sealed/names.ts';
import { refusalOf } from './samples.ts';
import { readVectors, refusals, type Vector } from './vectors.ts';

const password = Buffer.from('a password');
const repositoryId = 'd'.repeat(32);

/** The value of a line like `id=key,id=key`. */
function keysOf(text: string): { id: Buffer; key: Buffer }[] {
  return text
    .split(',')
    .map((pair) => pair.split('='))
    .map(([id = '', key = '']) => ({ id: Buffer.from(id, 'hex'), key: Buffer.from(key, 'hex') }));
}

function rootOf(vector: Vector): RootKeys {
  return {
    repositoryId: vector.field('repository'),
    generation: 3,
    holder: 'owner',
    masters: keysOf(vector.field('masters')),
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
      holder: vector.field('holder'),
      masters: keysOf(vector.field('masters')),
      naming: vector.bytes('naming'),
      pathId: vector.bytes('path-id'),
      payload: keysOf(vector.field('payload')),
    });
  });

  const insideTheWrapping = new Set([
    'root-plaintext',
    'root-no-masters',
    'root-masters-repeated',
    'root-masters-order',
    'root-master-short',
    'root-payload-repeated',
    'root-plaintext-member',
  ]);

  it('only a sound document costs a key derivation', async () => {
    const cheap = readVectors('root').filter(({ name, expect: outcome }) => {
      return !['success', 'wrong-password'].includes(outcome) && !insideTheWrapping.has(name);
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
    if (vector.expect === 'newer-keyring') return expect(openScopeKey(root, vector.body)).toBe('newer');
    if (vector.expect !== 'success') {
      expect(refusals[vector.expect]).toBeDefined();
      return expect(await refusalOf(() => openScopeKey(root, vector.body))).toBe(refusals[vector.expect]);
    }
    expect(openScopeKey(root, vector.body)).toEqual({
      name: vector.field('scope'),
      scopeId: vector.field('scope-id'),
      number: Number(vector.field('number')),
      key: { id: vector.bytes('key-id'), secret: vector.bytes('key') },
    });
  });
});

describe('a new keyring', () => {
  const draw = (): RootKeys => ({ repositoryId, generation: 1, holder: 'owner', ...drawSecrets() });

  it('opens with its password, and scope keys with its root', async () => {
    const root = draw();
    const objectBytes = await wrapRoot(root, password);
    expect(await openRoot(objectBytes, password)).toEqual(root);
    expect(readRootHeader(objectBytes)).toEqual({
      repositoryId,
      generation: 1,
      holder: 'owner',
      keyId: root.masters[0]?.id.toString('hex'),
      iterations: 600_000,
    });
    const { objectKey, objectBytes: scopeBytes, key } = createScopeKey(root, 'finance', 4);
    const opened = openScopeKey(root, scopeBytes);
    expect(opened).toEqual({ name: 'finance', scopeId: scopeId(root, 'finance'), number: 4, key });
    expect(objectKey).toBe(`keys/scope/${scopeId(root, 'finance')}/${key.id.toString('hex')}`);
    expect(scopeBytes.includes(key.secret.toString('base64url'))).toBe(false);
  });

  it('opens what an older master key wrapped, and knows what a newer one did', () => {
    const old = draw();
    const rotated = { ...old, generation: 2, masters: [...old.masters, drawMaster()] };
    const before = createScopeKey(old, 'finance', 1).objectBytes;
    const after = createScopeKey(rotated, 'finance', 2).objectBytes;
    expect(openScopeKey(rotated, before)).toMatchObject({ number: 1 });
    expect(openScopeKey(rotated, after)).toMatchObject({ number: 2 });
    expect(openScopeKey(old, after)).toBe('newer');
  });

  it('draws every key, salt and nonce anew', async () => {
    const secrets = [];
    for (const root of [draw(), draw()]) {
      const { salt, nonce } = JSON.parse((await wrapRoot(root, password)).toString());
      const again = JSON.parse((await wrapRoot(root, password)).toString());
      const buffers = [...root.masters, ...root.payload].flatMap(({ id, key }) => [id, key]);
      const drawn = [...buffers, root.naming, root.pathId].map((bytes) => bytes.toString('hex'));
      secrets.push(...drawn, salt, nonce, again.salt, again.nonce);
    }
    expect(new Set(secrets).size).toBe(secrets.length);
  });

  it('needs a password and a form that can be read again', async () => {
    expect(await refusalOf(() => wrapRoot(draw(), Buffer.alloc(0)))).toBe('empty_password');
    for (const wrong of [{ repositoryId: 'x' }, { holder: 'A' }, { holder: '' }, { generation: 0 }])
      expect(await refusalOf(() => wrapRoot({ ...draw(), ...wrong }, password))).toBe('corrupted_keyring');
    await expect(wrapRoot(draw(), password, 599_999)).rejects.toThrow(RangeError);
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
