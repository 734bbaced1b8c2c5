import type { Catalog } from '../catalog/catalog.ts';
import { readFact, writeFact } from '../catalog/installation-fact.ts';
import type { AuditRow } from '../catalog/rows.ts';
import type { LimitOverride } from './upload-limit.ts';

/** Name of the installation fact that keeps what was decided by command. */
const factName = 'limits.upload';

/** What was decided by command; undefined where the configuration counts. Also when its time is over. */
export async function readOverride(catalog: Catalog): Promise<LimitOverride | undefined> {
  const fact = await readFact<LimitOverride | Record<string, never>>(catalog, factName);
  return fact?.value.rate === undefined ? undefined : (fact.value as LimitOverride);
}

/** Decides it for every worker of this catalog, on record; undefined: the configuration counts again. */
export async function writeOverride(
  catalog: Catalog,
  override: LimitOverride | undefined,
  event: AuditRow,
): Promise<void> {
  await catalog.write({ events: [event] });
  await writeFact(catalog, factName, override ?? {});
}
