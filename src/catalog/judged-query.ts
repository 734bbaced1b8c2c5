import type { Id, Outcome } from '../domain/records.ts';
import { outcomes } from '../domain/records.ts';
import type { JudgedFacts } from '../domain/steps.ts';
import type { Catalog } from './catalog.ts';

interface Judged {
  readonly source: string;
  readonly classification: string | null;
  readonly destinations: readonly string[] | null;
  readonly policyRevision: string | null;
}

const columns = `s.name as source, v.admission ->> 'classification' as classification,
  v.admission -> 'destinations' as destinations, v.bundle_revision as "policyRevision"`;
const tables = 'versions v join entries e on e.id = v.entry_id join sources s on s.id = e.source_id';

/** How policy judged a version; only what is known of it. */
export async function judgedFacts(catalog: Catalog, versionId: Id): Promise<JudgedFacts> {
  const [found] = await catalog.rows<Judged>(`select ${columns} from ${tables} where v.id = $1`, [versionId]);
  return facts(found);
}

/** How policy judged the newest version that a run made of an entry. */
export async function judgedInRun(catalog: Catalog, entryId: Id, runId: Id): Promise<JudgedFacts> {
  const [found] = await catalog.rows<Judged>(
    `select ${columns} from ${tables} where v.entry_id = $1 and v.run_id = $2 order by v.observation desc limit 1`,
    [entryId, runId],
  );
  return facts(found);
}

function facts(found: Judged | undefined): JudgedFacts {
  if (found === undefined) return {};
  const { source, classification, destinations, policyRevision } = found;
  return {
    source,
    ...(classification === null ? {} : { classification }),
    ...(destinations === null ? {} : { destinations }),
    ...(policyRevision === null ? {} : { policyRevision }),
  };
}

/** The worst outcome that a run recorded; undefined where it recorded none. */
export async function worstOfRun(catalog: Catalog, runId: Id): Promise<Outcome | undefined> {
  const found = await catalog.rows<{ outcome: Outcome }>(
    `select distinct outcome from file_status where run_id = $1 and outcome <> 'cancelled'`,
    [runId],
  );
  return worstOf(found.map(({ outcome }) => outcome));
}

/** The worst outcome among the files of a batch that are done. */
export async function worstOfBatch(catalog: Catalog, batchId: Id): Promise<Outcome | undefined> {
  const found = await catalog.rows<{ outcome: Outcome }>(
    `select distinct v.outcome from batches b
       cross join lateral unnest(b.entry_ids, b.observations) as i(entry_id, observation)
       join versions v on v.entry_id = i.entry_id and v.observation = i.observation
     where b.id = $1 and v.outcome is not null and v.outcome <> 'cancelled'`,
    [batchId],
  );
  return worstOf(found.map(({ outcome }) => outcome));
}

/** Of several outcomes the one to look at first. */
function worstOf(among: readonly Outcome[]): Outcome | undefined {
  return outcomes.find((outcome) => among.includes(outcome));
}

/** What workflows of a batch or an entry are found by from their start. */
export async function startedFor(
  catalog: Catalog,
  subject: { readonly batchId: Id } | { readonly entryId: Id },
): Promise<{ readonly source?: string; readonly run?: Id }> {
  const [found] =
    'batchId' in subject
      ? await catalog.rows<{ source: string; run: Id }>(
          'select s.name as source, b.run_id as run from batches b join sources s on s.id = b.source_id where b.id = $1',
          [subject.batchId],
        )
      : await catalog.rows<{ source: string }>(
          'select s.name as source from entries e join sources s on s.id = e.source_id where e.id = $1',
          [subject.entryId],
        );
  return found ?? {};
}
