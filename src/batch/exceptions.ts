import type { Id } from '../domain/records.ts';
import { versionEvent } from '../pipeline/context.ts';
import type { JudgedVersion } from '../pipeline/policy-input.ts';
import { settling } from '../pipeline/settle.ts';
import type { BatchItem } from './batch-table.ts';
import { type BatchContext, type BatchFile, together, write } from './file.ts';

/** How many workflows are started at once. */
const startsAtOnce = 8;

/**
 * Lets the entries' own workflows take what a batch cannot deal with. They are told first: told twice they look once
 * more, told never they would be lost.
 *
 * @param versions that the batch made of some of them, with what was found out: it ends `cancelled`, and is on record
 */
export async function passOn(
  batch: BatchContext,
  items: readonly BatchItem[],
  versions: readonly BatchFile<JudgedVersion>[] = [],
): Promise<void> {
  if (items.length === 0) return;
  const queue = items.values();
  const starters = Array.from({ length: startsAtOnce }, async () => {
    for (const { look } of queue) await batch.passOn(look.entry.id, look.runId);
  });
  await Promise.all(starters);
  const { context, batchId } = batch;
  const told = new Set(versions.map(({ item }) => item));
  await write(batch, [
    ...versions.map(({ version, change }) => {
      const facts = { outcome: 'cancelled', reason: 'passed_on' };
      const ended = settling({ ...version, hint: 0 }, 'cancelled', 'passed_on');
      return together(change, {
        ...ended,
        events: [versionEvent(context, version, { step: 'fail', facts })],
      });
    }),
    ...items.map((item) => ({
      ...(item.made === undefined || told.has(item) ? {} : cancelling(item.look, item.made.id)),
      batchItem: { batchId, position: item.position, state: 'passed_on' as const },
      events: [],
    })),
  ]);
}

/** The end of a version that an earlier try made, and this one could not go on with. */
function cancelling({ entry, number: observation, runId }: BatchItem['look'], id: Id) {
  return settling({ id, entry, observation, hint: 0, runId }, 'cancelled', 'passed_on');
}
