import type { Catalog } from '../catalog/catalog.ts';
import { runsBeginning } from '../catalog/run-query.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { say } from '../text/voice.ts';

/** The run of an id or of its first digits, four at least. Failures: `run_unknown`, `usage` where it could be several. */
export async function namedRun(catalog: Catalog, given: string): Promise<Id> {
  const [id, ...others] = /^[0-9a-f]{4,32}$/.test(given) ? await runsBeginning(catalog, given) : [];
  if (id === undefined) throw new Failure('run_unknown', { run: given });
  if (others.length > 0)
    throw new Failure('usage', {
      detail: say('files', 'several_runs', { given, names: [id, ...others].join(', ') }),
    });
  return id;
}
