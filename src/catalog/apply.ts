import type pg from 'pg';
import { canonical } from '../domain/canonical.ts';
import { Failure } from '../domain/failures.ts';
import { prepared } from './prepared.ts';
import type { AuditRow, Change } from './rows.ts';
import { type CombinedOutcome, worstOutcomes } from './several-query.ts';

export type Applied = 'written' | 'object_not_live';

/**
 * Writes many changes in one transaction, a handful of set-based statements whatever their number. Inserts that meet
 * their own row again do nothing; an audit row that says something else under the same id is refused.
 */
export async function applyChanges(pool: pg.Pool, changes: readonly Change[]): Promise<Applied[]> {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query('begin');
    const live = await pinLive(client, changes);
    const accepted = changes.filter((change) => (change.restsOn ?? []).every((id) => live.has(id)));
    await write(client, accepted);
    await client.query('commit');
    broken = false;
    const written = new Set(accepted);
    return changes.map((change) => (written.has(change) ? 'written' : 'object_not_live'));
  } finally {
    // A connection left inside a transaction is closed, which rolls it back.
    client.release(broken);
  }
}

/**
 * Keeps deletion, and what else takes an object away, from what the changes rest on, until the commit. Stronger than a
 * share, because most of them extend the object's lock next: two transactions that share a row and then both write it
 * wait for each other.
 */
async function pinLive(client: pg.PoolClient, changes: readonly Change[]): Promise<Set<string>> {
  const ids = [...new Set(changes.flatMap(objectsOf))].sort();
  if (ids.length === 0) return new Set();
  const found = await client.query<{ id: string }>(
    `select id from objects where id = any($1) and state = 'live' order by id for no key update`,
    [ids],
  );
  return new Set(found.rows.map((row) => row.id));
}

/** What a change rests on, and what it takes away from under others. */
function objectsOf({ restsOn = [], objectLost, objectReplaced, membersLost }: Change): string[] {
  const lost = [objectLost, objectReplaced, membersLost].flatMap((change) =>
    change ? [change.objectId] : [],
  );
  return [...restsOn, ...lost];
}

