import { arrayParameter } from '../catalog/array-parameter.ts';
import {
  type Catalog,
  type EntryRef,
  type KnownVersion,
  knownVersion,
  leaseMinutes,
  noticedNow,
  versionColumns,
} from '../catalog/catalog.ts';
import type { Rows } from '../catalog/database.ts';
import { takeEntries } from '../catalog/take-entries.ts';
import type { Id } from '../domain/records.ts';
import type { LookedAt } from '../pipeline/look.ts';
import { batchWorkflowId } from '../temporal/names.ts';

/** One entry of a batch that is not done yet. */
export interface BatchItem {
  readonly position: number;
  readonly look: LookedAt;
  /** The version that an earlier try of the batch made of it. */
  readonly made?: KnownVersion;
}

/** What became of entries that were to go into a batch. */
export interface Claimed {
  /** The hint that each of the batch's entries waits for. */
  readonly hints: ReadonlyMap<Id, number>;
  /** Entries that somebody else looks at now, with their owner: a workflow run, or `batch:<id>`. */
  readonly left: readonly { readonly entry: EntryRef; readonly owner: string }[];
}

/** Undefined for an owner that is no batch. */
export function batchOf(owner: string): Id | undefined {
  return owner.startsWith('batch:') ? owner.slice('batch:'.length) : undefined;
}

const lease = `lease_owner = 'batch:' || $1, lease_until = now() + interval '${leaseMinutes} minutes'`;

/** Entries that nobody knew are taken as they are made: written once. In the order that every writer takes them in. */
const takeNew = `insert into entries (id, source_id, path, hint, observation, lease_owner, lease_until, noticed_at)
  select id, $2, path, 1, 1, 'batch:' || $1, now() + interval '${leaseMinutes} minutes', now()
  from unnest($3::text[], $4::bytea[]) as w(id, path) order by id on conflict do nothing returning id, path, hint, observation, null as owner`;

/**
 * Draws the numbers of those that are known already and that nobody looks at now. A batch looks at them for as long as it is
 * open: one that is done keeps nobody from what was told of an entry since, whatever is left of its lease.
 */
const takeKnown = `with wanted as (
  select id, path,
    case when settled_hint < hint and (lease_until > now() and lease_owner not like 'batch:%' or exists (
      select 1 from batches b where 'batch:' || b.id = lease_owner and b.closed_at is null)) then lease_owner end as owner
  from entries where id = any($2)
), taken as (
  update entries e set hint = e.hint + 1, ${noticedNow}, observation = e.observation + 1, ${lease}
  from wanted w where e.id = w.id and w.owner is null returning e.id, e.observation, e.hint
)
select w.id, w.path, w.owner, t.hint, t.observation from wanted w left join taken t on t.id = w.id`;

interface TakenEntry {
  readonly id: Id;
  readonly path: Buffer;
  readonly hint: number | null;
  readonly observation: number | null;
  readonly owner: string | null;
}

/**
 * Makes a batch of those entries that nobody is looking at: draws a number for its look at each, and takes them for
 * {@link leaseMinutes}. Without any, none is made.
 */
export async function claimBatch(
  catalog: Catalog,
  batch: { readonly id: Id; readonly sourceId: Id; readonly runId: Id },
  entries: readonly EntryRef[],
): Promise<Claimed> {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const found = await catalog.transaction(async (query) => {
    const wanted = [...byId.values()];
    const made = (await query(takeNew, [
      ...[batch.id, batch.sourceId],
      arrayParameter(
        'text',
        wanted.map(({ id }) => id),
      ),
      arrayParameter(
        'bytea',
        wanted.map(({ path }) => path),
      ),
    ])) as TakenEntry[];
    const isMade = new Set(made.map(({ id }) => id));
    const known = wanted.flatMap(({ id }) => (isMade.has(id) ? [] : [id]));
    if (known.length > 0) await takeEntries(query, known);
    const others = known.length === 0 ? [] : ((await query(takeKnown, [batch.id, known])) as TakenEntry[]);
    const all = new Map([...made, ...others].map((entry) => [entry.id, entry]));
    await recordItems(
      query,
      batch,
      [...byId.keys()].flatMap((id) => all.get(id) ?? []),
    );
    return [...all.values()];
  });
  await catalog.restorePaths(
    found.flatMap(({ id, path }) => {
      const entry = byId.get(id);
      return entry === undefined || entry.path.equals(path) ? [] : [entry];
    }),
  );
  return {
    hints: new Map(found.flatMap(({ id, hint }) => (hint === null ? [] : [[id, hint] as const]))),
    left: found.flatMap(({ id, owner }) => {
      const entry = byId.get(id);
      return owner === null || entry === undefined ? [] : [{ entry, owner }];
    }),
  };
}

/** Makes the batch of what was taken, in the order given. */
async function recordItems(
  query: Rows,
  { id, sourceId, runId }: { readonly id: Id; readonly sourceId: Id; readonly runId: Id },
  found: readonly TakenEntry[],
): Promise<void> {
  const items = found.filter(({ hint }) => hint !== null);
  if (items.length === 0) return;
  await query(
    `insert into batches (id, source_id, run_id, entry_ids, observations, hints) values ($1, $2, $3, $4, $5, $6)`,
    [
      ...[id, sourceId, runId],
      items.map((item) => item.id),
      items.map(({ observation }) => observation),
      items.map(({ hint }) => hint),
    ],
  );
}

/**
 * Batches of a source that are not done, e.g. because the sweep that made them was cut off: what they still do counts as
 * done by this one.
 */
