import type pg from 'pg';
import { arrayParameter } from './array-parameter.ts';
import { inTransaction, type Rows } from './database.ts';
import { insertDecisions } from './insert-decisions.ts';
import { insertEvents } from './insert-events.ts';
import { asRecords, type Columns, insertRows } from './insert-rows.ts';
import type { Change } from './rows.ts';
import { type CombinedOutcome, worstOutcomes } from './several-query.ts';

export type Applied = 'written' | 'object_not_live';

/**
 * Writes many changes in one transaction, a handful of set-based statements whatever their number. Inserts that meet
 * their own row again do nothing; an audit row that says something else under the same id is refused.
 */
export async function applyChanges(pool: pg.Pool, changes: readonly Change[]): Promise<Applied[]> {
  const written = await inTransaction(pool, async (query) => {
    const live = await pinLive(query, changes);
    const accepted = changes.filter((change) => (change.restsOn ?? []).every((id) => live.has(id)));
    await write(query, accepted);
    return new Set(accepted);
  });
  return changes.map((change) => (written.has(change) ? 'written' : 'object_not_live'));
}

/**
 * Keeps deletion, and what else takes an object away, from what the changes rest on, until the commit. Stronger than a
 * share, because most of them extend the object's lock next: two transactions that share a row and then both write it
 * wait for each other.
 */
async function pinLive(query: Rows, changes: readonly Change[]): Promise<Set<string>> {
  const ids = [...new Set(changes.flatMap(objectsOf))].sort();
  if (ids.length === 0) return new Set();
  const found = (await query(
    `select id from objects where id = any($1) and state = 'live' order by id for no key update`,
    [ids],
  )) as { id: string }[];
  return new Set(found.map(({ id }) => id));
}

/** What a change rests on, and what it takes away from under others. */
function objectsOf({ restsOn = [], objectLost, objectReplaced, membersLost }: Change): string[] {
  const lost = [objectLost, objectReplaced, membersLost].flatMap((change) =>
    change ? [change.objectId] : [],
  );
  return [...restsOn, ...lost];
}

