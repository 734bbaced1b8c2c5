import type { Client } from '@temporalio/client';
import { startAttributes } from '../../workflows/search-attributes.ts';
import type { stagingHold } from '../../workflows/staging-hold.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { holdWorkflowId, hostQueue } from '../temporal/names.ts';
import { summaryOfHold } from '../temporal/summaries.ts';
import { heldFiles } from './held.ts';

/**
 * Gives every open hold of these sources its workflow, where it has none: whoever was to remind, expire and release it is
 * gone with a lost cluster.
 */
export async function keepWaiting(
  catalog: Catalog,
  client: { readonly workflow: Pick<Client['workflow'], 'start'> },
  taskQueue: string,
  sources: readonly string[],
): Promise<void> {
  for (const source of sources) {
    for await (const { id, hostId, runId: run } of heldFiles(catalog, { state: 'open', source })) {
      await client.workflow.start<typeof stagingHold>('stagingHold', {
        workflowId: holdWorkflowId(id),
        taskQueue,
        args: [{ holdId: id, hostQueue: hostQueue(hostId) }],
        typedSearchAttributes: startAttributes({ source, run }),
        ...summaryOfHold({ source, run }, id),
        workflowIdConflictPolicy: 'USE_EXISTING',
      });
    }
  }
}
