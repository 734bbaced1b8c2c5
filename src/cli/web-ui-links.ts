import { isFailure } from '../domain/failures.ts';
import type { Endpoints } from '../stack/endpoints.ts';
import { webUiUrl, workflowPath, workflowsPath } from '../temporal/web-ui.ts';

/** URLs in the Web UI of Temporal. */
export interface WebUiLinks {
  workflow(workflowId: string): string;
  workflows(query: string): string;
}

/** Undefined where nobody said where the Web UI is, or it does not run: what the catalog knows is shown all the same. */
export function webUiLinks(where: Pick<Endpoints, 'temporal' | 'temporalUi'>): WebUiLinks | undefined {
  try {
    const { temporalUi } = where;
    if (temporalUi === undefined) return undefined;
    const { namespace } = where.temporal;
    return {
      workflow: (workflowId) => webUiUrl(temporalUi, workflowPath(namespace, workflowId)),
      workflows: (query) => webUiUrl(temporalUi, workflowsPath(namespace, query)),
    };
  } catch (error) {
    if (isFailure(error, 'service_not_running')) return undefined;
    throw error;
  }
}
