/** Reads the test vectors of docs/format.md section 7. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FailureCode } from '../../src/domain/failures.ts';
import type { SealingKey } from '../../src/sealed/keys.ts';
import type { SealedMetadata } from '../../src/sealed/metadata.ts';
import type { SealPlan } from '../../src/sealed/seal.ts';

export const vectorFolder = fileURLToPath(new URL('vectors/', import.meta.url));

export interface Vector {
  readonly name: string;
  readonly kind: string;
  readonly expect: string;
  /** A header line's value. Throws if the vector has no such line. */
  field(name: string): string;
  /** The same, from hex. */
  bytes(name: string): Buffer;
  readonly body: Buffer;
}

/** The failure code of each refusal the document names. */
export const refusals: Readonly<Record<string, FailureCode>> = {
  damaged: 'tampered',
  unsupported: 'unsupported_format',
  'unknown-key': 'unknown_key',
  'wrong-password': 'wrong_password',
  'corrupted-keyring': 'corrupted_keyring',
  'hostile-keyring': 'hostile_keyring',
};

export function readVectors(...kinds: string[]): Vector[] {
  return readdirSync(vectorFolder)
    .sort()
    .map((file) => parseVector(readFileSync(`${vectorFolder}${file}`, 'utf8')))
    .filter(({ kind }) => kinds.includes(kind));
}

function parseVector(text: string): Vector {
  const end = text.indexOf('\n\n');
  const fields = new Map<string, string>();
  for (const line of text.slice(0, end).split('\n')) {
    const colon = line.indexOf(': ');
    fields.set(line.slice(0, colon), line.slice(colon + 2));
  }
  const field = (name: string): string => {
    const value = fields.get(name);
    if (value === undefined) throw new Error(`vector ${fields.get('name')} has no ${name}`);
    return value;
  };
  return {
    name: field('name'),
    kind: field('kind'),
    expect: field('expect'),
    field,
    bytes: (name) => Buffer.from(field(name), 'hex'),
    body: Buffer.from(text.slice(end + 2), 'base64'),
  };
}

export function keyOf(vector: Vector): SealingKey {
  return { id: vector.bytes('key-id'), secret: vector.bytes('key') };
}

/** The content of a vector that opens. */
export function contentOf(vector: Vector): Buffer {
  const [how, first = '', second] = vector.field('content').split(' ');
  switch (how) {
    case 'hex':
      return Buffer.from(first, 'hex');
    case 'zeros':
      return Buffer.alloc(Number(first));
    case 'fox':
      return Buffer.from(
        Array.from({ length: 60 }, (_, n) => `line ${n}: the quick brown fox jumps over the lazy dog\n`).join(
          '',
        ),
      );
    case 'shake256':
      return createHash('shake256', { outputLength: Number(second) })
        .update(`holdfast vector ${first}`)
        .digest();
    default:
      throw new Error(`unknown content ${how}`);
  }
}

/** What a sealer is told to make the vector's bytes. */
export function planOf(vector: Vector): SealPlan {
  const metadata = JSON.parse(vector.field('metadata')) as SealedMetadata;
  return {
    key: keyOf(vector),
    iv: vector.bytes('iv'),
    purpose: 'content',
    path: vector.bytes('path'),
    metadata,
    plaintextLength: metadata.size,
    compression: { algorithm: vector.field('compression') as 'none' | 'zstd', level: 3 },
  };
}
