import type { Change } from '../catalog/rows.ts';
import type { Id } from '../domain/records.ts';
import { type PipelineContext, versionEvent } from '../pipeline/context.ts';
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
    ...versions.map(({ version, change }) => together(change, cancelling(context, version))),
    ...items.map((item) => ({
      ...(item.made === undefined || told.has(item)
        ? unmade(context, item)
        : cancelling(context, madeBy(item, item.made.id))),
      batchItem: { batchId, position: item.position, state: 'passed_on' as const },
    })),
  ]);
}

/** The end of a version that the entry's own workflow does not go on with. */
function cancelling(
  context: PipelineContext,
  version: Parameters<typeof settling>[0] & { workflowId?: string },
): Change {
  return {
    ...settling({ ...version, hint: 0 }, 'cancelled', 'passed_on'),
    events: [
      versionEvent(context, version, { step: 'fail', facts: { outcome: 'cancelled', reason: 'passed_on' } }),
    ],
  };
}

/** A version that is not on record may still be the one that others wait for. */
function unmade(context: PipelineContext, { look }: BatchItem): Change {
  return { reservationEnded: { versionId: context.ids.version(look.entry.id, look.number) }, events: [] };
}

function madeBy({ look }: BatchItem, id: Id) {
  const { entry, number: observation, hint, runId, workflowId } = look;
  return { id, entry, observation, hint, runId, workflowId };
}
