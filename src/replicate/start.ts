import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { FillDestinationInput } from '../../workflows/replicate.ts';
import { startAttributes } from '../../workflows/search-attributes.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { destinationsToFill } from '../catalog/replicate-query.ts';
import { fillWorkflowId } from '../temporal/names.ts';
import { summaryOfFilling } from '../temporal/summaries.ts';

const sliceMs = 60_000;

/** Starts the filling of each destination that lacks something and has none under way. */
export async function startFilling(
  { catalog, client }: { catalog: Catalog; client: Client },
  destinations: Iterable<string>,
  taskQueue: string,
): Promise<void> {
  const lacking = new Set(await destinationsToFill(catalog));
  for (const destination of destinations) {
    if (!lacking.has(destination)) continue;
    const input: FillDestinationInput = { destination, sliceMs };
    await client.workflow
      .start('fillDestination', {
        ...{ workflowId: fillWorkflowId(destination), taskQueue, args: [input] },
        typedSearchAttributes: startAttributes({ destination }),
        ...summaryOfFilling(destination),
      })
      .catch((error: unknown) => {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      });
  }
}
