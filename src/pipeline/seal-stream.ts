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
  const waiting: { plain: Buffer; compressed: Promise<CompressedSegment> }[] = [];
  const spare: Buffer[] = [];
  const next = async (): Promise<void> => {
    const first = waiting.shift();
    if (first === undefined) return;
    const compressed = await first.compressed;
    const bytes = sealer.append(compressed);
    spare.push(first.plain);
    if (compressed.index === 0) head = Buffer.concat([header, bytes]);
    run.heartbeat();
    run.signal.throwIfAborted();
    await emit(bytes);
  };
  try {
    for await (const segment of segments) {
      // The reader uses its buffer again, and a stored segment is the buffer itself: so a copy, in few buffers.
      const plain = (spare.pop() ?? Buffer.allocUnsafeSlow(segment.length)).subarray(0, segment.length);
      segment.copy(plain);
      waiting.push({ plain, compressed: sealer.compress(plain) });
      if (waiting.length >= ahead) await next();
    }
    while (waiting.length > 0) await next();
  } finally {
    await Promise.allSettled(waiting.map(({ compressed }) => compressed));
  }
  const tail = sealer.trailer();
  await emit(tail);
  return { head, tail };
}
