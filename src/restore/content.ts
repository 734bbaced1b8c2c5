import { createHash, type Hash } from 'node:crypto';
import { Failure, failures, isFailure } from '../domain/failures.ts';
import type { SessionKeyFinder } from '../openpgp/open-message.ts';
import type { KeyAccess } from '../pipeline/keys.ts';
import { outages } from '../pipeline/outages.ts';
import { troubleOf } from '../pipeline/trouble.ts';
import { segmentSizeFor } from '../sealed/layout.ts';
import {
  type ByteSource,
  type OpenedSealed,
  openBytes,
  openSealed,
  type SealedFacts,
} from '../sealed/open.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { Neighbours } from './neighbours.ts';
import { messageContent, type ReadPart } from './openpgp-content.ts';
import type { ContentPlace, RestorableFile, RestoreRow } from './restore-index.ts';
import { retrying, throwIfInterrupted } from './retry.ts';

const mebibyte = 1024 * 1024;
/** Sealed files up to this length are read with one request. Bytes. */
const wholeReadBytes = 8 * mebibyte;
/** Content up to this size is opened at once: handing it to other threads would cost more than it saves. Bytes. */
const openAtOnceBytes = 256 * 1024;
/** Neighbouring segments are read with one request up to this many sealed bytes. */
const stretchBytes = 4 * mebibyte;
/** And up to this many bytes of content, where it compressed well. */
const stretchContentBytes = 8 * mebibyte;
/** Stretches of one file that are fetched and opened ahead of the one being written. */
const stretchesAhead = 8;

export interface ReadDeps {
  readonly keys: Pick<KeyAccess, 'byId'>;
  /** What opens OpenPGP messages; undefined where nothing was given that could. */
  readonly messageKeys?: SessionKeyFinder | undefined;
  readonly stores: ReadonlyMap<string, ObjectStore>;
  readonly memory: ByteBudget;
  /** What the file in question is read together with. */
  readonly neighbours?: Neighbours | undefined;
  readonly signal: AbortSignal;
  readonly retryPausesMs: readonly number[];
  /** Where else a version's content lies; undefined where only one place is known of each. */
  readonly elsewhere?: ((version: RestorableFile) => Promise<readonly ContentPlace[]>) | undefined;
}

/** The beginning of a content that is there already. */
export interface Beginning {
  /** Whole segments of it, bytes. */
  readonly bytes: number;
  /** SHA-512 of them, to be continued. */
  readonly digest: Hash;
}

/**
 * A version's content in order, one segment after the other, each authenticated before it is yielded and valid only until
 * the next is asked for. At the end the whole must have the SHA-512 the catalog recorded; until then what was yielded is
 * the sealer's, but not known to be this version.
 *
 * Where the recorded object is missing or not what was written, another version of its name is taken if one authenticates
 * before anything was yielded: a copied bucket has other version ids. After that, and where its destination does not answer,
 * a copy in another destination.
 *
 * Failures: `tampered`, `unsupported_format`, `unknown_key`, `object_missing`, `destination_unknown`, the store's, and
 * `interrupted`.
 */
export async function* contentSegments(
  deps: ReadDeps,
  row: RestoreRow,
  version: RestorableFile,
): AsyncGenerator<Buffer, void> {
  const { first, segments } = await firstAuthentic(deps, version, async (candidate) => {
    const opened = recordedSegments(deps, row, candidate);
    return { first: await opened.next(), segments: opened };
  });
  try {
    if (first.done) return;
    yield first.value;
    yield* segments;
  } finally {
    await segments.return();
  }
}

/**
 * Does `read` with the version as recorded and, where its object is damaged or missing, with each other version of the
 * object's name, then with each copy in another destination, until one reads well. Throws what the recorded one threw when
 * none does. A destination that does not answer is left alone while another serves.
 */
export async function firstAuthentic<Result>(
  deps: ReadDeps,
  version: RestorableFile,
  read: (version: RestorableFile) => Promise<Result>,
): Promise<Result> {
  const recordedStore = deps.stores.get(version.place.destination);
  if (recordedStore !== undefined && outages.has(recordedStore)) {
    const copy = await fromElsewhere(deps, version, read);
    if (copy !== undefined) {
      outages.note(recordedStore);
      return copy.result;
    }
  }
  try {
    return await read(version);
  } catch (error) {
    if (!isDamage(error) && !isAway(error)) throw error;
    if (isAway(error) && recordedStore !== undefined) outages.note(recordedStore);
    for (const other of isDamage(error) ? await otherVersions(deps, version) : []) {
      try {
        return await read(other);
      } catch (otherError) {
        if (!isDamage(otherError)) throw otherError;
      }
    }
    const copy = await fromElsewhere(deps, version, read);
    if (copy === undefined) throw error;
    return copy.result;
  }
}

