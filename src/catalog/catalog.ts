import type pg from 'pg';
import { joinedSteps } from '../audit/event.ts';
import type { Attributes } from '../domain/attributes.ts';
import { Failure } from '../domain/failures.ts';
import type { AdmissionResult, Id, LockMode, Outcome, Verdict } from '../domain/records.ts';
import { addLogIds } from '../observability/log-ids.ts';
import { type Applied, applyChanges } from './apply.ts';
import { inTransaction, type Rows, translated } from './database.ts';
import { GroupCommit } from './group-commit.ts';
import { prepared } from './prepared.ts';
import type { Change, IntentPartRow, IntentRow, SealingRow, StatFacts } from './rows.ts';
import { takeEntries } from './take-entries.ts';

export interface EntryRef {
  readonly id: Id;
  readonly sourceId: Id;
  readonly path: Buffer;
}

/** One observation of an entry: the number drawn for it, and what was known before. */
export interface Observation {
  readonly entry: EntryRef;
  readonly number: number;
  /** The newest hint that was told when the number was drawn: what this look answers. */
  readonly hint: number;
  /** The newest hint told by now; newer than `hint` only when the look runs again. */
  readonly newestHint: number;
  /** The entry's newest settled version. */
  readonly head?: KnownVersion;
  /** The version this very observation made already, when the step runs again. */
  readonly made?: KnownVersion;
}

export interface KnownVersion extends StatFacts {
  readonly id: Id;
  readonly sha512?: Buffer;
  readonly linkTarget?: Buffer;
  /** The entry that this one is a hard link of. */
  readonly hardlink?: Id;
  readonly xattrs?: Attributes;
  readonly bundleRevision?: string;
  readonly outcome?: Outcome;
  readonly reason?: string;
  /** The signature that found its content infected after it was stored. */
  readonly lateSignature?: string;
}

/** All that later steps need of a version that was fingerprinted. */
export interface VersionFacts extends KnownVersion {
  readonly entry: EntryRef;
  readonly sourceName: string;
  readonly observation: number;
  readonly hint: number;
  readonly runId: Id;
  readonly workflowId?: string;
  /** How many extended attributes could not be recorded. */
  readonly xattrsDropped?: number;
  /** When the oldest event came that this look, or one before it, had to answer. */
  readonly noticedAt?: Date;
  readonly content?: { sha512: Buffer; sha256: Buffer; sizeBytes: number; mediaType: string };
  readonly segmentSize: number;
  readonly segmentHashes: Buffer;
  readonly admission?: AdmissionResult;
  readonly verdict?: Verdict;
}

export interface StoredObject {
  readonly id: Id;
  readonly destination: string;
  readonly key: string;
  readonly s3VersionId: string;
  /** Of the sealed file inside the object: all of it, or one member of a pack. Bytes. */
  readonly offset: number;
  readonly length: number;
  readonly sealingId: Id;
  readonly keyId: Id;
  readonly scope: string;
  readonly format: string;
  readonly lockMode: LockMode;
  readonly retainUntil: Date;
}

/** How long whoever looks at an entry has it to himself. */
export const leaseMinutes = 10;

/** Of an entry that gets a hint, in an update of `entries`: it is the oldest unanswered one, or that stays. */
export const noticedNow = `noticed_at = case when hint = settled_hint then now() else noticed_at end`;

/** The catalog and audit trail in Postgres. Every call may fail with `catalog_unavailable`; nothing is half written. */
export class Catalog {
  private readonly pool: pg.Pool;
  private readonly group: GroupCommit<Change, Applied>;

  private readonly told: (change: Change) => void;

  /** @param told told of each change once it is durable; must not throw */
  constructor(pool: pg.Pool, told: (change: Change) => void = () => {}) {
    this.pool = pool;
    this.told = told;
    this.group = new GroupCommit((changes) => this.commit(changes));
  }

  private async commit(changes: readonly Change[]): Promise<Applied[]> {
    const applied = await applyChanges(this.pool, changes);
    for (const [index, change] of changes.entries()) if (applied[index] === 'written') this.told(change);
    return applied;
  }

  /** Resolves when the change is durable. `object_not_live`: nothing of it was written. */
  apply(change: Change): Promise<Applied> {
    return translated(() => this.group.write(change));
  }

  /** Like {@link apply} for a change that rests on no object. */
  async write(change: Change): Promise<void> {
    if ((await this.apply(change)) !== 'written')
      throw new Failure('internal', { detail: 'change was refused' });
  }

