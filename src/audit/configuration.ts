import { hash } from 'node:crypto';
import type { Catalog } from '../catalog/catalog.ts';
import { readFact, writeFact } from '../catalog/installation-fact.ts';
import { canonical } from '../domain/canonical.ts';
import { newRunId } from '../domain/ids.ts';
import type { Installation } from '../installation.ts';
import { auditEvent } from './event.ts';

/**
 * Tells that this host's configuration is another than when its worker started last: its SHA-256, and the one before. The
 * configuration holds no secret, and the hash tells nothing of what stands in it.
 */
export async function tellConfiguration(
  catalog: Catalog,
  { ids, config }: Pick<Installation, 'ids' | 'config'>,
): Promise<void> {
  const host = config.host.id;
  const factName = `configuration ${host}`;
  const sha256 = hash('sha256', canonical(config), 'hex');
  const before = (await readFact<{ sha256: string }>(catalog, factName))?.value.sha256;
  if (before === sha256) return;
  const run = newRunId();
  const event = auditEvent(ids, {
    ...{ subject: run, step: 'configuration', run, host },
    facts: { sha256, ...(before === undefined ? {} : { before }) },
  });
  await catalog.write({ events: [event] });
  // Afterwards: told twice is better than not at all.
  await writeFact(catalog, factName, { sha256 });
}
