import { claimBatch } from '../../src/batch/batch-table.ts';
import type { BatchContext } from '../../src/batch/file.ts';
import { type InMemory, protectBatch } from '../../src/batch/protect-batch.ts';
import type { EntryRef } from '../../src/catalog/catalog.ts';
import { newRunId } from '../../src/domain/ids.ts';
import type { Id } from '../../src/domain/records.ts';
import type { PipelineContext } from '../../src/pipeline/context.ts';
import { batchWorkflowId } from '../../src/temporal/names.ts';
import { stepRun, type World } from '../support/pipeline.ts';

export interface Batched {
  readonly batchId: Id;
  /** Entries that were passed on, in the order they were. */
  readonly passedOn: Id[];
  /** Runs the batch, again or for the first time. */
  run(context?: PipelineContext, inMemory?: InMemory): Promise<void>;
}

/** A batch of paths of the world's source, as a sweep makes one. */
export async function makeBatch(
  world: World,
  paths: readonly string[],
  options: { readonly packs?: boolean; readonly runId?: Id } = {},
): Promise<Batched> {
  const { catalog, context } = world;
  const [sourceId = ''] = [...context.sources.keys()];
  const batchId = newRunId();
  const entries: EntryRef[] = paths.map((path) => {
    const bytes = Buffer.from(path);
    return { id: context.ids.entry(sourceId, bytes), sourceId, path: bytes };
  });
  await claimBatch(catalog, { id: batchId, sourceId, runId: options.runId ?? 'sweep' }, entries);
  const passedOn: Id[] = [];
  return {
    batchId,
    passedOn,
    async run(used = context, inMemory) {
      const batch: BatchContext = {
        context: used,
        batchId,
        packs: options.packs ?? true,
        passOn: async (entryId) => {
          passedOn.push(entryId);
        },
        settled: () => {},
      };
      await protectBatch(batch, { ...stepRun(), workflowId: batchWorkflowId(batchId) }, inMemory);
    },
  };
}

/** What became of the entries of a world, by path. */
export async function outcomes(world: World): Promise<Record<string, string | null>> {
  const rows = await world.catalog.rows<{ path: Buffer; outcome: string | null }>(
    'select e.path, v.outcome from entries e left join versions v on v.id = e.head_version_id order by e.path',
  );
  return Object.fromEntries(rows.map(({ path, outcome }) => [path.toString(), outcome]));
}
