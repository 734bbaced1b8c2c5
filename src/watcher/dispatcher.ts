import type { Client } from '@temporalio/client';
import { changedSignal } from '../../workflows/messages.ts';
import type { protectBatch } from '../../workflows/protect-batch.ts';
import type { protectFile } from '../../workflows/protect-file.ts';
import { startAttributes } from '../../workflows/search-attributes.ts';
import type { Catalog, EntryRef } from '../catalog/catalog.ts';
import { startedFor } from '../catalog/judged-query.ts';
import type { Config } from '../config.ts';
import type { Id } from '../domain/records.ts';
import { batchWorkflowId, hostQueue, protectWorkflowId } from '../temporal/names.ts';
import { translateOutage } from '../temporal/outage.ts';
import { summaryOfBatch, summaryOfFile } from '../temporal/summaries.ts';

/** How many start requests are under way at once. */
const startsAtOnce = 16;

/** Tells the pipeline that entries may have changed: first the catalog, then one workflow per entry. */
export class Dispatcher {
  private readonly catalog: Catalog;
  private readonly client: Client;
  private readonly config: Config;
  private readonly taskQueue: () => string;

  /** @param taskQueue of the group that serves the entries' source, asked for at each start */
  constructor(catalog: Catalog, client: Client, config: Config, taskQueue: () => string) {
    this.catalog = catalog;
    this.client = client;
    this.config = config;
    this.taskQueue = taskQueue;
  }

  /** Gives each entry's hint: it is settled once a look that began after this call has ended. */
  async dispatch(entries: readonly EntryRef[], runId: Id): Promise<Map<Id, number>> {
    const hints = await this.catalog.hint(entries);
    const ids = [...hints.keys()];
    const starters = Array.from({ length: startsAtOnce }, async () => {
      for (let id = ids.shift(); id !== undefined; id = ids.shift()) await this.start(id, runId);
    });
    await Promise.all(starters);
    return hints;
  }

  /** Starts the workflow of a batch, unless it is under way. Failure `temporal_unavailable`. */
  async startBatch(batchId: Id): Promise<void> {
    const { maxRetries, retryDelay } = this.config.pipeline;
    const known = await startedFor(this.catalog, { batchId });
    const started = this.client.workflow.start<typeof protectBatch>('protectBatch', {
      workflowId: batchWorkflowId(batchId),
      taskQueue: this.taskQueue(),
      args: [{ batchId, retry: { maxRetries, retryDelayMs: retryDelay } }],
      typedSearchAttributes: startAttributes(known),
      ...summaryOfBatch(known),
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    });
    await started.catch(translateOutage);
  }

  /** Starts the entry's workflow, or tells the running one. Failure `temporal_unavailable`. */
  async start(entryId: Id, runId: Id): Promise<void> {
    const { maxRetries, retryDelay } = this.config.pipeline;
    const known = { ...(await startedFor(this.catalog, { entryId })), run: runId };
    const started = this.client.workflow.signalWithStart<typeof protectFile, [{ runId: Id }]>('protectFile', {
      workflowId: protectWorkflowId(entryId),
      taskQueue: this.taskQueue(),
      args: [
        {
          entryId,
          runId,
          retry: { maxRetries, retryDelayMs: retryDelay },
          hostQueue: hostQueue(this.config.host.id),
        },
      ],
      typedSearchAttributes: startAttributes(known),
      ...summaryOfFile(known, entryId),
      signal: changedSignal,
      signalArgs: [{ runId }],
    });
    await started.catch(translateOutage);
  }
}
