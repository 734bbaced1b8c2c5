import type { Change } from '../catalog/rows.ts';
import type { StepRun } from '../pipeline/context.ts';
import { settledLook, unchangedLook } from '../pipeline/look.ts';
import { allowsDeletion } from '../watcher/deletions.ts';
import type { BatchItem } from './batch-table.ts';
import { type BatchContext, itemDone, write } from './file.ts';

/** Nothing has the names any more: tombstones for what was protected, unless too much is going at once. */
export async function settleGone(
  batch: BatchContext,
  items: readonly BatchItem[],
  run: StepRun,
): Promise<void> {
  const [first] = items;
  if (first === undefined) return;
  const { catalog, semaphores } = batch.context;
  const { entry, runId } = first.look;
  // One at a time, from the count to the commit: tombstones counted together would all be allowed.
  await semaphores.tombstone.run(async () => {
    const { deletedLately, entries } = await catalog.deletionLoad(entry.sourceId);
    const going = items.filter(isStanding).length;
    const mayGo =
      allowsDeletion({ deletedLately: deletedLately + Math.max(0, going - 1), entries }) ||
      (await catalog.confirmsDeletions(runId));
    await write(
      batch,
      items.map((item) => ({ ...told(batch, item, mayGo), ...itemDone(batch, item) })),
    );
  }, run.patienceMs);
}

function isStanding({ look: { head } }: BatchItem): boolean {
  return head !== undefined && head.outcome !== 'deleted' && head.outcome !== 'quarantined';
}

function told({ context, batchId }: BatchContext, item: BatchItem, mayGo: boolean): Change {
  const { look, position } = item;
  if (look.head === undefined) return settledLook(context, look, { outcome: 'vanished', reason: null });
  if (isStanding(item) && mayGo) return settledLook(context, look, { outcome: 'deleted', reason: null });
  return unchangedLook(context, look, `${batchId}/${position}`);
}