export async function takeOverBatches(
  catalog: Catalog,
  { sourceId, runId }: { readonly sourceId: Id; readonly runId: Id },
): Promise<Id[]> {
  const found = await catalog.rows<{ id: Id }>(
    'update batches set run_id = $2 where source_id = $1 and closed_at is null returning id',
    [sourceId, runId],
  );
  return found.map(({ id }) => id);
}

/** Those of the batches that are done by now, perhaps so long that they are forgotten. */
export async function closedAmong(catalog: Catalog, batchIds: readonly Id[]): Promise<Id[]> {
  const found = await catalog.rows<{ id: Id }>(
    `select id from unnest($1::text[]) as asked(id)
     where not exists (select 1 from batches b where b.id = asked.id and b.closed_at is null)`,
    [batchIds],
  );
  return found.map(({ id }) => id);
}

/** What is left to do of a batch, in its order, and the entries are taken for another while. */
export async function takeOpenItems(catalog: Catalog, batchId: Id): Promise<BatchItem[]> {
  if ((await catalog.rows(dueForLease, [batchId])).length > 0) await takeAgain(catalog, batchId);
  const found = await catalog.rows<OpenItem>(
    `select i.position, i.entry_id as "entryId", i.observation, i.hint, b.run_id as "runId", e.source_id as "sourceId", e.path,
            e.head_version_id as "headId", e.noticed_at as "noticedAt"
     from batches b join batch_items i on i.batch_id = b.id join entries e on e.id = i.entry_id
     where b.id = $1 and i.state = 'open' order by i.position`,
    [batchId],
  );
  // Of their own, because most entries of a first sweep have neither.
  const made = await versionsOf(catalog, madeByItem, batchId);
  const heads = found.some(({ headId }) => headId !== null)
    ? await versionsOf(catalog, headOfItem, batchId)
    : new Map<number, KnownVersion>();
  return found.map(({ position, entryId, sourceId, path, observation, hint, runId, noticedAt }) => {
    const head = heads.get(position);
    const own = made.get(position);
    return {
      position,
      look: {
        entry: { id: entryId, sourceId, path },
        number: observation,
        hint,
        runId,
        workflowId: batchWorkflowId(batchId),
        ...(noticedAt === null ? {} : { noticedAt }),
        ...(head ? { head } : {}),
      },
      ...(own ? { made: own } : {}),
    };
  });
}

interface OpenItem {
  readonly position: number;
  readonly entryId: Id;
  readonly sourceId: Id;
  readonly path: Buffer;
  readonly observation: number;
  readonly hint: number;
  readonly runId: Id;
  readonly headId: Id | null;
  readonly noticedAt: Date | null;
}

/** A lease that has just been taken is not taken again: each time makes a new version of every row. */
const dueForLease = `select e.id from entries e join batch_items i on i.entry_id = e.id
  where i.batch_id = $1 and i.state = 'open' and (e.lease_owner is distinct from 'batch:' || $1
    or e.lease_until < now() + interval '${leaseMinutes - 1} minutes')`;

async function takeAgain(catalog: Catalog, batchId: Id): Promise<void> {
  await catalog.transaction(async (rows) => {
    const due = (await rows(`${dueForLease} order by e.id for no key update of e`, [batchId])) as {
      id: Id;
    }[];
    if (due.length > 0)
      await rows(`update entries set ${lease} where id = any($2)`, [batchId, due.map(({ id }) => id)]);
  });
}

const madeByItem = 'join versions v on v.entry_id = i.entry_id and v.observation = i.observation';
const headOfItem = 'join entries e on e.id = i.entry_id join versions v on v.id = e.head_version_id';

/**
 * Versions that belong to open items of a batch, by the item's position.
 *
 * @param joined SQL that joins them, as `v`, to the items, `i`
 */
async function versionsOf(
  catalog: Catalog,
  joined: string,
  batchId: Id,
): Promise<ReadonlyMap<number, KnownVersion>> {
  const found = await catalog.rows<Record<string, unknown>>(
    `select i.position, ${versionColumns('v', 'v')} from batch_items i ${joined}
     where i.batch_id = $1 and i.state = 'open'`,
    [batchId],
  );
  return new Map(
    found.flatMap((row) => {
      const version = knownVersion(row, 'v');
      return version === undefined ? [] : [[row.position as number, version] as const];
    }),
  );
}

/** Entries of a batch that went their own way, with the hint each waits for. */
export async function passedOn(catalog: Catalog, batchId: Id): Promise<Map<Id, number>> {
  const found = await catalog.rows<{ entryId: Id; hint: number }>(
    `select i.entry_id as "entryId", i.hint
     from batches b cross join lateral unnest(b.entry_ids, b.hints) with ordinality as i(entry_id, hint, place)
     where b.id = $1 and i.place - 1 = any(b.passed_on)`,
    [batchId],
  );
  return new Map(found.map(({ entryId, hint }) => [entryId, hint]));
}

/** Ends a batch of which nothing is open. */
export async function closeBatch(catalog: Catalog, batchId: Id): Promise<void> {
  await catalog.rows(
    `update batches set closed_at = now() where id = $1 and closed_at is null
       and cardinality(entry_ids) = cardinality(settled) + cardinality(passed_on)`,
    [batchId],
  );
}

/** Forgets the batches of a sweep that are done: what they did is on record elsewhere. */
export async function forgetClosed(catalog: Catalog, sourceId: Id): Promise<void> {
  await catalog.rows('delete from batches where source_id = $1 and closed_at is not null', [sourceId]);
}
