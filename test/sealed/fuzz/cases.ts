import { openManifest } from '../../../src/manifest/decode.ts';
import { openRoot, openScopeKey, type RootKeys } from '../../../src/sealed/keyring.ts';
import { decodeMetadata } from '../../../src/sealed/metadata.ts';
import { refusalOf } from '../samples.ts';
import { alteredBytes, anOriginal } from './altered.ts';
import { large, small } from './corpus.ts';
import { forgedBytes } from './forged.ts';
import { broke, checkMetadata, readBothWays, readLyingSource } from './judge.ts';
import { hostileDocument, hostilePlaintext, rootVector, scopeVector } from './keyring-bytes.ts';
import {
  alteredManifest,
  checkManifest,
  forgedManifest,
  keyById,
  manifests,
  type NamedManifest,
} from './manifest-bytes.ts';
import { alteredMessage, forgedMessage, readMessage } from './message-bytes.ts';
import { metadataBytes } from './metadata-bytes.ts';
import { alteredPack, forgedPack, genuine, readPack } from './pack-bytes.ts';
import { Random } from './random.ts';

export const kinds = [
  ...(['altered', 'lying source', 'forged', 'metadata', 'scope', 'scope plaintext', 'root'] as const),
  ...(['altered manifest', 'forged manifest', 'altered message', 'forged message'] as const),
  ...(['altered pack', 'forged pack'] as const),
] as const;
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
  [220, 'altered'],
  [250, 'lying source'],
  [400, 'forged'],
  [450, 'metadata'],
  [490, 'scope'],
  [520, 'scope plaintext'],
  [540, 'root'],
  [610, 'altered pack'],
  [680, 'forged pack'],
  [760, 'altered manifest'],
  [830, 'forged manifest'],
  [910, 'altered message'],
  [1_000, 'forged message'],
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

  /** Of another holder, who has the master key. */
  async 'scope plaintext'(random) {
    const { bytes, honest } = hostilePlaintext(root, random);
    let opened: ReturnType<typeof openScopeKey> | undefined;
    const code = await refusalOf(() => {
      opened = openScopeKey(root, bytes);
    });
    if (honest !== (code === undefined))
      broke(honest ? `refuses what is right: ${code}` : 'opens a hostile key');
    if (code !== undefined && code !== 'corrupted_keyring') broke(`refuses a keyring with ${code}`);
    if (code === undefined && typeof opened !== 'object') broke('takes a key for one of a newer keyring');
    return code ?? 'opened';
  },

  async root(random) {
    const bytes = hostileDocument(rootVector.body, random);
    const refusals = ['corrupted_keyring', 'unsupported_format', 'hostile_keyring', 'wrong_password'];
    return keyringOutcome(bytes, rootVector.body, refusals, () =>
      openRoot(bytes, rootVector.bytes('password')),
    );
  },

  async 'altered manifest'(random) {
    const made = alteredManifest(random);
    const { code } = await readManifest(made);
    const isOriginal = ({ objectName, bytes }: NamedManifest) =>
      objectName === made.objectName && bytes.equals(made.bytes);
    if (manifests.some(isOriginal)) return 'unchanged';
    if (code === undefined) broke('opens an altered manifest');
    return code;
  },

  async 'forged manifest'(random) {
    const made = forgedManifest(random);
    const { code } = await readManifest(made);
    if (made.honest && code !== undefined) broke(`refuses what is right: ${code}`);
    return code ?? 'opened';
  },

  /** Of an altered pack some members may open, and only as they were sealed. */
  async 'altered pack'(random) {
    const { code, contents } = await readPack(alteredPack(random));
    if (contents.some((content) => !genuine.has(content))) broke('gives out what nobody sealed');
    return code ?? 'opened';
  },

  async 'forged pack'(random) {
    const made = forgedPack(random);
    const { code, contents } = await readPack(made);
    if (made.honest && code !== undefined) broke(`refuses what is right: ${code}`);
    if (contents.some((content) => !genuine.has(content))) broke('gives out what nobody sealed');
    return code ?? 'opened';
  },

  /** Numbers in a session key packet are not read here: what opens must be what was sealed. */
  async 'altered message'(random) {
    const message = alteredMessage(random);
    const { code, givenOut } = await readMessage(message, random);
    if (code === undefined && !givenOut.equals(message.content)) broke('opens to other content');
    return code ?? 'opened';
  },

  async 'forged message'(random) {
    const message = forgedMessage(random);
    const { code, givenOut } = await readMessage(message, random);
    if (message.honest && !message.content.equals(givenOut)) broke(`refuses what is right: ${code}`);
    return code ?? 'opened';
  },
};

async function readManifest({ bytes, objectName }: NamedManifest): Promise<{ code: string | undefined }> {
  const code = await refusalOf(async () => {
    checkManifest(await openManifest(bytes, { objectName, keyById }), objectName);
  });
  if (code !== undefined && !['tampered', 'unsupported_format', 'unknown_key'].includes(code))
    broke(`refuses a manifest with ${code}`);
  return { code };
}

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