async function write(client: pg.PoolClient, changes: readonly Change[]): Promise<void> {
  const all = <T>(pick: (change: Change) => T | readonly T[] | undefined): T[] =>
    changes.flatMap((change) => (pick(change) ?? []) as T | T[]);

  await insert(
    client,
    'contents',
    // In one order everywhere: two transactions that add the same contents in different orders would wait for each other.
    all((c) => c.content).sort((a, b) => a.sha512.compare(b.sha512)),
  );
  await insert(
    client,
    'versions',
    all((c) => (c.version === undefined ? undefined : withJudgement(c, c.version))),
  );
  await run(
    client,
    all((c) => (c.version === undefined ? c.admission : undefined)),
    `update versions v set admission = r.admission, bundle_revision = r.bundle_revision
    from jsonb_to_recordset($1) as r(version_id text, admission jsonb, bundle_revision text) where v.id = r.version_id`,
  );
  await insert(
    client,
    'decisions',
    all((c) => c.decisions),
  );
  await insert(
    client,
    'scans',
    all((c) => c.scan),
  );
  await run(
    client,
    all((c) => (c.version === undefined ? c.scan : undefined)),
    `update versions v set scan_id = r.id
    from jsonb_to_recordset($1) as r(id text, version_id text) where v.id = r.version_id`,
  );
  await insert(
    client,
    'scans',
    all((c) => c.contentScan),
  );
  await run(
    client,
    all((c) => c.contentScan),
    `update versions v set scan_id = r.id, journal = null,
       late_signature = case when r.state = 'infected' then coalesce(r.signature, 'unknown') end
     from jsonb_to_recordset($1) as r(id text, sha512 bytea, state text, signature text)
     where v.sha512 = r.sha512 and (v.outcome is null or v.outcome in ('uploaded', 'duplicate', 'held'))`,
  );
  await run(
    client,
    all((c) => c.rescan),
    `insert into rescans (sha512, result, reason, engine, signature_revision, signatures_at, signature_set)
     select distinct on (sha512) sha512, result, reason, engine, signature_revision, signatures_at, signature_set
     from jsonb_populate_recordset(null::rescans, $1)
     on conflict (sha512) do update set result = excluded.result, reason = excluded.reason, engine = excluded.engine,
       signature_revision = excluded.signature_revision, signatures_at = excluded.signatures_at,
       signature_set = excluded.signature_set, at = now()`,
  );
  await insert(
    client,
    'sealings',
    all((c) => c.sealing),
  );
  await insert(
    client,
    'intents',
    all((c) => c.intent),
  );
  await insert(
    client,
    'pack_members',
    all((c) => c.packMembers),
  );
  await run(
    client,
    all((c) => c.uploadBegun),
    `update intents i set upload_id = r.upload_id
     from jsonb_to_recordset($1) as r(intent_id text, upload_id text) where i.id = r.intent_id and i.state = 'open'`,
  );
  await insert(
    client,
    'intent_parts',
    all((c) => c.intentPart),
  );
  await insert(
    client,
    'objects',
    all((c) => c.object),
  );
  await run(
    client,
    all((c) => c.lockExtended),
    `update objects o set lock_mode = r.lock_mode, retain_until = r.retain_until
    from (select distinct on (object_id) * from jsonb_to_recordset($1)
            as x(object_id text, lock_mode text, retain_until timestamptz) order by object_id, retain_until desc) r
    where o.id = r.object_id and o.retain_until < r.retain_until`,
  );
  await run(
    client,
    all((c) => c.intentClosed),
    `update intents i set state = r.state, closed_at = now(), closed_reason = r.reason
    from jsonb_to_recordset($1) as r(id text, state text, reason text) where i.id = r.id and i.state = 'open'`,
  );
  await run(
    client,
    all((c) => c.placements),
    `insert into placements (version_id, destination, object_id, byte_offset, length, state, reason)
    select distinct on (version_id, destination) version_id, destination, object_id, byte_offset, length, state, reason
    from jsonb_populate_recordset(null::placements, $1)
    on conflict (version_id, destination) do update
      set object_id = excluded.object_id, byte_offset = excluded.byte_offset, length = excluded.length, state = excluded.state, reason = excluded.reason, at = now()
      where placements.state <> 'committed'`,
  );
  await insert(
    client,
    'holds',
    all((c) => c.hold),
  );
  await run(
    client,
    all((c) => c.holdChange),
    `update holds h set
      state = coalesce(r.state, h.state), closed_at = case when r.state is null then h.closed_at else now() end,
      reason = coalesce(r.reason, h.reason), staged = coalesce(r.staged, h.staged), reminded_at = coalesce(r.reminded_at, h.reminded_at),
      host_id = coalesce(r.host_id, h.host_id), sealing_id = coalesce(r.sealing_id, h.sealing_id),
      sealed_length = coalesce(r.sealed_length, h.sealed_length), sealed_sha256 = coalesce(r.sealed_sha256, h.sealed_sha256)
    from jsonb_populate_recordset(null::holds, $1) r where h.id = r.id and h.state = 'open'`,
  );
  await insert(
    client,
    'hold_attempts',
    all((c) => c.holdAttempt),
  );
  await run(
    client,
    all((c) => c.attemptJudged),
    `update hold_attempts a set result = r.result
    from jsonb_to_recordset($1) as r(id text, result text) where a.id = r.id and a.result is null`,
  );
  await insert(
    client,
    'quarantine',
    all((c) => c.quarantine),
  );
  await insert(
    client,
    'quarantine_copies',
    all((c) => c.quarantineCopy),
  );
  await insert(
    client,
    'quarantine_ends',
    all((c) => c.quarantineEnd),
  );
  await insert(
    client,
    'infection_exceptions',
    all((c) => c.infectionException),
  );
  await lockEntries(client, [...all((c) => c.settle), ...all((c) => c.unchanged)]);
  await settle(
    client,
    all((c) => c.settle),
  );
  await run(
    client,
    all((c) => c.unchanged),
    `update entries e set settled_hint = greatest(e.settled_hint, r.hint)
    from (select entry_id, max(hint) as hint from jsonb_to_recordset($1) as x(entry_id text, hint bigint) group by entry_id) r
    where e.id = r.entry_id`,
  );
  await run(
    client,
    all((c) => c.restat),
    `update versions v set ctime_ns = r.ctime_ns, inode = r.inode, device = r.device
     from jsonb_to_recordset($1) as r(version_id text, ctime_ns bigint, inode numeric, device numeric) where v.id = r.version_id`,
  );
  await run(
    client,
    all((c) => [c.objectLost, c.objectReplaced].filter((lost) => lost !== undefined)),
    `update objects o set state = 'deleted', check_result = r.result, checked_at = now()
     from jsonb_to_recordset($1) as r(object_id text, result text) where o.id = r.object_id`,
  );
  await run(
    client,
    all((c) => c.objectReplaced),
    `with moved as (
       update placements p set object_id = r.by_object_id, at = now()
       from jsonb_to_recordset($1) as r(object_id text, by_object_id text)
       where p.object_id = r.object_id and p.state = 'committed' returning p.version_id
     )
     update versions v set settled_at = now(), journal = null from moved where v.id = moved.version_id`,
  );
  const membersLost = all((c) => c.membersLost).flatMap(({ objectId, byteOffsets }) =>
    byteOffsets.map((byteOffset) => ({ objectId, byteOffset })),
  );
  await insert(client, 'lost_members', membersLost);
  await run(
    client,
    [...all((c) => c.objectLost), ...membersLost],
    `with emptied as (
       update placements p set state = 'failed', reason = 'object_lost', at = now()
       from jsonb_to_recordset($1) as r(object_id text, byte_offset bigint)
       where p.object_id = r.object_id and (r.byte_offset is null or p.byte_offset = r.byte_offset)
         and p.state = 'committed' returning p.version_id, p.destination
     )
     update versions v set outcome = 'failed', reason = 'object_lost', settled_at = now(), journal = null from emptied
     where v.id = emptied.version_id and v.outcome in ('uploaded', 'duplicate') and not exists (
       select 1 from placements p where p.version_id = v.id and p.state = 'committed'
         and (p.version_id, p.destination) not in (select version_id, destination from emptied))`,
  );
  await run(
    client,
    all((c) => c.reservationEnded),
    `delete from reservations
    using jsonb_to_recordset($1) as r(version_id text) where reservations.version_id = r.version_id`,
  );
  await run(
    client,
    all((c) => c.batchItem),
    `update batch_items i set state = r.state
     from jsonb_to_recordset($1) as r(batch_id text, position int, state text)
     where i.batch_id = r.batch_id and i.position = r.position and i.state = 'open'`,
  );
  await insert(
    client,
    'incidents',
    all((c) => c.incident),
  );
  await run(
    client,
    all((c) => c.retentionPaused),
    `insert into retention_sources as known (source_id, paused_at, pinned_at, incident_id)
    select distinct on (source_id) source_id, now(), pinned_at, incident_id
    from jsonb_to_recordset($1) as r(source_id text, pinned_at timestamptz, incident_id text) order by source_id, pinned_at
    on conflict (source_id) do update
      set paused_at = now(), pinned_at = excluded.pinned_at, incident_id = excluded.incident_id where known.paused_at is null`,
  );
  await insertEvents(
    client,
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

/** Takes the entries in the order that every writer takes them in (hints too), so that none waits for the other. */
async function lockEntries(client: pg.PoolClient, rows: readonly { entryId: string }[]): Promise<void> {
  const entryIds = [...new Set(rows.map((row) => row.entryId))];
  if (entryIds.length < 2) return;
  await client.query('select 1 from entries where id = any($1) order by id for no key update', [entryIds]);
}

/** Compare-and-set: an older observation that ends late never takes the place of a newer head. */
async function settle(client: pg.PoolClient, given: NonNullable<Change['settle']>[]): Promise<void> {
  if (given.length === 0) return;
  const rows = await combined(client, given);
  await run(
    client,
    rows,
    // Listed anew by the next manifest, also if one has listed what became of it before.
    `update versions v set outcome = r.outcome, reason = r.reason, settled_at = now(), journal = null
    from jsonb_to_recordset($1) as r(version_id text, outcome text, reason text) where v.id = r.version_id`,
  );
  await run(
    client,
    rows,
    `update entries e
    set settled_hint = greatest(e.settled_hint, r.hint),
        head_version_id = case when r.head and r.observation > e.head_observation then r.version_id else e.head_version_id end,
        head_observation = case when r.head and r.observation > e.head_observation then r.observation else e.head_observation end
    from (select distinct on (entry_id) entry_id, version_id, observation, hint, outcome <> 'cancelled' as head
          from jsonb_to_recordset($1) as x(entry_id text, version_id text, observation bigint, hint bigint, outcome text)
          order by entry_id, outcome <> 'cancelled' desc, observation desc) r
    where e.id = r.entry_id`,
  );
  await run(
    client,
    rows,
    `insert into file_status (run_id, version_id, entry_id, outcome, reason)
    select run_id, version_id, entry_id, outcome, reason from jsonb_populate_recordset(null::file_status, $1)
    on conflict do nothing`,
  );
  await run(
    client,
    rows,
    `delete from observations o
    using jsonb_to_recordset($1) as r(entry_id text, observation bigint)
    where o.entry_id = r.entry_id and o.number < r.observation`,
  );
}

/** Outcomes of what lies, or was to lie, in several destinations: the worst of them, whichever of them tells last. */
async function combined(
  client: pg.PoolClient,
  rows: readonly NonNullable<Change['settle']>[],
): Promise<NonNullable<Change['settle']>[]> {
  const told = rows.filter(({ outcome }) => ['uploaded', 'duplicate', 'held'].includes(outcome));
  const versionIds = told.map(({ versionId }) => versionId);
  if (versionIds.length === 0) return [...rows];
  let worst: ReadonlyMap<string, CombinedOutcome> = await worstOutcomes(client, versionIds);
  if (worst.size > 0) {
    // Who tells of another destination at the same time waits here, and then sees what this one wrote.
    const entryIds = told.filter(({ versionId }) => worst.has(versionId)).map(({ entryId }) => entryId);
    await client.query('select 1 from entries where id = any($1) order by id for no key update', [entryIds]);
    worst = await worstOutcomes(client, versionIds);
  }
  return rows.map((row) => ({ ...row, ...worst.get(row.versionId) }));
}

async function insertEvents(client: pg.PoolClient, rows: AuditRow[]): Promise<void> {
  if (rows.length === 0) return;
  const inserted = await client.query(
    prepared(
      `insert into audit_events (id, leaf, event, at)
       select id, leaf, event, at from jsonb_populate_recordset(null::audit_events, $1) on conflict do nothing`,
      [encode(rows)],
    ),
  );
  if (inserted.rowCount === rows.length) return;
  const stored = await client.query<{ id: string; event: Record<string, unknown> }>(
    'select id, event from audit_events where id = any($1)',
    [rows.map((row) => row.id)],
  );
  const known = new Map(stored.rows.map((row) => [row.id, row.event]));
  for (const row of rows) {
    // Whoever meets it next tells it in other words; the first account stands.
    if (row.event.step === 'incident') continue;
    if (factsOf(known.get(row.id)) !== factsOf(row.event))
      throw new Failure('audit_conflict', { event: row.id });
  }
}

/** What must be equal when the same event is told twice: all but the moment of telling, and hashes under a random salt. */
function factsOf(event: Readonly<Record<string, unknown>> | undefined): string {
  const { at: _at, ...facts } = event ?? {};
  const unsalted = JSON.stringify(facts, (name, value) => (name === 'inputHash' ? undefined : value));
  return canonical(JSON.parse(unsalted)).toString('utf8');
}

async function insert(client: pg.PoolClient, table: string, rows: readonly object[]): Promise<void> {
  const first = rows[0];
  if (first === undefined) return;
  const columns = Object.keys(first).map(snake).join(', ');
  await run(
    client,
    rows,
    `insert into ${table} (${columns}) select ${columns} from jsonb_populate_recordset(null::${table}, $1) on conflict do nothing`,
  );
}

async function run(client: pg.PoolClient, rows: readonly object[], sql: string): Promise<void> {
  if (rows.length > 0) await client.query(prepared(sql, [encode(rows)]));
}

const snakeCache = new Map<string, string>();

function snake(name: string): string {
  let known = snakeCache.get(name);
  if (known === undefined) {
    known = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    snakeCache.set(name, known);
  }
  return known;
}

/** Rows as the JSON that Postgres reads into a record set: snake_case, bytea as `\x…`, bigint as exact text. */
function encode(rows: readonly object[]): string {
  let text = '';
  for (const row of rows) {
    let members = '';
    for (const [key, value] of Object.entries(row)) {
      const encoded = encodeValue(value);
      if (encoded !== undefined) members += `${members === '' ? '' : ','}"${snake(key)}":${encoded}`;
    }
    text += `${text === '' ? '' : ','}{${members}}`;
  }
  return `[${text}]`;
}

/** As JSON text; undefined for what is left out. */
function encodeValue(value: unknown): string | undefined {
  if (Buffer.isBuffer(value)) return `"\\\\x${value.toString('hex')}"`;
  if (typeof value === 'bigint') return `"${value}"`;
  return JSON.stringify(value);
}
