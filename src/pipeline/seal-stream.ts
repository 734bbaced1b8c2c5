import { type CompressedSegment, Sealer, type SealPlan } from '../sealed/seal.ts';
import type { StepRun } from './context.ts';

/** How many segments are compressed at once on the thread pool. */
const ahead = 3;

/**
 * Seals segments in order while the next ones are being compressed, and hands on the sealed bytes. Gives back what the
 * independent reader needs: the bytes up to the end of the first segment, and the table with the footer.
 */
export async function sealInOrder(
  plan: SealPlan,
  segments: AsyncIterable<Buffer>,
  emit: (bytes: Buffer) => Promise<void>,
  run: StepRun,
): Promise<{ head: Buffer; tail: Buffer }> {
  const sealer = new Sealer(plan);
  const header = sealer.header();
  let head = header;
  await emit(header);
  const waiting: Promise<CompressedSegment>[] = [];
  const next = async (): Promise<void> => {
    const compressed = await waiting.shift();
    if (compressed === undefined) return;
    const bytes = sealer.append(compressed);
    if (compressed.index === 0) head = Buffer.concat([header, bytes]);
    run.heartbeat();
    run.signal.throwIfAborted();
    await emit(bytes);
  };
  try {
    for await (const segment of segments) {
      // The reader uses its buffer again, and a stored segment is the buffer itself.
      waiting.push(sealer.compress(Buffer.from(segment)));
      if (waiting.length >= ahead) await next();
    }
    while (waiting.length > 0) await next();
  } finally {
    await Promise.allSettled(waiting);
  }
  const tail = sealer.trailer();
  await emit(tail);
  return { head, tail };
}
