import type { ChildProcess } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { isFailure } from '../../src/domain/failures.ts';
import { assembleBundle, writeBundle } from '../../src/policy/bundle.ts';
import { only } from '../../src/policy/epoch.ts';
import { OpaEngine } from '../../src/policy/opa-engine.ts';
import { encodeFooter } from '../../src/sealed/footer.ts';
import { deriveFileKeys, type SealingKey } from '../../src/sealed/keys.ts';
import {
  coveredBytes,
  headBytes,
  ivBytes,
  segmentCountFor,
  segmentSizeFor,
  tableEntryBytes,
} from '../../src/sealed/layout.ts';
import { encodeMetadata } from '../../src/sealed/metadata.ts';
import type { CompressedSegment, SealPlan } from '../../src/sealed/seal.ts';
import { rawSegment, writeTableEntry } from '../../src/sealed/segments.ts';
import { startOpa, stop } from '../policy/opa.ts';
import { config } from '../policy/questions.ts';
import {
  makeWorld,
  noise,
  protectOnce,
  untilScanned,
  untilUploaded,
  type World,
} from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

/** How the sealer of this file lies; undefined: it does not. The program has no other sealer, and no way to be given one. */
let lie: Lie | undefined;

interface Lie {
  readonly key?: SealingKey;
  /** What the metadata calls the key's scope. */
  readonly scope?: string;
  readonly cipher?: 'none' | 'aes-128-ctr';
  readonly unauthenticated?: boolean;
  readonly content?: (plain: Buffer) => Buffer;
}

