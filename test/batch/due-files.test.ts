import { expect, test } from 'vitest';
import { DueFiles } from '../../src/batch/due-files.ts';
import { newRunId } from '../../src/domain/ids.ts';
import type { Id } from '../../src/domain/records.ts';
import { makeWorld } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const server = usePostgres();
const mebibyte = 1024 * 1024;

/** How many entries the batches got that files of these sizes, by stat, were gathered into. */
async function gathered(sizes: readonly number[]): Promise<number[]> {
  const { catalog, context } = await makeWorld(server());
  const [sourceId = ''] = [...context.sources.keys()];
  const begun: Id[] = [];
  const dispatcher = {
    dispatch: async () => new Map<Id, number>(),
    startBatch: async (batchId: Id) => {
      begun.push(batchId);
    },
  };
  const due = new DueFiles({ catalog, dispatcher }, { sourceId, runId: newRunId() });
  for (const [index, sizeBytes] of sizes.entries()) {
    const path = Buffer.from(`file-${index}`);
    await due.add({ entry: { id: context.ids.entry(sourceId, path), sourceId, path }, sizeBytes });
  }
  await due.handOver();
  expect(due.size).toBe(begun.length);
  const items = await catalog.rows<{ batchId: Id; count: number }>(
    'select batch_id as "batchId", count(*)::int as count from batch_items group by batch_id',
  );
  return begun.map((id) => items.find(({ batchId }) => batchId === id)?.count ?? 0);
}

test('a batch has at most 512 entries', async () => {
  expect(await gathered(Array(1_025).fill(1))).toEqual([512, 512, 1]);
});

test('a batch has at most 16 MiB of plaintext by stat', async () => {
  expect(await gathered(Array(33).fill(mebibyte))).toEqual([16, 16, 1]);
  expect(await gathered([...Array(16).fill(mebibyte - 1), 16, 1])).toEqual([17, 1]);
});
