import { Failure } from '../domain/failures.ts';
import { openSealed } from '../sealed/open.ts';
import type { PipelineContext } from './context.ts';
import type { ScannedVersion } from './policy-input.ts';
import { foundSealing, sha256, statedSealing } from './sealing.ts';

/** The ends of a sealed file: the bytes up to the end of the first segment, and the table with the footer. */
export interface SealedEnds {
  readonly head: Buffer;
  readonly tail: Buffer;
}

/**
 * Before Complete the independent reader judges what was sealed, by its head, first segment, table and footer, and holds
 * it against what release allowed. `sealing_refused` if it is anything else: another key, cipher, scope or content.
 */
export async function inspectSealed(
  context: PipelineContext,
  version: ScannedVersion,
  allowed: { destination: string; keyId: string },
  ends: SealedEnds,
  lengthBytes: number,
): Promise<void> {
  const opened = await openSealed(
    { lengthBytes, read: async (offset, length) => readEnds(ends, lengthBytes, offset, length) },
    { keys: (id) => context.keys.byId(id), purpose: 'content' },
  );
  const { offset, length } = opened.segmentRange(0);
  const first = await opened.openSegment(0, ends.head.subarray(offset, offset + length));
  // Bytes under another cipher, or under none, authenticate as well; only what comes out of them tells.
  const contentMatches = sha256(first).equals(version.segmentHashes.subarray(0, 32));
  const found = foundSealing(context, version, opened, contentMatches);
  const stated = statedSealing(context, version, 'plan', allowed.keyId);
  const same = (Object.keys(stated) as (keyof typeof stated)[]).every(
    (term) => term === 'basis' || found[term] === stated[term],
  );
  if (!same) throw new Failure('sealing_refused', { destination: allowed.destination });
}

function readEnds({ head, tail }: SealedEnds, lengthBytes: number, offset: number, length: number): Buffer {
  const tailStart = lengthBytes - tail.length;
  const bytes =
    offset >= tailStart
      ? tail.subarray(offset - tailStart, offset - tailStart + length)
      : head.subarray(offset, offset + length);
  if (bytes.length !== length) throw new Failure('internal', { detail: 'the reader left head and tail' });
  return bytes;
}