async function write(query: Rows, changes: readonly Change[]): Promise<void> {
  const all = <T>(pick: (change: Change) => T | readonly T[] | undefined): T[] =>
    changes.flatMap((change) => (pick(change) ?? []) as T | T[]);

  await insertRows(
    query,
    'contents',
    // In one order everywhere: two transactions that add the same contents in different orders would wait for each other.
    all((c) => c.content).sort((a, b) => a.sha512.compare(b.sha512)),
  );
  await insertRows(
    query,
    'versions',
    all((c) => (c.version === undefined ? undefined : withJudgement(c, c.version))),
  );
  await run(
    query,
    all((c) => (c.version === undefined ? c.admission : undefined)),
    { versionId: 'text', admission: 'jsonb', bundleRevision: 'text' },
    (r) => `update versions v set admission = r.admission, bundle_revision = r.bundle_revision
    from ${r} where v.id = r.version_id`,
  );
  await insertDecisions(
    query,
    all((c) => c.decisions),
  );
  await insertRows(
    query,
    'scans',
    all((c) => c.scan),
  );
  await run(
    query,
    all((c) => (c.version === undefined ? c.scan : undefined)),
    { id: 'text', versionId: 'text' },
    (r) => `update versions v set scan_id = r.id
    from ${r} where v.id = r.version_id`,
  );
  await insertRows(
    query,
    'scans',
    all((c) => c.contentScan),
  );
  await run(
    query,
    all((c) => c.contentScan),
    { id: 'text', sha512: 'bytea', state: 'text', signature: 'text' },
    (r) => `update versions v set scan_id = r.id, journal = null,
       late_signature = case when r.state = 'infected' then coalesce(r.signature, 'unknown') end
     from ${r}
     where v.sha512 = r.sha512 and (v.outcome is null or v.outcome in ('uploaded', 'duplicate', 'held'))`,
  );
  await insertRows(
    query,
    'rescans',
    firstOfEach(
      all((c) => c.rescan),
      ({ sha512 }) => sha512.toString('hex'),
    ),
    `on conflict (sha512) do update set result = excluded.result, reason = excluded.reason, engine = excluded.engine,
       signature_revision = excluded.signature_revision, signatures_at = excluded.signatures_at,
       signature_set = excluded.signature_set, at = now()`,
  );
  await insertRows(
    query,
    'sealings',
    all((c) => c.sealing),
  );
  await insertRows(
    query,
    'intents',
    all((c) => c.intent),
  );
  await insertRows(
    query,
    'pack_members',
    all((c) => c.packMembers),
  );
  await run(
    query,
    all((c) => c.uploadBegun),
    { intentId: 'text', uploadId: 'text' },
    (r) => `update intents i set upload_id = r.upload_id
     from ${r} where i.id = r.intent_id and i.state = 'open'`,
  );
  await insertRows(
    query,
    'intent_parts',
    all((c) => c.intentPart),
  );
  await insertRows(
    query,
    'objects',
    all((c) => c.object),
  );
  await run(
    query,
    all((c) => c.lockExtended),
    { objectId: 'text', lockMode: 'text', retainUntil: 'timestamptz' },
    (r) => `update objects o set lock_mode = r.lock_mode, retain_until = r.retain_until
    from (select distinct on (object_id) * from ${r} order by object_id, retain_until desc) r
    where o.id = r.object_id and o.retain_until < r.retain_until`,
  );
  await run(
    query,
    all((c) => c.intentClosed),
    { id: 'text', state: 'text', reason: 'text' },
    (r) => `update intents i set state = r.state, closed_at = now(), closed_reason = r.reason
    from ${r} where i.id = r.id and i.state = 'open'`,
  );
  await insertRows(
    query,
    'placements',
    firstOfEach(
      all((c) => c.placements),
      ({ versionId, destination }) => `${versionId} ${destination}`,
    ),
    `on conflict (version_id, destination) do update
      set object_id = excluded.object_id, byte_offset = excluded.byte_offset, length = excluded.length, state = excluded.state, reason = excluded.reason, at = now()
      where placements.state <> 'committed'`,
  );
  await insertRows(
    query,
    'holds',
    all((c) => c.hold),
  );
  await run(
    query,
    all((c) => c.holdChange),
    {
      ...{
        id: 'text',
        state: 'text',
        reason: 'text',
        staged: 'text',
        remindedAt: 'timestamptz',
        hostId: 'text',
      },
      ...{ sealingId: 'text', sealedLength: 'int8', sealedSha256: 'bytea' },
    },
    (r) => `update holds h set
      state = coalesce(r.state, h.state), closed_at = case when r.state is null then h.closed_at else now() end,
      reason = coalesce(r.reason, h.reason), staged = coalesce(r.staged, h.staged), reminded_at = coalesce(r.reminded_at, h.reminded_at),
      host_id = coalesce(r.host_id, h.host_id), sealing_id = coalesce(r.sealing_id, h.sealing_id),
      sealed_length = coalesce(r.sealed_length, h.sealed_length), sealed_sha256 = coalesce(r.sealed_sha256, h.sealed_sha256)
    from ${r} where h.id = r.id and h.state = 'open'`,
  );
  await insertRows(
    query,
    'hold_attempts',
    all((c) => c.holdAttempt),
  );
  await run(
    query,
    all((c) => c.attemptJudged),
    { id: 'text', result: 'text' },
    (r) => `update hold_attempts a set result = r.result
    from ${r} where a.id = r.id and a.result is null`,
  );
  await insertRows(
    query,
    'quarantine',
    all((c) => c.quarantine),
  );
  await insertRows(
    query,
    'quarantine_copies',
    all((c) => c.quarantineCopy),
  );
  await insertRows(
    query,
    'quarantine_ends',
    all((c) => c.quarantineEnd),
  );
  await insertRows(
    query,
    'infection_exceptions',
    all((c) => c.infectionException),
  );
  await lockEntries(query, [...all((c) => c.settle), ...all((c) => c.unchanged)]);
  await settle(
    query,
    all((c) => c.settle),
  );
  await run(
    query,
    all((c) => c.unchanged),
    { entryId: 'text', hint: 'int8' },
    (r) => `update entries e set settled_hint = greatest(e.settled_hint, r.hint), ${stillNoticed}
    from (select entry_id, max(hint) as hint from ${r} group by entry_id) r
    where e.id = r.entry_id`,
  );
  await run(
    query,
    all((c) => c.restat),
    { versionId: 'text', ctimeNs: 'int8', inode: 'numeric', device: 'numeric' },
    (r) => `update versions v set ctime_ns = r.ctime_ns, inode = r.inode, device = r.device
     from ${r} where v.id = r.version_id`,
  );
  await run(
    query,
    all((c) => [c.objectLost, c.objectReplaced].filter((lost) => lost !== undefined)),
    { objectId: 'text', result: 'text' },
    (r) => `update objects o set state = 'deleted', check_result = r.result, checked_at = now()
     from ${r} where o.id = r.object_id`,
  );
  await run(
    query,
    all((c) => c.objectReplaced),
    { objectId: 'text', byObjectId: 'text' },
    (r) => `with moved as (
       update placements p set object_id = r.by_object_id, at = now()
       from ${r}
       where p.object_id = r.object_id and p.state = 'committed' returning p.version_id
     )
     update versions v set settled_at = now(), journal = null from moved where v.id = moved.version_id`,
  );
  const membersLost = all((c) => c.membersLost).flatMap(({ objectId, byteOffsets }) =>
    byteOffsets.map((byteOffset) => ({ objectId, byteOffset })),
  );
  await insertRows(query, 'lost_members', membersLost);
  await run(
    query,
    [...all((c) => c.objectLost).map(({ objectId }) => ({ objectId, byteOffset: null })), ...membersLost],
    { objectId: 'text', byteOffset: 'int8' },
    (r) => `with emptied as (
       update placements p set state = 'failed', reason = 'object_lost', at = now()
       from ${r}
       where p.object_id = r.object_id and (r.byte_offset is null or p.byte_offset = r.byte_offset)
         and p.state = 'committed' returning p.version_id, p.destination
     )
     update versions v set outcome = 'failed', reason = 'object_lost', settled_at = now(), journal = null from emptied
     where v.id = emptied.version_id and v.outcome in ('uploaded', 'duplicate') and not exists (
       select 1 from placements p where p.version_id = v.id and p.state = 'committed'
         and (p.version_id, p.destination) not in (select version_id, destination from emptied))`,
  );
  await run(
    query,
    all((c) => c.reservationEnded),
    { versionId: 'text' },
    (r) => `delete from reservations
    using ${r} where reservations.version_id = r.version_id`,
  );
  await endItems(
    query,
    all((c) => c.batchItem),
  );
  await insertRows(
    query,
    'incidents',
    all((c) => c.incident),
  );
  await run(
    query,
    all((c) => c.retentionPaused),
    { sourceId: 'text', pinnedAt: 'timestamptz', incidentId: 'text' },
    (r) => `insert into retention_sources as known (source_id, paused_at, pinned_at, incident_id)
    select distinct on (source_id) source_id, now(), pinned_at, incident_id
    from ${r} order by source_id, pinned_at
    on conflict (source_id) do update
      set paused_at = now(), pinned_at = excluded.pinned_at, incident_id = excluded.incident_id where known.paused_at is null`,
  );
  await insertEvents(
    query,
    all((c) => c.events),
  );
}

