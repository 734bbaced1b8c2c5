import {
  type Catalog,
  type EntryRef,
  type KnownVersion,
  knownVersion,
  leaseMinutes,
  versionColumns,
} from '../catalog/catalog.ts';
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

/** Draws the numbers and makes the batch, once the entries are taken. */
const claim = `with wanted as (
  select e.id, e.path, w.position,
    case when e.settled_hint < e.hint and (e.lease_until > now() or exists (
      select 1 from batches b where 'batch:' || b.id = e.lease_owner and b.closed_at is null)) then e.lease_owner end as owner
  from unnest($4::text[]) with ordinality as w(id, position) join entries e on e.id = w.id
), taken as (
  update entries e set hint = e.hint + 1, observation = e.observation + 1, lease_owner = 'batch:' || $1,
    lease_until = now() + interval '${leaseMinutes} minutes'
  from wanted w where e.id = w.id and w.owner is null returning e.id, w.position, e.observation, e.hint
), made as (
  insert into batches (id, source_id, run_id) select $1, $2, $3 where exists (select 1 from taken) returning id
), items as (
  insert into batch_items (batch_id, position, entry_id, observation, hint, state)
  select m.id, t.position, t.id, t.observation, t.hint, 'open' from taken t, made m
)
select w.id, w.path, w.owner, t.hint from wanted w left join taken t on t.id = w.id`;

/**
 * Makes a batch of those entries that nobody is looking at: draws a number for its look at each, and takes them for
 * {@link leaseMinutes}. Without any, none is made.
 */
export async function claimBatch(
  catalog: Catalog,
  batch: { readonly id: Id; readonly sourceId: Id; readonly runId: Id },
  entries: readonly EntryRef[],
): Promise<Claimed> {
  await catalog.addEntries(entries);
  const ids = entries.map(({ id }) => id);
  const found = await catalog.transaction(async (rows) => {
    await takeEntries(rows, ids);
    return (await rows(claim, [batch.id, batch.sourceId, batch.runId, ids])) as {
      id: Id;
      hint: number | null;
      owner: string | null;
      path: Buffer;
    }[];
  });
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
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

/** Those of the batches that are done by now. */
export async function closedAmong(catalog: Catalog, batchIds: readonly Id[]): Promise<Id[]> {
  const found = await catalog.rows<{ id: Id }>(
    'select id from batches where id = any($1) and closed_at is not null',
    [batchIds],
  );
  return found.map(({ id }) => id);
}

/** What is left to do of a batch, in its order, and the entries are taken for another while. */
export async function takeOpenItems(catalog: Catalog, batchId: Id): Promise<BatchItem[]> {
  await catalog.transaction(async (rows) => {
    const left = (await rows(
      `select e.id from entries e join batch_items i on i.entry_id = e.id
       where i.batch_id = $1 and i.state = 'open' order by e.id for no key update of e`,
      [batchId],
    )) as { id: Id }[];
    await rows(
      `update entries set lease_owner = 'batch:' || $1, lease_until = now() + interval '${leaseMinutes} minutes'
       where id = any($2)`,
      [batchId, left.map(({ id }) => id)],
    );
  });
  const found = await catalog.rows<Record<string, unknown>>(
    `select i.position, i.entry_id as "entryId", i.observation, i.hint, b.run_id as "runId", e.source_id as "sourceId", e.path,
            ${versionColumns('head', 'head')}, ${versionColumns('made', 'made')}
     from batch_items i join batches b on b.id = i.batch_id join entries e on e.id = i.entry_id
     left join versions head on head.id = e.head_version_id
     left join versions made on made.entry_id = i.entry_id and made.observation = i.observation
     where i.batch_id = $1 and i.state = 'open' order by i.position`,
    [batchId],
  );
  return found.map((row) => {
    const head = knownVersion(row, 'head');
    const made = knownVersion(row, 'made');
    return {
      position: row.position as number,
      look: {
        entry: { id: row.entryId as Id, sourceId: row.sourceId as Id, path: row.path as Buffer },
        number: row.observation as number,
        hint: row.hint as number,
        runId: row.runId as Id,
        workflowId: batchWorkflowId(batchId),
        ...(head ? { head } : {}),
      },
      ...(made ? { made } : {}),
    };
  });
}

/** Entries of a batch that went their own way, with the hint each waits for. */
export async function passedOn(catalog: Catalog, batchId: Id): Promise<Map<Id, number>> {
  const found = await catalog.rows<{ entryId: Id; hint: number }>(
    `select entry_id as "entryId", hint from batch_items where batch_id = $1 and state = 'passed_on'`,
    [batchId],
  );
  return new Map(found.map(({ entryId, hint }) => [entryId, hint]));
}

/** Ends a batch of which nothing is open. */
export async function closeBatch(catalog: Catalog, batchId: Id): Promise<void> {
  await catalog.rows(
    `update batches set closed_at = now() where id = $1 and closed_at is null
       and not exists (select 1 from batch_items where batch_id = $1 and state = 'open')`,
    [batchId],
  );
}

/** Forgets the batches of a sweep that are done: what they did is on record elsewhere. */
export async function forgetClosed(catalog: Catalog, sourceId: Id): Promise<void> {
  await catalog.rows('delete from batches where source_id = $1 and closed_at is not null', [sourceId]);
}
