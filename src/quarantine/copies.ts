import { createHash } from 'node:crypto';
import { open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { openMessage, type SessionKeyFinder } from '../openpgp/open-message.ts';
import { Staging } from '../pipeline/staging.ts';
import type { SealingKey } from '../sealed/keys.ts';
import { openSealed } from '../sealed/open.ts';

/** The folder of sealed copies on this host, 0700; each file 0600, named so that nothing runs or indexes it. */
export const quarantineFolder = (home: string): string => join(home, 'quarantine');

/** What a sealed copy is found by: another sealing of the same content has another name. */
export const copyName = (id: Id, sealedSha256: Buffer): string =>
  `${id}-${sealedSha256.toString('hex', 0, 16)}`;

/** A sealed copy as the catalog has it. */
export interface SealedCopy {
  readonly id: Id;
  readonly format: string;
  readonly sealedLength: number;
  readonly sealedSha256: Buffer;
  /** Of the content. */
  readonly sha512: Buffer;
  readonly sizeBytes: number;
}

/** What opens copies. */
export interface CopyKeys {
  readonly byId: (id: Buffer) => SealingKey | undefined;
  /** Undefined where nothing was given that could open OpenPGP messages. */
  readonly messageKeys?: SessionKeyFinder | undefined;
}

/**
 * The content of a sealed copy, as it comes. Only when this ends is it known to be whole, unaltered and what was found
 * infected. Failures: `quarantine_missing`, `tampered`, `unknown_key`, `unsupported_format`, `openpgp_key_missing`,
 * `openpgp_key_wrong`.
 */
export async function* openCopy(folder: string, copy: SealedCopy, keys: CopyKeys): AsyncGenerator<Buffer> {
  const staged = new Staging(folder);
  const name = copyName(copy.id, copy.sealedSha256);
  const measured = await staged.measure(name);
  if (measured === undefined) throw new Failure('quarantine_missing', { id: copy.id });
  if (measured.length !== copy.sealedLength || !measured.sha256.equals(copy.sealedSha256))
    throw new Failure('tampered', { detail: 'the quarantined file is not the recorded one' });
  const digest = createHash('sha512');
  const content =
    copy.format === 'openpgp' ? messageContent(staged, name, copy, keys) : sealedContent(staged, name, keys);
  for await (const bytes of content) {
    digest.update(bytes);
    yield bytes;
  }
  if (!digest.digest().equals(copy.sha512))
    throw new Failure('tampered', { detail: 'the quarantined content is not the recorded one' });
}

function messageContent(
  staged: Staging,
  name: string,
  { sizeBytes }: SealedCopy,
  { messageKeys }: CopyKeys,
): AsyncGenerator<Buffer> {
  if (messageKeys === undefined) throw new Failure('openpgp_key_missing');
  return openMessage(staged.read(name), messageKeys, sizeBytes).content;
}

async function* sealedContent(staged: Staging, name: string, { byId }: CopyKeys): AsyncGenerator<Buffer> {
  const file = await open(staged.path(name), 'r');
  try {
    const { size: lengthBytes } = await file.stat();
    const source = {
      lengthBytes,
      async read(offset: number, length: number): Promise<Buffer> {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
        return buffer.subarray(0, bytesRead);
      },
    };
    yield* (await openSealed(source, { keys: byId, purpose: 'content' })).segments();
  } finally {
    await file.close();
  }
}

/** Older than this, what a crash left half written is nobody's any more. */
const leftoverMs = 3_600_000;

/**
 * Removes what nobody needs: what a crash left half written, and sealed copies that were released, deleted or are not
 * the one on record. A file that the catalog knows nothing of stays: it may be the only copy there is. Gives how many went.
 *
 * @param judge of copies by their quarantine's id: the SHA-256 of the one that is kept, `ended`, or undefined for unknown
 */
export async function sweepCopies(
  folder: string,
  judge: (ids: readonly Id[]) => Promise<ReadonlyMap<Id, Buffer | 'ended'>>,
  now = new Date(),
): Promise<number> {
  const old: string[] = [];
  for (const file of await readdir(folder).catch(() => [])) {
    const { mtimeMs } = await stat(join(folder, file)).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (mtimeMs < now.getTime() - leftoverMs) old.push(file);
  }
  const named = old.flatMap((file) => {
    const id = /^([0-9a-f]{32})-[0-9a-f]{32}\.sealed$/.exec(file)?.[1];
    return id === undefined ? [] : [{ file, id }];
  });
  const known = await judge(named.map(({ id }) => id));
  const unneeded = named.filter(({ file, id }) => {
    const kept = known.get(id);
    return kept === 'ended' || (kept !== undefined && file !== `${copyName(id, kept)}.sealed`);
  });
  const gone = [...old.filter((file) => file.endsWith('.partial')), ...unneeded.map(({ file }) => file)];
  for (const file of gone) await rm(join(folder, file), { force: true });
  return gone.length;
}