/** What the same change says of a version that it makes is written with it: a row that is never updated costs half. */
function withJudgement({ admission, scan }: Change, version: NonNullable<Change['version']>) {
  return {
    ...version,
    admission: admission?.admission ?? null,
    bundleRevision: admission?.bundleRevision ?? null,
    scanId: scan?.id ?? null,
  };
}

/** An item ends once: the way it ended first stands. */
async function endItems(query: Rows, rows: readonly NonNullable<Change['batchItem']>[]): Promise<void> {
  for (const [batchId, items] of Map.groupBy(rows, ({ batchId }) => batchId)) {
    const { settled = [], passed_on = [] } = Object.groupBy(items, ({ state }) => state);
    const positions = (ended: readonly { readonly position: number }[]) =>
      ended.map(({ position }) => position);
    const added = (parameter: string): string =>
      `array(select distinct p from unnest(${parameter}::integer[]) p where p <> all(settled || passed_on))`;
    if (settled.length > 0)
      await query(`update batches set settled = settled || ${added('$2')} where id = $1`, [
        batchId,
        positions(settled),
      ]);
    if (passed_on.length > 0)
      await query(`update batches set passed_on = passed_on || ${added('$2')} where id = $1`, [
        batchId,
        positions(passed_on),
      ]);
  }
}