/** Undefined where no other destination has it, or gives it now. */
async function fromElsewhere<Result>(
  { elsewhere }: ReadDeps,
  version: RestorableFile,
  read: (version: RestorableFile) => Promise<Result>,
): Promise<{ readonly result: Result } | undefined> {
  for (const place of (await elsewhere?.(version)) ?? []) {
    try {
      return { result: await read({ ...version, place }) };
    } catch (error) {
      if (!isDamage(error) && !isAway(error)) throw error;
    }
  }
  return undefined;
}

/** Nothing can be read there now, whatever it is. */
export const isAway = (error: unknown): boolean =>
  troubleOf(error) === 'away' || isFailure(error, 'destination_unknown');

const isDamage = (error: unknown): boolean => isFailure(error) && failures[error.code].exitCode === 4;

async function otherVersions(deps: ReadDeps, version: RestorableFile): Promise<RestorableFile[]> {
  const { place } = version;
  const store = storeOf(deps, version);
  const listed = await retrying(() => store.versionsOf(place.key), deps.signal, deps.retryPausesMs);
  return listed
    .filter(
      ({ versionId, isDeleteMarker, lengthBytes }) =>
        !isDeleteMarker && versionId !== place.s3VersionId && lengthBytes >= place.offset + place.length,
    )
    .map(({ versionId }) => ({ ...version, place: { ...place, s3VersionId: versionId } }));
}

/** As {@link contentSegments}, of the recorded object only. With `beginning` only what comes after it is read and yielded. */
export async function* recordedSegments(
  deps: ReadDeps,
  row: RestoreRow,
  version: RestorableFile,
  beginning?: Beginning,
): AsyncGenerator<Buffer, void> {
  const store = storeOf(deps, version);
  const { length, format } = version.place;
  if (format === 'openpgp') {
    const read: ReadPart = (offset, bytes) => readRange(deps, store, version, offset, bytes);
    yield* messageContent(deps, version, read, beginning);
    return;
  }
  if (length > wholeReadBytes) {
    const source = rangedSource(deps, store, version);
    const sealed = await openSealed(source, openOptions(deps, version));
    checkFacts(row, version, sealed);
    const stretches = stretchesOf(sealed, beginning?.bytes ?? 0);
    yield* openStretches(deps, version, sealed, source, stretches, beginning?.digest);
    return;
  }
  const together = deps.neighbours?.holds(version.place) ? deps.neighbours : undefined;
  const giveBack = together === undefined ? await deps.memory.take(length + version.sizeBytes) : () => {};
  try {
    const bytes = await (together === undefined
      ? readRange(deps, store, version, 0, length)
      : readTogether(deps, store, version, together));
    throwIfInterrupted(deps.signal);
    if (version.sizeBytes <= openAtOnceBytes) {
      const sealed = openBytes(bytes, openOptions(deps, version));
      checkFacts(row, version, sealed);
      const content = sealed.content();
      if (content.length > 0) yield content;
      return;
    }
    const source = memorySource(bytes);
    const sealed = await openSealed(source, openOptions(deps, version));
    checkFacts(row, version, sealed);
    const stretches = stretchesOf(sealed, beginning?.bytes ?? 0);
    yield* openStretches(
      { ...deps, memory: unbounded },
      version,
      sealed,
      source,
      stretches,
      beginning?.digest,
    );
  } finally {
    giveBack();
  }
}

/** For what is paid for already. */
const unbounded = { take: async () => () => {} };

function openOptions(deps: ReadDeps, { place }: RestorableFile) {
  const keys = (id: Buffer) => {
    if (id.toString('hex') !== place.keyId) throw otherFile();
    return deps.keys.byId(id);
  };
  return { keys, purpose: 'content' as const };
}

/** Holds a sealed file's authenticated facts against the catalog's. */
function checkFacts(row: RestoreRow, version: RestorableFile, { metadata, path }: SealedFacts): void {
  const isSameContent =
    metadata.sha512 === version.sha512.toString('hex') && metadata.size === version.sizeBytes;
  // A duplicate rests on an object that was made for another entry or an earlier version, and says so.
  const isMadeForThis = version.place.madeFor === version.id;
  const isThisVersion =
    metadata.version === version.id && metadata.entry === row.entryId && path.equals(row.path);
  if (!isSameContent || (isMadeForThis && !isThisVersion)) throw otherFile();
}

const otherFile = (): Failure =>
  new Failure('tampered', { detail: 'it is another sealed file than the catalog names' });

/** Neighbouring segments that are read together. */
interface Stretch {
  readonly first: number;
  /** Number of segments. */
  readonly count: number;
  /** In the sealed file, bytes. */
  readonly offset: number;
  readonly length: number;
  readonly contentBytes: number;
}