vi.mock(import('../../src/sealed/seal.ts'), async (importOriginal) => {
  const honest = await importOriginal();
  /** The same bytes as the honest one but for the lie. Segments are stored as they are, which either may do. */
  class Sealer {
    readonly #plan: SealPlan;
    readonly #lie: Lie;
    readonly #keys: ReturnType<typeof deriveFileKeys>;
    readonly #cipher: { update(bytes: Buffer): Buffer };
    readonly #table: Buffer;
    readonly #head = Buffer.alloc(headBytes);
    readonly #metadata: Buffer;
    #index = 0;
    #appended = 0;
    #length = 0;

    constructor(plan: SealPlan) {
      this.#lie = lie ?? {};
      this.#plan = { ...plan, key: this.#lie.key ?? plan.key };
      this.#keys = deriveFileKeys(this.#plan.key, plan.purpose, plan.iv);
      const encrypt = createCipheriv('aes-256-ctr', this.#keys.encrypt, plan.iv);
      const weak = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), plan.iv);
      plan.iv.copy(this.#head);
      const { scope = plan.metadata.scope } = this.#lie;
      const metadata = encodeMetadata(plan.path, { ...plan.metadata, scope });
      this.#head.writeUInt32BE(metadata.length, ivBytes);
      this.#metadata = encrypt.update(metadata);
      const { cipher } = this.#lie;
      this.#cipher = cipher === 'none' ? { update: (bytes) => Buffer.from(bytes) } : cipher ? weak : encrypt;
      this.#table = Buffer.alloc(tableEntryBytes * segmentCountFor(plan.plaintextLength));
    }

    header = (): Buffer => Buffer.concat([this.#head, this.#metadata]);
    compress = async (plain: Buffer): Promise<CompressedSegment> => this.compressSync(plain);
    compressSync(plain: Buffer): CompressedSegment {
      const told = this.#lie.content?.(Buffer.from(plain)) ?? Buffer.from(plain);
      return { index: this.#index++, ...rawSegment(told) };
    }
    append({ index, bytes, raw }: CompressedSegment): Buffer {
      const ciphertext = this.#cipher.update(bytes);
      writeTableEntry(this.#table, index, { ciphertext, raw }, this.#keys.authenticate);
      this.#appended++;
      this.#length += ciphertext.length;
      return ciphertext;
    }
    trailer(): Buffer {
      const { plaintextLength, compression, key } = this.#plan;
      const footer = encodeFooter(
        {
          ...{ compression: compression.algorithm, segmentSize: segmentSizeFor(plaintextLength) },
          ...{ segmentCount: this.#appended, keyId: key.id, plaintextLength, ciphertextLength: this.#length },
        },
        { head: this.#head, encryptedMetadata: this.#metadata, table: this.#table },
        this.#keys.authenticate,
      );
      if (this.#lie.unauthenticated) footer.subarray(-32).fill(0);
      return Buffer.concat([this.#table, footer]);
    }
  }
  const sealWhole = (plan: SealPlan, content: Buffer): Buffer => {
    const sealer = new Sealer(plan);
    const parts = [sealer.header()];
    const size = segmentSizeFor(content.length);
    for (let at = 0; at < content.length; at += size) {
      const plain = content.subarray(at, at + coveredBytes(content.length, size, at / size));
      parts.push(sealer.append(sealer.compressSync(plain)));
    }
    return Buffer.concat([...parts, sealer.trailer()]);
  };
  return { ...honest, Sealer, sealWhole } as unknown as typeof honest;
});

const postgres = usePostgres();
let folder: string;
let opa: ChildProcess;
let engine: OpaEngine;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-lying-'));
  const local = { jurisdiction: 'local', classifications: config.destinations.local?.classifications ?? [] };
  const bundle = await assembleBundle({
    policiesDir: join(import.meta.dirname, '../../policies'),
    config: { ...config, sources: { docs: {} }, destinations: { primary: local } },
  });
  const [file, socketPath] = [join(folder, 'bundle.tar.gz'), join(folder, 'opa.sock')];
  await writeBundle(bundle, file);
  opa = await startOpa(file, socketPath);
  engine = new OpaEngine({ socketPath, timeoutMs: 5_000, epoch: only(bundle.revision) });
});
afterAll(async () => {
  engine.close();
  await stop(opa);
  rmSync(folder, { recursive: true, force: true });
});

/** A world judged by the real rules. */
async function judgedWorld(): Promise<World & { judged: World['context'] }> {
  lie = undefined;
  const world = await makeWorld(postgres());
  return { ...world, judged: world.another({ policy: engine }) };
}

const strange = (label: string): SealingKey => ({
  id: noise(16, label),
  secret: noise(64, `${label} secret`),
});

const lies: [string, (world: World) => Lie][] = [
  ['the key of another scope', ({ context }) => ({ key: context.keys.sealingKey('restricted') })],
  [
    'another scope, in the metadata too',
    ({ context }) => ({ key: context.keys.sealingKey('restricted'), scope: 'restricted' }),
  ],
  ['a key nobody knows', () => ({ key: strange('foreign') })],
  ['no cipher at all', () => ({ cipher: 'none' })],
  ['a weaker cipher', () => ({ cipher: 'aes-128-ctr' })],
  ['no authentication', () => ({ unauthenticated: true })],
  ['other content of the same length', () => ({ content: (plain) => plain.fill(0x2e) })],
];

describe('a sealer that lies', () => {
  test('is believed as long as it does not', async () => {
    const { judged, ...world } = await judgedWorld();
    world.write('small', 'true');
    world.write('large', noise(9 * 1024 * 1024));
    expect(await protectOnce(judged, await world.entry('small'))).toMatchObject({ outcome: 'uploaded' });
    expect(await protectOnce(judged, await world.entry('large'))).toMatchObject({ outcome: 'uploaded' });
  });

  test.each(lies)('about small content, with %s, sends nothing', async (_, lieOf) => {
    const { judged, ...world } = await judgedWorld();
    world.write('small', 'a secret of the town hall');
    const seen = await untilScanned(judged, await world.entry('small'));
    if ('next' in seen) throw new Error('not scanned');
    lie = lieOf(world);
    const caught = await untilUploaded(judged, seen).catch((error: unknown) => {
      if (!isFailure(error)) throw error;
      return error.code;
    });
    // Denied by policy, or refused by the reader before there was anything to judge.
    if (typeof caught === 'string') expect(['tampered', 'unknown_key']).toContain(caught);
    else
      expect(caught).toMatchObject({
        outcome: 'held',
        reason: expect.stringMatching(/^(scope|content)_mismatch$/),
      });
    expect(world.calls).not.toContain('put');
    expect(await world.versions()).toEqual([]);
    expect(await world.catalog.rows(`select 1 from decisions where gate = 'release' and allow`)).toEqual([]);
  });

  test.each(lies.slice(0, 6))('about large content, with %s, completes nothing', async (_, lieOf) => {
    const { judged, ...world } = await judgedWorld();
    world.write('large', noise(9 * 1024 * 1024));
    const seen = await untilScanned(judged, await world.entry('large'));
    if ('next' in seen) throw new Error('not scanned');
    lie = lieOf(world);
    await expect(untilUploaded(judged, seen)).rejects.toMatchObject({
      code: expect.stringMatching(/^(sealing_refused|tampered|unknown_key)$/),
    });
    expect(world.calls.filter((call) => /complete/i.test(call))).toEqual([]);
    expect(await world.versions()).toEqual([]);
  });
});
