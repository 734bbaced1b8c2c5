import { NativeConnection } from '@temporalio/worker';
import { connected, connectionOptions, type TemporalAddress } from './connect.ts';

/**
 * The connection all workers of a process share. Apart from the client's: loading the worker's SDK, bundler included, costs more than
 * most commands do.
 */
export async function connectWorker(to: TemporalAddress): Promise<NativeConnection> {
  return connected(async () => NativeConnection.connect(await connectionOptions(to)));
}
