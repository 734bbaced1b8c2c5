import { createHash } from 'node:crypto';
import { write } from 'node:fs';
import { promisify } from 'node:util';
import type { RestorableFile, RestoreRow } from '../catalog/restore-query.ts';
import { Failure } from '../domain/failures.ts';
import type { KeyAccess } from '../pipeline/keys.ts';
import { type ByteSource, type OpenedSealed, openSealed } from '../sealed/open.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { ByteBudget } from './byte-budget.ts';
import { retrying, throwIfInterrupted } from './retry.ts';

/** Sealed files up to this length are read with one request. Bytes. */
const wholeReadBytes = 8 * 1024 * 1024;
/** Segments of one file that are fetched and opened ahead of the one being written. */
const segmentsAhead = 8;

export interface ContentDeps {
  readonly keys: Pick<KeyAccess, 'byId'>;
  readonly stores: ReadonlyMap<string, ObjectStore>;
  readonly memory: ByteBudget;
  readonly signal: AbortSignal;
  /** Told of plaintext bytes as they are written. */
  readonly onBytes: (count: number) => void;
}

/**
 * Writes a version's content into an empty file. Each segment is authenticated before its plaintext is used, and the
 * whole must have the SHA-512 the catalog recorded; until this resolves the file holds nothing to be trusted.
 *
 * Failures: `tampered`, `unsupported_format`, `unknown_key`, `object_missing`, `destination_unknown`, the store's, and
 * `interrupted`. System errors of the file pass through.
 */
export async function writeContent(
  deps: ContentDeps,
  row: RestoreRow,
  version: RestorableFile,
  descriptor: number,
): Promise<void> {
  const { length } = version.place;
  const store = storeOf(deps, version);
  if (length > wholeReadBytes) {
    const sealed = await openChecked(deps, row, version, rangedSource(deps, store, version));
    return writeSegments(deps, version, sealed, descriptor, (index) => {
      const { offset, length } = sealed.segmentRange(index);
      return readRange(deps, store, version, offset, length);
    });
  }
  const giveBack = await deps.memory.take(length);
  try {
    const bytes = await readRange(deps, store, version, 0, length);
    const sealed = await openChecked(deps, row, version, {
      lengthBytes: length,
      read: async (offset, count) => bytes.subarray(offset, offset + count),
    });
    await writeSegments(deps, version, sealed, descriptor, async (index) => {
      const { offset, length } = sealed.segmentRange(index);
      return bytes.subarray(offset, offset + length);
    });
  } finally {
    giveBack();
  }
}

/** Opens the sealed file and holds its authenticated facts against the catalog's. */
async function openChecked(
  deps: ContentDeps,
  row: RestoreRow,
  version: RestorableFile,
  source: ByteSource,
): Promise<OpenedSealed> {
  const sealed = await openSealed(source, { keys: (id) => deps.keys.byId(id), purpose: 'content' });
  const { metadata, path } = sealed;
  const isSameContent =
    metadata.sha512 === version.sha512.toString('hex') && metadata.size === version.sizeBytes;
  // A duplicate rests on an object that was made for another entry or an earlier version, and says so.
  const isMadeForThis = version.place.madeFor === version.id;
  const isThisVersion =
    metadata.version === version.id && metadata.entry === row.entryId && path.equals(row.path);
  if (!isSameContent || (isMadeForThis && !isThisVersion)) {
    throw new Failure('tampered', { detail: 'it is another sealed file than the catalog names' });
  }
  return sealed;
}

async function writeSegments(
  deps: ContentDeps,
  version: RestorableFile,
  sealed: OpenedSealed,
  descriptor: number,
  fetch: (index: number) => Promise<Buffer>,
): Promise<void> {
  const digest = createHash('sha512');
  const ahead: Promise<Ready>[] = [];
  let next = 0;
  try {
    for (let index = 0; index < sealed.segmentCount; index++) {
      for (; next < Math.min(index + segmentsAhead, sealed.segmentCount); next++) {
        ahead.push(openNext(deps, sealed, next, fetch));
      }
      const { plain, giveBack } = await (ahead[0] as Promise<Ready>);
      try {
        throwIfInterrupted(deps.signal);
        digest.update(plain);
        await writeFully(descriptor, plain, index * sealed.segmentSize);
        deps.onBytes(plain.length);
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

async function openNext(
  deps: ContentDeps,
  sealed: OpenedSealed,
  index: number,
  fetch: (index: number) => Promise<Buffer>,
): Promise<Ready> {
  // The encrypted segment and its plaintext are both in memory for a moment.
  const giveBack = await deps.memory.take(2 * sealed.segmentSize);
  try {
    throwIfInterrupted(deps.signal);
    return { plain: await sealed.openSegment(index, await fetch(index)), giveBack };
  } catch (error) {
    giveBack();
    throw error;
  }
}

function rangedSource(deps: ContentDeps, store: ObjectStore, version: RestorableFile): ByteSource {
  return {
    lengthBytes: version.place.length,
    read: (offset, length) => readRange(deps, store, version, offset, length),
  };
}

/** `offset` is inside the sealed file. */
function readRange(
  deps: ContentDeps,
  store: ObjectStore,
  { place }: RestorableFile,
  offset: number,
  length: number,
): Promise<Buffer> {
  const { key, s3VersionId: versionId } = place;
  const range = { offset: place.offset + offset, length };
  return retrying(() => store.get({ key, versionId, range }), deps.signal);
}

function storeOf(deps: ContentDeps, { place }: RestorableFile): ObjectStore {
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
