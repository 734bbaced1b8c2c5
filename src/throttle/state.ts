import type { Catalog } from '../catalog/catalog.ts';
import type { AuditRow } from '../catalog/rows.ts';
import type { LimitOverride } from './upload-limit.ts';

/** Name of the installation fact that keeps what was decided by command. */
const factName = 'limits.upload';

/** What was decided by command; undefined where the configuration counts. Also when its time is over. */
export async function readOverride(catalog: Catalog): Promise<LimitOverride | undefined> {
  const [row] = await catalog.rows<{ value: LimitOverride | Record<string, never> }>(
    'select value from installation_facts where name = $1',
    [factName],
  );
  return row === undefined || row.value.rate === undefined ? undefined : (row.value as LimitOverride);
}

/** Decides it for every worker of this catalog, on record; undefined: the configuration counts again. */
export async function writeOverride(
  catalog: Catalog,
  override: LimitOverride | undefined,
  event: AuditRow,
): Promise<void> {
  await catalog.write({ events: [event] });
  await catalog.rows(
    `insert into installation_facts (name, value) values ($1, $2)
     on conflict (name) do update set value = excluded.value, at = now()`,
    [factName, override ?? {}],
  );
}
