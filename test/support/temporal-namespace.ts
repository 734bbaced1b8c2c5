import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { until } from './until.ts';

/** Makes a namespace and waits until every service of the server knows it. */
export async function registerNamespace(address: string, namespace: string): Promise<void> {
  await withConnection(address, async ({ workflowService }) => {
    const workflowExecutionRetentionPeriod = msToTs('3 days');
    await workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod });
    // Until every service has read it anew: namespaces are cached for seconds.
    await until('the namespace is known', () =>
      workflowService.countWorkflowExecutions({ namespace }).then(
        () => true,
        () => false,
      ),
    );
  });
}

export async function withConnection<Result>(
  address: string,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const connection = await Connection.connect({ address, connectTimeout: '4s' });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}
