import type { Client } from '@temporalio/client';

/** Workflows that work on entries of the catalog; others are begun anew by schedules. */
const onEntries = /^(?:protect|batch|hold):/;

/** Ids of the workflows that still work on entries. Failures of the client pass through. */
export async function openWorkflows(client: Client): Promise<string[]> {
  const open: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query: `ExecutionStatus = 'Running'` })) {
    if (onEntries.test(workflowId)) open.push(workflowId);
  }
  return open;
}

/** Ends them at once; one that has ended meanwhile is as good. */
export async function abandonWorkflows(client: Client, workflowIds: readonly string[]): Promise<void> {
  const { WorkflowNotFoundError } = await import('@temporalio/client');
  for (const id of workflowIds) {
    try {
      await client.workflow.getHandle(id).terminate('the catalog was lost and is rebuilt');
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
}
