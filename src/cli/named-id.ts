import type { Catalog } from '../catalog/catalog.ts';
import { idsBeginning } from '../catalog/ids-beginning.ts';
import { Failure, type FailureCode } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { say } from '../text/voice.ts';

/** What people name by an id or by its first digits, four at least. */
const kinds = {
  run: { table: 'run_log', unknown: 'run_unknown', several: 'several_runs' },
  incident: { table: 'incidents', unknown: 'incident_unknown', several: 'several_incidents' },
} as const satisfies Record<string, { table: string; unknown: FailureCode; several: string }>;

/** Failures: `run_unknown`, `incident_unknown`, `usage` where it could be several. */
export async function namedId(catalog: Catalog, kind: keyof typeof kinds, given: string): Promise<Id> {
  const { table, unknown, several } = kinds[kind];
  const found = /^[0-9a-f]{4,32}$/.test(given) ? await idsBeginning(catalog, table, given) : [];
  const [id, ...others] = found;
  if (id === undefined) throw new Failure(unknown, { [kind]: given });
  if (others.length > 0)
    throw new Failure('usage', { detail: say('files', several, { given, names: found.join(', ') }) });
  return id;
}
