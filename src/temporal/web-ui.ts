import type { Id } from '../domain/records.ts';

/** Addresses in Temporal's Web UI, and the queries in them. Sandbox-safe. */

/** Outcomes that somebody has to look at. */
export const troubled = ['failed', 'quarantined', 'held'] as const;

/** All workflows that a run started. */
export const runQuery = (run: Id): string => `HoldfastRun="${run}"`;

/** The files of a run with one of these outcomes, each by its own workflow. */
export function filesQuery(run: Id, outcomes: readonly string[] = troubled): string {
  const wanted = outcomes.map((outcome) => `HoldfastOutcome="${outcome}"`).join(' OR ');
  return `WorkflowType="protectFile" AND ${runQuery(run)} AND ${outcomes.length === 1 ? wanted : `(${wanted})`}`;
}

/** The workflows that wait for somebody to approve or reject a file of a run. */
export const holdsQuery = (run: Id): string =>
  `WorkflowType="stagingHold" AND ${runQuery(run)} AND ExecutionStatus="Running"`;

/** Path in the Web UI of the workflows that a query finds. */
export const workflowsPath = (namespace: string, query: string): string =>
  `/namespaces/${encodeURIComponent(namespace)}/workflows?query=${encodeURIComponent(query)}`;

/** Path in the Web UI of the newest execution of a workflow. */
export const workflowPath = (namespace: string, workflowId: string): string =>
  `/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`;

/** A path of the Web UI as a URL. @param base the address of the Web UI, perhaps with a path of its own */
export const webUiUrl = (base: string, path: string): string => base.replace(/\/+$/, '') + path;
