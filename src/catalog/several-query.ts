import type { Id, Outcome, PlacementState } from '../domain/records.ts';
import type { Catalog } from './catalog.ts';
import type { Rows } from './database.ts';
import type { IntentRow } from './rows.ts';

/** What of a version counts for its outcome. */
export interface CombinedOutcome {
  readonly outcome: Outcome;
  readonly reason: string | null;
}

const several =
  'select version_id as id from placements where version_id = any($1) group by 1 having count(*) > 1';

/**
 * What became of versions that have more than one placement: the worst of what became of them in each destination. A copy
 * that is still to be made, was refused to a copier or was lost makes no version worse than the copies it has.
 */
const worst = `select distinct on (p.version_id) p.version_id as "versionId", s.outcome, s.reason
  from placements p, lateral (
    select case
        when p.state = 'failed' and p.reason is distinct from 'object_lost' then 'failed'
        when p.state = 'held' then 'held'
        when p.state = 'committed' then case when exists (
            select 1 from sealed_file_at(p.object_id, p.byte_offset) f join sealings s on s.id = f.sealing_id
            where s.version_id = p.version_id)
          then 'uploaded' else 'duplicate' end
      end as outcome,
      case when p.state <> 'committed' then p.reason end as reason
  ) s
  where s.outcome is not null and p.version_id = any($1)
  order by p.version_id, array_position(array['failed', 'held', 'uploaded', 'duplicate'], s.outcome), p.destination`;

/** The outcomes of those among the versions that lie in several destinations. */
export async function worstOutcomes(
  query: Rows,
  versionIds: readonly Id[],
): Promise<ReadonlyMap<Id, CombinedOutcome>> {
  // Mostly there are none, and Postgres takes longer to plan the other question than to answer this one.
  const among = (await query(several, [versionIds])) as { id: Id }[];
  if (among.length === 0) return new Map();
  const found = (await query(worst, [among.map(({ id }) => id)])) as (CombinedOutcome & { versionId: Id })[];
  return new Map(found.map(({ versionId, ...combined }) => [versionId, combined]));
}

/** How far a version is in each destination that has to do with it. */
export async function placementStates(
  catalog: Catalog,
  versionId: Id,
): Promise<ReadonlyMap<string, PlacementState>> {
  const rows = await catalog.rows<{ destination: string; state: PlacementState }>(
    'select destination, state from placements where version_id = $1',
    [versionId],
  );
  return new Map(rows.map(({ destination, state }) => [destination, state]));
}

/** The version's holds, one per destination that release denied, newest first. */
export async function holdsOf(catalog: Catalog, versionId: Id): Promise<Id[]> {
  const rows = await catalog.rows<{ id: Id }>(
    'select id from holds where version_id = $1 order by opened_at desc, id',
    [versionId],
  );
  return rows.map(({ id }) => id);
}

/** An intent of another destination for the version's newest sealing. */
export type IntentElsewhere = Pick<IntentRow, 'destination' | 'state' | 'sealedSha256'> & {
  readonly generation: number;
};

export async function intentElsewhere(
  catalog: Catalog,
  versionId: Id,
  destination: string,
): Promise<IntentElsewhere | undefined> {
  const [row] = await catalog.rows<IntentElsewhere>(
    `select i.destination, i.state, i.sealed_sha256 as "sealedSha256", s.generation
     from intents i join sealings s on s.id = i.sealing_id
     where s.version_id = $1 and i.destination <> $2 order by s.generation desc, i.state = 'aborted' limit 1`,
    [versionId, destination],
  );
  return row;
}

/**
 * Takes over what other destinations' uploads of the same sealing announced of their parts: under one IV nothing but the
 * very same bytes may be sent.
 */
export async function adoptAnnouncedParts(catalog: Catalog, intentId: Id): Promise<void> {
  await catalog.rows(
    `insert into intent_parts (intent_id, part_number, length, sha256)
     select $1, p.part_number, p.length, p.sha256 from intents mine
     join intents other on other.sealing_id = mine.sealing_id and other.id <> mine.id and other.part_size = mine.part_size
       and other.state <> 'aborted'
     join intent_parts p on p.intent_id = other.id
     where mine.id = $1 on conflict do nothing`,
    [intentId],
  );
}

/** Ids of the open intents of those who copy between destinations. */
export async function openCopies(catalog: Catalog): Promise<ReadonlySet<Id>> {
  const rows = await catalog.rows<{ id: Id }>(`select id from intents where state = 'open' and copies`);
  return new Set(rows.map(({ id }) => id));
}

/** Placements that a version which has several ended with in the middle of an upload. */
export async function uploadingAmongSeveral(catalog: Catalog, versionId: Id): Promise<string[]> {
  const rows = await catalog.rows<{ destination: string }>(
    `select destination from placements where version_id = $1 and state = 'uploading'
       and exists (select 1 from placements o where o.version_id = $1 and o.destination <> placements.destination)`,
    [versionId],
  );
  return rows.map(({ destination }) => destination);
}