  /**
   * All of the changes in one transaction, apart from those that rest on what is not live; one answer for each. The steps
   * of a file's life that one change tells of are one event.
   */
  applyTogether(changes: readonly Change[]): Promise<Applied[]> {
    const told = changes.map((change) => ({ ...change, events: joinedSteps(change.events) }));
    return translated(() => this.commit(told));
  }

  async ping(): Promise<void> {
    await this.rows('select 1');
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  // ── sources, runs and hints ─────────────────────────────────────────────────────────────────────────────

  /** Records which folder a source is, unless one is recorded (inode 0 is none); gives the recorded folder's inode. */
  async recordSource(source: {
    id: Id;
    name: string;
    rootPath: Buffer;
    device: bigint;
    inode: bigint;
    hostId: Id;
  }): Promise<bigint> {
    const { id, name, rootPath, hostId } = source;
    const values = [id, rootPath, String(source.device), String(source.inode), hostId];
    // With no index named: two that record a source at once may meet at either unique one.
    await this.rows(
      `insert into sources (id, root_path, device, inode, host_id, name) values ($1, $2, $3, $4, $5, $6)
       on conflict do nothing`,
      [...values, name],
    );
    await this.rows(
      'update sources set root_path = $2, device = $3, inode = $4, host_id = $5 where id = $1 and inode = 0',
      values,
    );
    const [row] = await this.rows<{ inode: string }>('select inode::text from sources where id = $1', [id]);
    return BigInt(row?.inode ?? 0);
  }

  /** Public facts of the keyring's documents. */
  async recordKeys(
    keys: readonly { id: Id; purpose: string; generation: number; objectKey: string }[],
  ): Promise<void> {
    for (const { id, purpose, generation, objectKey } of keys) {
      await this.rows(
        `insert into keys (id, purpose, generation, object_key) values ($1, $2, $3, $4) on conflict do nothing`,
        [id, purpose, generation, objectKey],
      );
    }
  }

  async startRun(run: {
    id: Id;
    kind: string;
    sourceId?: Id;
    hostId: Id;
    actor: string;
    confirmsDeletions?: boolean;
  }): Promise<void> {
    await this.rows(
      `insert into run_log (id, kind, source_id, host_id, actor, confirms_deletions)
       values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
      [run.id, run.kind, run.sourceId ?? null, run.hostId, run.actor, run.confirmsDeletions ?? false],
    );
  }

  /** Whether the run was told that what is gone was meant to go. */
  async confirmsDeletions(runId: Id): Promise<boolean> {
    const found = await this.rows('select 1 from run_log where id = $1 and confirms_deletions', [runId]);
    return found.length > 0;
  }

  /** The first account of how a run ended stands. */
  async endRun(id: Id, result: RunResult, totals: Readonly<Record<string, number>>): Promise<void> {
    await this.rows(
      'update run_log set ended_at = now(), result = $2, totals = $3 where id = $1 and ended_at is null',
      [id, result, totals],
    );
  }

  /** How a run ended; undefined while it has not, or for none. */
  async endedRun(id: Id): Promise<EndedRun | undefined> {
    const [row] = await this.rows<EndedRun>(
      'select result, totals from run_log where id = $1 and ended_at is not null',
      [id],
    );
    return row;
  }

  /** Makes entries known that are not; what is known stays as it is. */
  async addEntries(entries: readonly EntryRef[]): Promise<void> {
    await this.rows(
      `insert into entries (id, source_id, path)
       select id, source_id, path from jsonb_to_recordset($1) as r(id text, source_id text, path bytea) order by id
       on conflict do nothing`,
      [encodeEntries(entries)],
    );
  }

  /**
   * Records that the entries may have changed. The number given back is settled once a later look at the entry is.
   */
  async hint(entries: readonly EntryRef[]): Promise<Map<Id, number>> {
    if (entries.length === 0) return new Map();
    const unique = [...new Map(entries.map((entry) => [entry.id, entry])).values()];
    // First, and with no index named: two that add the same entry at once may meet at either unique one.
    await this.addEntries(unique);
    const ids = unique.map((entry) => entry.id);
    const found = await this.transaction(async (rows) => {
      await takeEntries(rows, ids);
      return (await rows(
        `update entries set hint = hint + 1, ${noticedNow} where id = any($1) returning id, hint, path`,
        [ids],
      )) as { id: Id; hint: number; path: Buffer }[];
    });
    const known = new Map(found.map((row) => [row.id, row.path]));
    await this.restorePaths(unique.filter(({ id, path }) => !known.get(id)?.equals(path)));
    return new Map(found.map((row) => [row.id, row.hint]));
  }

  /** The path of an entry whose scope was shredded has been forgotten; now it is known again. */
  async restorePaths(entries: readonly EntryRef[]): Promise<void> {
    for (const { id, path } of entries)
      await this.rows('update entries set path = $2 where id = $1', [id, path]);
  }

  /** How many of the entries still have an unsettled hint not newer than the one given for each. */
  async unsettled(hints: ReadonlyMap<Id, number>): Promise<Id[]> {
    const found = await this.rows<{ id: Id }>(
      `select e.id from entries e join unnest($1::text[], $2::bigint[]) as h(id, hint) on h.id = e.id
       where e.settled_hint < h.hint`,
      [[...hints.keys()], [...hints.values()]],
    );
    return found.map((row) => row.id);
  }

  // ── observing ───────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Draws the observation number of this (workflow run, round), once: a second call gives the first one's number.
   * Undefined when the entry is unknown.
   */
  async observe(at: { entryId: Id; workflowRun: string; round: number }): Promise<Observation | undefined> {
    // Nothing: no such entry, or another call drew it while this one looked. Now that can be seen.
    return (await this.drawObservation(at)) ?? (await this.drawObservation(at));
  }

  private async drawObservation(at: {
    entryId: Id;
    workflowRun: string;
    round: number;
  }): Promise<Observation | undefined> {
    const found = await this.rows<Record<string, unknown>>(
      `with known as (
         select number, hint from observations where entry_id = $1 and workflow_run = $2 and round = $3
       ), drawn as (
         update entries set observation = observation + 1, lease_owner = $2, lease_until = now() + interval '${leaseMinutes} minutes'
         where id = $1 and not exists (select 1 from known) returning observation, hint
       ), kept as (
         insert into observations (entry_id, workflow_run, round, number, hint)
         select $1, $2, $3, observation, hint from drawn on conflict do nothing returning number, hint
       ), seen as (select number, hint from known union all select number, hint from kept)
       select seen.number, seen.hint, greatest(seen.hint, e.hint) as "newestHint", e.source_id as "sourceId", e.path,
              ${versionColumns('head', 'head')}, ${versionColumns('made', 'made')}
       from seen join entries e on e.id = $1
       left join versions head on head.id = e.head_version_id
       left join versions made on made.entry_id = e.id and made.observation = seen.number`,
      [at.entryId, at.workflowRun, at.round],
    );
    const row = found[0];
    if (row === undefined) return undefined;
    const head = knownVersion(row, 'head');
    const made = knownVersion(row, 'made');
    return {
      entry: { id: at.entryId, sourceId: row.sourceId as Id, path: row.path as Buffer },
      number: row.number as number,
      hint: row.hint as number,
      newestHint: row.newestHint as number,
      ...(head ? { head } : {}),
      ...(made ? { made } : {}),
    };
  }

  /** Lets an observation answer a newer hint than it was drawn for: its look begins again. */
  async answerHint({ entry, number, newestHint }: Observation): Promise<void> {
    await this.rows('update observations set hint = $3 where entry_id = $1 and number = $2', [
      entry.id,
      number,
      newestHint,
    ]);
  }

  /**
   * The entry of the same inode that is no hard link of another: what the one asking is a hard link of. Undefined where
   * there is none yet, or it is the one asking. A version that is under way counts, so that of names looked at at the
   * same time one is the first.
   */
  async hardlinkOf(entry: EntryRef, stat: StatFacts): Promise<Id | undefined> {
    const found = await this.rows<{ id: Id }>(
      `select e.id from versions v join entries e on e.id = v.entry_id
       where v.device = $1 and v.inode = $2 and v.kind = 'file' and e.source_id = $3 and v.hardlink is null
         and (v.id = e.head_version_id and v.outcome in ('uploaded', 'duplicate')
              or v.outcome is null and v.observation > e.head_observation)
       order by e.id <> $4, e.added_at, e.id limit 1`,
      [String(stat.device), String(stat.inode), entry.sourceId, entry.id],
    );
    return found[0]?.id === entry.id ? undefined : found[0]?.id;
  }

  /** Tombstones of the source within the last ten minutes, and how many entries it has. */
  async deletionLoad(sourceId: Id): Promise<{ deletedLately: number; entries: number }> {
    const found = await this.rows<{ deletedLately: number; entries: number }>(
      `select count(*) filter (where v.outcome = 'deleted' and v.settled_at > now() - interval '10 minutes') as "deletedLately",
              count(*) filter (where v.outcome <> 'deleted' or v.settled_at > now() - interval '10 minutes') as entries
       from entries e join versions v on v.id = e.head_version_id where e.source_id = $1`,
      [sourceId],
    );
    return found[0] ?? { deletedLately: 0, entries: 0 };
  }

  async version(id: Id): Promise<VersionFacts> {
    const found = (await this.versions([id])).get(id);
    if (found === undefined) throw new Failure('version_unknown', { version: id });
    addLogIds({ run: found.runId, entry: found.entry.id, version: id });
    return found;
  }

  /** What is known of versions, by id; those that are not known are left out. */
  async versions(ids: readonly Id[]): Promise<Map<Id, VersionFacts>> {
    const found = await this.rows<Record<string, unknown>>(
      `select ${versionColumns('v', 'v')}, v.entry_id as "entryId", v.observation, v.run_id as "runId",
              v.workflow_id as "workflowId", v.xattrs_dropped as "xattrsDropped", v.segment_size as "segmentSize",
              v.segment_hashes as "segmentHashes", v.admission, e.source_id as "sourceId", e.path, e.hint as "entryHint", e.noticed_at as "noticedAt",
              o.hint as "observedHint", s.name as "sourceName",
              c.sha256, c.size_bytes as "contentSize", c.media_type as "mediaType",
              sc.state, sc.reason as "scanReason", sc.signature, sc.engine, sc.signature_revision as "signatureRevision",
              sc.signatures_at as "signaturesAt", sc.signature_set as "signatureSet"
       from versions v join entries e on e.id = v.entry_id join sources s on s.id = e.source_id
       left join observations o on o.entry_id = v.entry_id and o.number = v.observation
       left join contents c on c.sha512 = v.sha512 left join scans sc on sc.id = v.scan_id
       where v.id = any($1)`,
      [ids],
    );
    return new Map(found.map((row) => [row['v.id'] as Id, versionFacts(row)]));
  }

  // ── objects and intents ─────────────────────────────────────────────────────────────────────────────────

  /**
   * A live object of this content that a further version may rest on, the one locked longest first; none that was found
   * otherwise than it should be.
   */
  async objectOf(content: {
    sha512: Buffer;
    scope: string;
    format: string;
    destination: string;
    lockMode: LockMode;
  }): Promise<StoredObject | undefined> {
    const found = await this.rows<StoredObject>(
      `select ${objectColumns}
       from sealed_files f join objects o on o.id = f.object_id join sealings s on s.id = f.sealing_id
       where f.sha512 = $1 and o.scope = $2 and o.format = $3 and o.destination = $4 and o.lock_mode = $5 and o.state = 'live'
         and coalesce(o.check_result, 'ok') = 'ok'
       order by o.retain_until desc limit 1`,
      [content.sha512, content.scope, content.format, content.destination, content.lockMode],
    );
    return found[0];
  }

  /**
   * Claims the making of a content's object for 15 minutes. False: another version is making it now.
   */
  async reserve(claim: {
    sha512: Buffer;
    scope: string;
    format: string;
    destination: string;
    versionId: Id;
  }): Promise<boolean> {
    const found = await this.rows(
      `insert into reservations as r (sha512, scope, format, destination, version_id, expires_at)
       values ($1, $2, $3, $4, $5, now() + interval '15 minutes')
       on conflict (sha512, scope, format, destination) do update
         set version_id = excluded.version_id, expires_at = excluded.expires_at
         where r.expires_at < now() or r.version_id = excluded.version_id
       returning version_id`,
      [claim.sha512, claim.scope, claim.format, claim.destination, claim.versionId],
    );
    return found.length === 1;
  }

  /**
   * Draws the IV of a sealing once: the row given is stored unless there is one, and what is stored is given back. A step
   * that runs twice seals under one IV.
   */
  async drawSealing(proposed: SealingRow): Promise<SealingRow> {
    const { id, versionId, format, keyId, generation, iv } = proposed;
    const found = await this.rows<{ iv: Buffer }>(
      `with drawn as (
         insert into sealings (id, version_id, format, key_id, generation, iv) values ($1, $2, $3, $4, $5, $6)
         on conflict do nothing returning iv
       ) select iv from drawn union all select iv from sealings where id = $1 limit 1`,
      [id, versionId, format, keyId, generation, iv],
    );
    // Nothing at all: another transaction drew it while this statement looked. Now it can be seen.
    return found[0] === undefined ? this.drawSealing(proposed) : { ...proposed, iv: found[0].iv };
  }

  /** The newest intent of this version for the destination, whatever its state. */
  async intentOf(versionId: Id, destination: string): Promise<OpenIntent | undefined> {
    const found = await this.rows<OpenIntent>(
      `select ${intentColumns} from intents i join sealings s on s.id = i.sealing_id
       where s.version_id = $1 and i.destination = $2 order by s.generation desc limit 1`,
      [versionId, destination],
    );
    return found[0];
  }

  /** Whether release allowed this version to go there under the bundle, within the last minutes if given. */
  async releasedUnder(
    asked: { versionId: Id; destination: string },
    bundleRevision: string,
    withinMinutes?: number,
  ): Promise<boolean> {
    const found = await this.rows<{ allow: boolean }>(
      `select allow from decisions where version_id = $1 and destination = $2 and gate = 'release'
         and bundle_revision = $3 and ($4::int is null or at > now() - make_interval(mins => $4::int))
       order by at desc limit 1`,
      [asked.versionId, asked.destination, bundleRevision, withinMinutes ?? null],
    );
    return found[0]?.allow === true;
  }

  /** How often release was asked about this version and destination, as the number of the next question. */
  async releasesAsked({ versionId, destination }: { versionId: Id; destination: string }): Promise<number> {
    const found = await this.rows<{ asked: number }>(
      `select count(*) as asked from decisions where version_id = $1 and destination = $2 and gate = 'release'`,
      [versionId, destination],
    );
    return found[0]?.asked ?? 0;
  }

  async openIntents(): Promise<OpenIntent[]> {
    return this.rows<OpenIntent>(
      `select ${intentColumns} from intents i join sealings s on s.id = i.sealing_id
       where i.state = 'open' order by i.opened_at`,
    );
  }

  async intentParts(intentId: Id): Promise<IntentPartRow[]> {
    return this.rows<IntentPartRow>(
      `select intent_id as "intentId", part_number as "partNumber", length, sha256 from intent_parts
       where intent_id = $1 order by part_number`,
      [intentId],
    );
  }

  /**
   * Runs `work` in a transaction that holds an advisory lock; `otherwise` is the answer while somebody else holds it. The
   * lock is taken in a statement of its own, so that the next one sees all that its last holder wrote.
   */
  withLock<T>(lock: number, work: (rows: Rows) => Promise<T>, otherwise: T): Promise<T> {
    return this.transaction(async (rows) => {
      const [locked] = (await rows('select pg_try_advisory_xact_lock($1) as mine', [lock])) as {
        mine: boolean;
      }[];
      return locked?.mine ? work(rows) : otherwise;
    });
  }

  /** Runs statements one after the other, all of which become durable together. */
  transaction<T>(work: (rows: Rows) => Promise<T>): Promise<T> {
    return translated(() => inTransaction(this.pool, work));
  }

  /** Any statement with its values, planned once per connection; each command keeps its own queries. */
  async rows<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return translated(
      async () => (await this.pool.query<Row & pg.QueryResultRow>(prepared(sql, values))).rows,
    );
  }
}

export interface EndedRun {
  readonly result: RunResult;
  readonly totals: Readonly<Record<string, number>>;
}

export type RunResult = 'complete' | 'complete with warnings' | 'incomplete' | 'failed' | 'interrupted';

export interface OpenIntent extends IntentRow {
  readonly sealingId: Id;
  readonly versionId: Id;
  readonly keyId: Id;
  readonly generation: number;
  readonly iv: Buffer;
}

const intentColumns = `i.id, i.sealing_id as "sealingId", i.pack_id as "packId", i.destination, i.object_key as "objectKey", i.state,
  i.sealed_length as "sealedLength", i.sealed_sha256 as "sealedSha256", i.lock_mode as "lockMode", i.lock_days as "lockDays",
  i.metadata, i.sealer_id as "sealerId", i.upload_id as "uploadId", i.part_size as "partSize",
  s.version_id as "versionId", s.key_id as "keyId", s.generation, s.iv`;

const objectColumns = `o.id, o.destination, o.key, o.s3_version_id as "s3VersionId", f.byte_offset as offset, f.length,
  f.sealing_id as "sealingId", s.key_id as "keyId", o.scope, o.format, o.lock_mode as "lockMode", o.retain_until as "retainUntil"`;

const encodeEntries = (entries: readonly EntryRef[]): string =>
  JSON.stringify(
    entries.map((e) => ({ id: e.id, source_id: e.sourceId, path: `\\x${e.path.toString('hex')}` })),
  );

/** The columns that {@link knownVersion} reads, from a table or alias of `versions`. */
export function versionColumns(table: string, prefix: string): string {
  const columns: [string, string][] = [
    ['id', 'id'],
    ['kind', 'kind'],
    ['size_bytes', 'sizeBytes'],
    ['mode', 'mode'],
    ['uid::text', 'uid'],
    ['gid::text', 'gid'],
    ['mtime_ns::text', 'mtimeNs'],
    ['ctime_ns::text', 'ctimeNs'],
    ['device::text', 'device'],
    ['inode::text', 'inode'],
    ['sha512', 'sha512'],
    ['link_target', 'linkTarget'],
    ['hardlink', 'hardlink'],
    ['xattrs', 'xattrs'],
    ['bundle_revision', 'bundleRevision'],
    ['outcome', 'outcome'],
    ['reason', 'reason'],
    ['late_signature', 'lateSignature'],
  ];
  return columns.map(([column, name]) => `${table}.${column} as "${prefix}.${name}"`).join(', ');
}

/** Undefined where a left join found none. */
export function knownVersion(row: Record<string, unknown>, prefix: string): KnownVersion | undefined {
  const of = <T>(name: string): T => row[`${prefix}.${name}`] as T;
  if (of('id') === null) return undefined;
  const optional = <T>(key: string, value: T | null): object => (value === null ? {} : { [key]: value });
  return {
    id: of('id'),
    kind: of('kind'),
    sizeBytes: of('sizeBytes'),
    mode: of('mode'),
    uid: BigInt(of<string>('uid')),
    gid: BigInt(of<string>('gid')),
    mtimeNs: BigInt(of<string>('mtimeNs')),
    ctimeNs: BigInt(of<string>('ctimeNs')),
    device: BigInt(of<string>('device')),
    inode: BigInt(of<string>('inode')),
    ...optional('sha512', of('sha512')),
    ...optional('linkTarget', of('linkTarget')),
    ...optional('hardlink', of('hardlink')),
    ...optional('xattrs', of('xattrs')),
    ...optional('bundleRevision', of('bundleRevision')),
    ...optional('outcome', of('outcome')),
    ...optional('reason', of('reason')),
    ...optional('lateSignature', of('lateSignature')),
  };
}

function versionFacts(row: Record<string, unknown>): VersionFacts {
  const known = knownVersion(row, 'v');
  if (known === undefined) throw new TypeError('no version in the row');
  return {
    ...known,
    entry: { id: row.entryId as Id, sourceId: row.sourceId as Id, path: row.path as Buffer },
    sourceName: row.sourceName as string,
    observation: row.observation as number,
    hint: (row.observedHint ?? row.entryHint) as number,
    runId: row.runId as Id,
    segmentSize: (row.segmentSize as number | null) ?? 0,
    segmentHashes: (row.segmentHashes as Buffer | null) ?? Buffer.alloc(0),
    ...(row.noticedAt === null ? {} : { noticedAt: row.noticedAt as Date }),
    ...(row.workflowId === null ? {} : { workflowId: row.workflowId as string }),
    ...(row.xattrsDropped === null ? {} : { xattrsDropped: row.xattrsDropped as number }),
    ...(row.admission === null ? {} : { admission: row.admission as AdmissionResult }),
    ...(known.sha512 && row.sha256
      ? {
          content: {
            sha512: known.sha512,
            sha256: row.sha256 as Buffer,
            sizeBytes: row.contentSize as number,
            mediaType: row.mediaType as string,
          },
        }
      : {}),
    ...(row.state === null ? {} : { verdict: verdict(row) }),
  };
}

function verdict(row: Record<string, unknown>): Verdict {
  return {
    state: row.state as Verdict['state'],
    engine: row.engine as string,
    signatureRevision: row.signatureRevision as string,
    signaturesAt: (row.signaturesAt as Date).toISOString(),
    signatureSet: row.signatureSet as Verdict['signatureSet'],
    ...(row.scanReason === null ? {} : { reason: row.scanReason as NonNullable<Verdict['reason']> }),
    ...(row.signature === null ? {} : { signature: row.signature as string }),
  };
}
