import type { Installation } from '../installation.ts';
import { OpaEngine } from '../policy/opa-engine.ts';
import { pingClamd } from '../scanner/clamscan-facts.ts';
import type { Endpoints } from './endpoints.ts';

const opaTimeoutMs = 3_000;

/**
 * Asks those external services that nothing else is asked of before the worker starts, so that one that is down is named
 * at the start. Failures `temporal_unavailable`, `policy_unavailable`, `scanner_unavailable`.
 */
export async function checkExternal({ config, keyring }: Installation, where: Endpoints): Promise<void> {
  const { temporal, opa, clamd } = config.services;
  if (temporal.mode === 'external') {
    // Loading the SDK takes memory and a good part of a second, which an embedded server's check need not cost.
    const { connectClient } = await import('../temporal/connect.ts');
    const client = await connectClient(where.temporal, keyring.root.payload);
    await client.connection.close();
  }
  if (opa.mode === 'external') {
    await new OpaEngine({ socketPath: where.opaSocket, timeoutMs: opaTimeoutMs }).ping();
  }
  if (clamd.mode === 'external') await pingClamd(where.clamdSocket);
}
