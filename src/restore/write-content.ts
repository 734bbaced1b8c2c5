import { createHash } from 'node:crypto';
import { fstatSync, ftruncate, read, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { isFailure } from '../domain/failures.ts';
import {
  type Beginning,
  firstAuthentic,
  isAway,
  type ReadDeps,
  recordedSegments,
  segmentBytesOf,
} from './content.ts';
import { dataRuns } from './holes.ts';
import type { RestorableFile, RestoreRow } from './restore-index.ts';
import { throwIfInterrupted } from './retry.ts';

export interface ContentDeps extends ReadDeps {
  /** Told of plaintext bytes as they are in the file; less than none where they have to be written again. */
  readonly onBytes: (count: number) => void;
}

/**
 * Writes a version's content into an open file, going on behind the whole segments that a run which was killed left in it.
 * Nothing that is there is trusted: all of it counts into the SHA-512. Until this resolves the file holds nothing to be
 * trusted. Runs of zeros become holes.
 *
 * Failures: those of {@link recordedSegments}. System errors of the file pass through.
 */
export async function writeContent(
  deps: ContentDeps,
  row: RestoreRow,
  version: RestorableFile,
  descriptor: number,
): Promise<void> {
  const beginning = await readBeginning(deps, version, descriptor);
  if (beginning !== undefined) {
    try {
      return await writeFrom(deps, row, version, descriptor, beginning);
    } catch (error) {
      // What was there may be what is wrong: once more without it. Or the destination, where there is another.
      const isElsewhere = deps.elsewhere !== undefined && isAway(error);
      if (!isFailure(error, 'tampered') && !isElsewhere) throw error;
    }
  }
  await firstAuthentic(deps, version, (candidate) => writeFrom(deps, row, candidate, descriptor));
}

async function writeFrom(
  deps: ContentDeps,
  row: RestoreRow,
  version: RestorableFile,
  descriptor: number,
  beginning?: Beginning,
): Promise<void> {
  const from = beginning?.bytes ?? 0;
  // Also what lies behind: holes are only holes where nothing is.
  if (fstatSync(descriptor).size > from) await truncate(descriptor, from);
  let position = from;
  deps.onBytes(from);
  try {
    for await (const plain of recordedSegments(deps, row, version, beginning)) {
      await writeData(descriptor, plain, position);
      position += plain.length;
      deps.onBytes(plain.length);
    }
    if (fstatSync(descriptor).size !== position) await truncate(descriptor, position);
  } catch (error) {
    deps.onBytes(-position);
    throw error;
  }
}

const readAt = promisify(read);
const truncate = promisify(ftruncate);

/** The whole segments that are in the file; undefined when there is none. */
async function readBeginning(
  { signal }: ContentDeps,
  version: RestorableFile,
  descriptor: number,
): Promise<Beginning | undefined> {
  const segmentBytes = segmentBytesOf(version);
  const present = Math.min(fstatSync(descriptor).size, version.sizeBytes);
  const bytes = Math.floor(present / segmentBytes) * segmentBytes;
  if (bytes === 0) return undefined;
  const digest = createHash('sha512');
  const buffer = Buffer.allocUnsafe(segmentBytes);
  for (let position = 0; position < bytes; ) {
    throwIfInterrupted(signal);
    const { bytesRead } = await readAt(descriptor, buffer, 0, segmentBytes, position);
    if (bytesRead === 0) return undefined;
    const wanted = Math.min(bytesRead, bytes - position);
    digest.update(buffer.subarray(0, wanted));
    position += wanted;
  }
  return { bytes, digest };
}

/** A piece up to this length goes into the page cache sooner than another thread could begin with it. Bytes. */
const writeAtOnceBytes = 256 * 1024;
const writeAt = promisify(write);

async function writeData(descriptor: number, plain: Buffer, position: number): Promise<void> {
  for (const { start, end } of dataRuns(plain, position)) {
    for (let done = start; done < end; ) {
      const length = end - done;
      done +=
        length <= writeAtOnceBytes
          ? writeSync(descriptor, plain, done, length, position + done)
          : (await writeAt(descriptor, plain, done, length, position + done)).bytesWritten;
    }
  }
}
