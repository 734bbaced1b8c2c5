import { openRoot, openScopeKey, type RootKeys } from '../../../src/sealed/keyring.ts';
import { decodeMetadata } from '../../../src/sealed/metadata.ts';
import { refusalOf } from '../samples.ts';
import { alteredBytes, anOriginal } from './altered.ts';
import { large, small } from './corpus.ts';
import { forgedBytes } from './forged.ts';
import { broke, checkMetadata, readBothWays, readLyingSource } from './judge.ts';
import { hostileDocument, rootVector, scopeVector } from './keyring-bytes.ts';
import { metadataBytes } from './metadata-bytes.ts';
import { Random } from './random.ts';

export const kinds = ['altered', 'lying source', 'forged', 'metadata', 'scope', 'root'] as const;
export type Kind = (typeof kinds)[number];

/** What a case came to: `opened`, `unchanged` where chance made the bytes of an original, or the code of a refusal. */
export interface CaseResult {
  readonly kind: Kind;
  readonly outcome: string;
}

/** The case that `seed` stands for, always the same. An Error where the reader breaks a promise, or any error it lets out. */
export async function runCase(seed: number): Promise<CaseResult> {
  const random = new Random(seed);
  const place = random.below(1_000);
  const kind: Kind = (bounds.find(([below]) => place < below) ?? bounds[0])[1];
  return { kind, outcome: await cases[kind](random) };
}

/** Share of each kind, in thousandths, summed up. */
const bounds = [
  [450, 'altered'],
  [500, 'lying source'],
  [800, 'forged'],
  [900, 'metadata'],
  [970, 'scope'],
  [1_000, 'root'],
] as const;

const originals = [...small, ...large];

const cases: Readonly<Record<Kind, (random: Random) => Promise<string>>> = {
  /** Whoever does not have the key: nothing altered opens, and what comes out before the refusal is an original's. */
  async altered(random) {
    const bytes = alteredBytes(random);
    const { code, givenOut } = await readBothWays(bytes);
    if (originals.some(({ sealed }) => sealed.equals(bytes))) return 'unchanged';
    if (code === undefined) broke('opens altered bytes');
    const isGenuine = originals.some(({ content }) => content.subarray(0, givenOut.length).equals(givenOut));
    if (!isGenuine) broke('gives out what nobody sealed');
    return code;
  },

  async 'lying source'(random) {
    const { sealed } = anOriginal(random);
    const code = await readLyingSource(sealed, random.below(5));
    // Small files take four reads, or five: the last may be honest.
    return code ?? 'opened';
  },

  async forged(random) {
    const { bytes, honest } = forgedBytes(random);
    const { code, givenOut } = await readBothWays(bytes);
    if (honest !== undefined && !honest.equals(givenOut)) broke(`refuses what is right: ${code}`);
    return code ?? 'opened';
  },

  async metadata(random) {
    const code = await refusalOf(() => {
      const { path, metadata } = decodeMetadata(metadataBytes(Buffer.of(1, 2, 3), random), 'content');
      checkMetadata(path, metadata);
    });
    if (code !== undefined && code !== 'unsupported_format') broke(`refuses metadata with ${code}`);
    return code ?? 'opened';
  },

  async scope(random) {
    const bytes = hostileDocument(scopeVector.body, random);
    return keyringOutcome(bytes, scopeVector.body, ['corrupted_keyring', 'unsupported_format'], () =>
      openScopeKey(root, bytes),
    );
  },

  async root(random) {
    const bytes = hostileDocument(rootVector.body, random);
    const refusals = ['corrupted_keyring', 'unsupported_format', 'hostile_keyring', 'wrong_password'];
    return keyringOutcome(bytes, rootVector.body, refusals, () =>
      openRoot(bytes, rootVector.bytes('password')),
    );
  },
};

const root: RootKeys = {
  repositoryId: scopeVector.field('repository'),
  generation: 3,
  holder: 'owner',
  masters: scopeVector
    .field('masters')
    .split(',')
    .map((pair) => pair.split('='))
    .map(([id = '', key = '']) => ({ id: Buffer.from(id, 'hex'), key: Buffer.from(key, 'hex') })),
  naming: scopeVector.bytes('naming'),
  pathId: Buffer.alloc(64),
  payload: [],
};

async function keyringOutcome(
  bytes: Buffer,
  original: Buffer,
  refusals: readonly string[],
  open: () => unknown,
): Promise<string> {
  const code = await refusalOf(open);
  if (bytes.equals(original)) {
    if (code !== undefined) broke(`refuses what is right: ${code}`);
    return 'unchanged';
  }
  if (code === undefined) broke('opens an altered keyring');
  if (!refusals.includes(code)) broke(`refuses a keyring with ${code}`);
  return code;
}