function* stretchesOf(sealed: OpenedSealed, fromBytes: number): Generator<Stretch> {
  const { segmentCount, segmentSize, plaintextLength } = sealed;
  for (let first = Math.floor(fromBytes / segmentSize); first < segmentCount; ) {
    const { offset, length } = sealed.segmentRange(first);
    let end = offset + length;
    let count = 1;
    for (; first + count < segmentCount; count++) {
      const next = sealed.segmentRange(first + count);
      const isFull =
        next.offset + next.length - offset > stretchBytes || (count + 1) * segmentSize > stretchContentBytes;
      if (isFull) break;
      end = next.offset + next.length;
    }
    const contentBytes = Math.min(count * segmentSize, plaintextLength - first * segmentSize);
    yield { first, count, offset, length: end - offset, contentBytes };
    first += count;
  }
}

async function* openStretches(
  deps: Pick<ReadDeps, 'signal'> & { readonly memory: Pick<ByteBudget, 'take'> },
  version: RestorableFile,
  sealed: OpenedSealed,
  source: ByteSource,
  stretches: Generator<Stretch>,
  digest = createHash('sha512'),
): AsyncGenerator<Buffer, void> {
  const ahead: Promise<Ready>[] = [];
  const fill = (): void => {
    while (ahead.length < stretchesAhead) {
      const { value: stretch } = stretches.next();
      if (stretch === undefined) return;
      const ready = readStretch(deps, sealed, source, stretch);
      // Its turn comes later; until then its failure must not count as unhandled.
      ready.catch(() => {});
      ahead.push(ready);
    }
  };
  try {
    for (fill(); ahead[0] !== undefined; fill()) {
      const { segments, giveBack } = await ahead[0];
      try {
        for (const plain of segments) {
          throwIfInterrupted(deps.signal);
          digest.update(plain);
          yield plain;
        }
      } finally {
        ahead.shift();
        giveBack();
      }
    }
  } finally {
    for (const left of await Promise.allSettled(ahead)) {
      if (left.status === 'fulfilled') left.value.giveBack();
    }
  }
  if (!digest.digest().equals(version.sha512)) {
    throw new Failure('tampered', { detail: 'its content does not have the recorded SHA-512' });
  }
}

interface Ready {
  readonly segments: readonly Buffer[];
  readonly giveBack: () => void;
}

async function readStretch(
  deps: Pick<ReadDeps, 'signal'> & { readonly memory: Pick<ByteBudget, 'take'> },
  sealed: OpenedSealed,
  source: ByteSource,
  { first, count, offset, length, contentBytes }: Stretch,
): Promise<Ready> {
  const giveBack = await deps.memory.take(length + contentBytes);
  try {
    throwIfInterrupted(deps.signal);
    const bytes = await source.read(offset, length);
    const open = (_: unknown, position: number): Promise<Buffer> => {
      const range = sealed.segmentRange(first + position);
      const start = range.offset - offset;
      return sealed.openSegment(first + position, bytes.subarray(start, start + range.length));
    };
    return { segments: await Promise.all(Array.from({ length: count }, open)), giveBack };
  } catch (error) {
    giveBack();
    throw error;
  }
}

function memorySource(bytes: Buffer): ByteSource {
  return {
    lengthBytes: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}

function rangedSource(deps: ReadDeps, store: ObjectStore, version: RestorableFile): ByteSource {
  return {
    lengthBytes: version.place.length,
    read: (offset, length) => readRange(deps, store, version, offset, length),
  };
}

/** Where what lies beside it is missing or cut off, the sealed file is read by itself. */
async function readTogether(
  deps: ReadDeps,
  store: ObjectStore,
  version: RestorableFile,
  neighbours: Neighbours,
): Promise<Buffer> {
  const { key, s3VersionId: versionId } = version.place;
  const fetch = (offset: number, length: number): Promise<Buffer> =>
    retrying(() => store.get({ key, versionId, range: { offset, length } }), deps.signal, deps.retryPausesMs);
  try {
    return await neighbours.read(version.place, deps.memory, fetch);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return readRange(deps, store, version, 0, version.place.length);
  }
}

/** `offset` is inside the sealed file. */
function readRange(
  deps: ReadDeps,
  store: ObjectStore,
  { place }: RestorableFile,
  offset: number,
  length: number,
): Promise<Buffer> {
  const { key, s3VersionId: versionId } = place;
  const range = { offset: place.offset + offset, length };
  return retrying(() => store.get({ key, versionId, range }), deps.signal, deps.retryPausesMs);
}

function storeOf(deps: ReadDeps, { place }: RestorableFile): ObjectStore {
  const store = deps.stores.get(place.destination);
  if (store === undefined) throw new Failure('destination_unknown', { destination: place.destination });
  return store;
}

/** Size of the segments of a content; what is continued must end at one's end. Bytes. */
export const segmentBytesOf = ({ sizeBytes }: RestorableFile): number => segmentSizeFor(sizeBytes);