/** Takes the entries in the order that every writer takes them in (hints too), so that none waits for the other. */
async function lockEntries(query: Rows, rows: readonly { entryId: string }[]): Promise<void> {
  const entryIds = [...new Set(rows.map((row) => row.entryId))];
  if (entryIds.length < 2) return;
  await query('select 1 from entries where id = any($1) order by id for no key update', [
    arrayParameter('text', entryIds),
  ]);
}

/** What came while an entry was looked at counts from the end of that look. */
const stillNoticed = `noticed_at = case when e.hint > greatest(e.settled_hint, r.hint) then now() else e.noticed_at end`;

/** Compare-and-set: an older observation that ends late never takes the place of a newer head. */
async function settle(query: Rows, given: NonNullable<Change['settle']>[]): Promise<void> {
  if (given.length === 0) return;
  const rows = await combined(query, given);
  await run(
    query,
    rows,
    // Listed anew by the next manifest, also if one has listed what became of it before; what was cancelled by none.
    { versionId: 'text', outcome: 'text', reason: 'text' },
    (r) => `update versions v set outcome = r.outcome, reason = r.reason, settled_at = now(),
      journal = case when r.outcome = 'cancelled' then 0 end
    from ${r} where v.id = r.version_id`,
  );
  await run(
    query,
    rows,
    { entryId: 'text', versionId: 'text', observation: 'int8', hint: 'int8', outcome: 'text' },
    (r) => `update entries e
    set settled_hint = greatest(e.settled_hint, r.hint), ${stillNoticed},
        head_version_id = case when r.head and r.observation > e.head_observation then r.version_id else e.head_version_id end,
        head_observation = case when r.head and r.observation > e.head_observation then r.observation else e.head_observation end
    from (select distinct on (entry_id) entry_id, version_id, observation, hint, outcome <> 'cancelled' as head
          from ${r}
          order by entry_id, outcome <> 'cancelled' desc, observation desc) r
    where e.id = r.entry_id`,
  );
  await insertRows(
    query,
    'file_status',
    rows.map(({ runId, versionId, entryId, outcome, reason }) => ({
      runId,
      versionId,
      entryId,
      outcome,
      reason,
    })),
  );
  await run(
    query,
    rows,
    { entryId: 'text', observation: 'int8' },
    (r) => `delete from observations o
    using ${r}
    where o.entry_id = r.entry_id and o.number < r.observation`,
  );
}

/** Outcomes of what lies, or was to lie, in several destinations: the worst of them, whichever of them tells last. */
async function combined(
  query: Rows,
  rows: readonly NonNullable<Change['settle']>[],
): Promise<NonNullable<Change['settle']>[]> {
  const told = rows.filter(({ outcome }) => ['uploaded', 'duplicate', 'held'].includes(outcome));
  const versionIds = told.map(({ versionId }) => versionId);
  if (versionIds.length === 0) return [...rows];
  let worst: ReadonlyMap<string, CombinedOutcome> = await worstOutcomes(query, versionIds);
  if (worst.size > 0) {
    // Who tells of another destination at the same time waits here, and then sees what this one wrote.
    const entryIds = told.filter(({ versionId }) => worst.has(versionId)).map(({ entryId }) => entryId);
    await query('select 1 from entries where id = any($1) order by id for no key update', [entryIds]);
    worst = await worstOutcomes(query, versionIds);
  }
  return rows.map((row) => ({ ...row, ...worst.get(row.versionId) }));
}

/** Of rows that one statement may not meet twice. */
function firstOfEach<Row>(rows: readonly Row[], key: (row: Row) => string): Row[] {
  return [...Map.groupBy(rows, key).values()].flatMap(([first]) => (first === undefined ? [] : [first]));
}

/** Runs a statement over rows, which it knows as `r`, by their keys in snake_case. */
async function run<Row extends object>(
  query: Rows,
  rows: readonly Row[],
  columns: Columns<Row>,
  sql: (r: string) => string,
): Promise<void> {
  if (rows.length === 0) return;
  const { source, values } = asRecords(rows, columns);
  await query(sql(source), values);
}
