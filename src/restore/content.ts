import { createHash } from 'node:crypto';
import { write } from 'node:fs';
import { promisify } from 'node:util';
import { Failure } from '../domain/failures.ts';
import type { KeyAccess } from '../pipeline/keys.ts';
import { segmentSizeFor } from '../sealed/layout.ts';
import { type ByteSource, type OpenedSealed, openSealed } from '../sealed/open.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { RestorableFile, RestoreRow } from './restore-index.ts';
import { retrying, throwIfInterrupted } from './retry.ts';

/** Sealed files up to this length are read with one request. Bytes. */
const wholeReadBytes = 8 * 1024 * 1024;
/** Segments of one file that are fetched and opened ahead of the one being written. */
const segmentsAhead = 8;

export interface ReadDeps {
  readonly keys: Pick<KeyAccess, 'byId'>;
  readonly stores: ReadonlyMap<string, ObjectStore>;
  readonly memory: ByteBudget;
  readonly signal: AbortSignal;
  readonly retryPausesMs: readonly number[];
}

export interface ContentDeps extends ReadDeps {
  /** Told of plaintext bytes as they are written. */
  readonly onBytes: (count: number) => void;
}

/**
 * Writes a version's content into an empty file. Until this resolves the file holds nothing to be trusted.
 *
 * Failures: those of {@link contentSegments}. System errors of the file pass through.
 */
export async function writeContent(
  deps: ContentDeps,
  row: RestoreRow,
  version: RestorableFile,
  descriptor: number,
): Promise<void> {
  let position = 0;
  for await (const plain of contentSegments(deps, row, version)) {
    await writeFully(descriptor, plain, position);
    position += plain.length;
    deps.onBytes(plain.length);
  }
}

/**
 * A version's content in order, one segment after the other, each authenticated before it is yielded and valid only until
 * the next is asked for. At the end the whole must have the SHA-512 the catalog recorded; until then what was yielded is
 * the sealer's, but not known to be this version.
 *
 * Failures: `tampered`, `unsupported_format`, `unknown_key`, `object_missing`, `destination_unknown`, the store's, and
 * `interrupted`.
 */
export async function* contentSegments(
  deps: ReadDeps,
  row: RestoreRow,
  version: RestorableFile,
): AsyncGenerator<Buffer, void> {
  const store = storeOf(deps, version);
  const { length } = version.place;
  const segmentBytes = segmentMemory(segmentSizeFor(version.sizeBytes));
  if (length > wholeReadBytes) {
    const source = rangedSource(deps, store, version);
    const sealed = await openChecked(deps, row, version, source);
    const plan = { ahead: segmentsAhead, take: () => deps.memory.take(segmentBytes) };
    yield* openSegments(deps, version, sealed, source, plan);
    return;
  }
  const giveBack = await deps.memory.take(length + segmentBytes);
  try {
    const source = memorySource(await readRange(deps, store, version, 0, length));
    const sealed = await openChecked(deps, row, version, source);
    const plan = { ahead: 1, take: async () => () => {} };
    yield* openSegments(deps, version, sealed, source, plan);
  } finally {
    giveBack();
  }
}

/** The encrypted segment and its plaintext are both in memory for a moment. */
const segmentMemory = (segmentSize: number): number => 2 * segmentSize;

/** Opens the sealed file and holds its authenticated facts against the catalog's. */
async function openChecked(
  deps: ReadDeps,
  row: RestoreRow,
  version: RestorableFile,
  source: ByteSource,
): Promise<OpenedSealed> {
  const keys = (id: Buffer) => {
    if (id.toString('hex') !== version.place.keyId) throw otherFile();
    return deps.keys.byId(id);
  };
  const sealed = await openSealed(source, { keys, purpose: 'content' });
  const { metadata, path } = sealed;
  const isSameContent =
    metadata.sha512 === version.sha512.toString('hex') && metadata.size === version.sizeBytes;
  // A duplicate rests on an object that was made for another entry or an earlier version, and says so.
  const isMadeForThis = version.place.madeFor === version.id;
  const isThisVersion =
    metadata.version === version.id && metadata.entry === row.entryId && path.equals(row.path);
  if (!isSameContent || (isMadeForThis && !isThisVersion)) throw otherFile();
  return sealed;
}

const otherFile = (): Failure =>
  new Failure('tampered', { detail: 'it is another sealed file than the catalog names' });

interface ReadPlan {
  /** Segments in memory at once. */
  readonly ahead: number;
  /** Claims the memory of one. */
  readonly take: () => Promise<() => void>;
}

async function* openSegments(
  deps: ReadDeps,
  version: RestorableFile,
  sealed: OpenedSealed,
  source: ByteSource,
  plan: ReadPlan,
): AsyncGenerator<Buffer, void> {
  const digest = createHash('sha512');
  const ahead: Promise<Ready>[] = [];
  let next = 0;
  try {
    for (let index = 0; index < sealed.segmentCount; index++) {
      for (; next < Math.min(index + plan.ahead, sealed.segmentCount); next++) {
        const ready = readSegment(deps, sealed, source, next, plan);
        // Its turn comes later; until then its failure must not count as unhandled.
        ready.catch(() => {});
        ahead.push(ready);
      }
      const { plain, giveBack } = await (ahead[0] as Promise<Ready>);
      try {
        throwIfInterrupted(deps.signal);
        digest.update(plain);
        yield plain;
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
  readonly plain: Buffer;
  readonly giveBack: () => void;
}

async function readSegment(
  deps: ReadDeps,
  sealed: OpenedSealed,
  source: ByteSource,
  index: number,
  plan: ReadPlan,
): Promise<Ready> {
  const giveBack = await plan.take();
  try {
    throwIfInterrupted(deps.signal);
    const { offset, length } = sealed.segmentRange(index);
    return { plain: await sealed.openSegment(index, await source.read(offset, length)), giveBack };
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

const writeAt = promisify(write);

async function writeFully(descriptor: number, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await writeAt(descriptor, bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
