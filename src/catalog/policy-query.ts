import { Failure } from '../domain/failures.ts';
import type { AdmissionResult, Id, PolicyReason } from '../domain/records.ts';
import type { Catalog } from './catalog.ts';
import type { EvidenceRow } from './rows.ts';

/** One row of `policy_epochs`. */
export interface EpochRow {
  /** From 1, by host. */
  readonly number: number;
  /** SHA-256 of the bundle, hex. */
  readonly revision: string;
  readonly actor: string;
  readonly announcedAt: Date;
  /** When the host's worker began to judge by it; null: not yet, or never. */
  readonly since: Date | null;
  /** It was not taken in time, and never counts. */
  readonly withdrawn: boolean;
}

const columns = 'number, revision, actor, announced_at as "announcedAt", since, withdrawn';

/** The newest epochs of a host, newest first. */
export async function policyEpochs(catalog: Catalog, hostId: Id, most: number): Promise<EpochRow[]> {
  return catalog.rows<EpochRow>(
    `select ${columns} from policy_epochs where host_id = $1 order by number desc limit $2`,
    [hostId, most],
  );
}

/** The epoch a host is in, or is about to be. */
export async function newestEpoch(catalog: Catalog, hostId: Id): Promise<EpochRow | undefined> {
  const found = await catalog.rows<EpochRow>(
    `select ${columns} from policy_epochs where host_id = $1 and not withdrawn order by number desc limit 1`,
    [hostId],
  );
  return found[0];
}

/** The epoch a host is in; with `before`, the one it was in before that one. */
export async function currentEpoch(
  catalog: Catalog,
  hostId: Id,
  before?: number,
): Promise<EpochRow | undefined> {
  const found = await catalog.rows<EpochRow>(
    `select ${columns} from policy_epochs
     where host_id = $1 and since is not null and ($2::int is null or number < $2) order by number desc limit 1`,
    [hostId, before ?? null],
  );
  return found[0];
}

/** Announces the bundle that the host's worker is going to meet, and gives its epoch's number. */
export async function announceEpoch(
  catalog: Catalog,
  epoch: { readonly hostId: Id; readonly revision: string; readonly actor: string },
): Promise<number> {
  const [row] = await catalog.rows<{ number: number }>(
    `insert into policy_epochs (host_id, number, revision, actor)
     select $1, coalesce(max(number), 0) + 1, $2, $3 from policy_epochs where host_id = $1
     on conflict do nothing returning number`,
    [epoch.hostId, epoch.revision, epoch.actor],
  );
  // Somebody announced at the same moment: whoever comes later counts.
  return row?.number ?? announceEpoch(catalog, epoch);
}

/** Notes what a bundle says of sources; what is noted already stays. */
export async function noteTerms(
  catalog: Catalog,
  revision: string,
  terms: ReadonlyMap<Id, string>,
): Promise<void> {
  await catalog.rows(
    `insert into policy_terms (source_id, revision, terms) select t.source_id, $1, t.terms
     from unnest($2::text[], $3::text[]) as t (source_id, terms)
     on conflict do nothing`,
    [revision, [...terms.keys()], [...terms.values()]],
  );
}

/** Revisions of all bundles that judge a source's files as this one does, itself among them. */
export async function revisionsAlike(
  catalog: Catalog,
  sourceId: Id,
  revision: string,
): Promise<ReadonlySet<string>> {
  const found = await catalog.rows<{ revision: string }>(
    `select other.revision from policy_terms own join policy_terms other using (source_id, terms)
     where own.source_id = $1 and own.revision = $2`,
    [sourceId, revision],
  );
  return new Set([revision, ...found.map((row) => row.revision)]);
}

/** The host's worker judges by it from now on; repeated, it changes nothing. False: it was withdrawn. */
export async function beginEpoch(catalog: Catalog, hostId: Id, number: number): Promise<boolean> {
  const begun = await catalog.rows(
    `update policy_epochs set since = coalesce(since, now()) where host_id = $1 and number = $2 and not withdrawn
     returning number`,
    [hostId, number],
  );
  return begun.length > 0;
}

/** Takes an announcement back. False: the host's worker judges by it already. */
export async function withdrawEpoch(catalog: Catalog, hostId: Id, number: number): Promise<boolean> {
  const withdrawn = await catalog.rows(
    `update policy_epochs set withdrawn = true where host_id = $1 and number = $2 and since is null returning number`,
    [hostId, number],
  );
  return withdrawn.length > 0;
}

/** One stored decision with what its version is. */
export interface ReplayRow {
  readonly id: Id;
  readonly versionId: Id;
  readonly sourceName: string;
  readonly path: Buffer;
  readonly gate: 'admission' | 'release';
  readonly destination: string;
  readonly allow: boolean;
  readonly reasons: readonly PolicyReason[];
  readonly inputHash: Buffer;
  /** The same object for all that were asked together. */
  readonly evidence: EvidenceRow;
  readonly position: number;
  readonly at: Date;
  /** What the version was admitted as, of admissions that allowed. */
  readonly admission: AdmissionResult | null;
}

/** Decisions with what proves them, read once for all that were asked together. */
export async function withEvidence<Row extends { readonly evidenceId: Id }>(
  catalog: Catalog,
  rows: readonly Row[],
): Promise<(Row & { readonly evidence: EvidenceRow })[]> {
  const found = await catalog.rows<EvidenceRow>(
    'select id, key_id as "keyId", sealed from evidence where id = any($1)',
    [[...new Set(rows.map(({ evidenceId }) => evidenceId))]],
  );
  const byId = new Map(found.map((evidence) => [evidence.id, evidence]));
  return rows.map((row) => {
    const evidence = byId.get(row.evidenceId);
    if (evidence === undefined)
      throw new Failure('tampered', { detail: 'what a decision was asked is gone from the catalog' });
    return { ...row, evidence };
  });
}

/** The last decision of each gate and destination about what stands now, newest first, in pages. */
export async function* decisionsToReplay(
  catalog: Catalog,
  wanted: { readonly sourceId: Id | undefined; readonly most: number; readonly page: number },
): AsyncGenerator<ReplayRow[]> {
  let left = wanted.most;
  let before: { at: string; id: Id } | undefined;
  while (left > 0) {
    const found = await catalog.rows<Omit<ReplayRow, 'evidence'> & { evidenceId: Id; exactAt: string }>(
      `select d.id, d.version_id as "versionId", s.name as "sourceName", e.path, d.gate, d.destination, d.allow, d.reasons,
         d.input_hash as "inputHash", d.evidence_id as "evidenceId", d.position, d.at,
         case when d.gate = 'admission' and d.allow and v.bundle_revision = d.bundle_revision then v.admission end as admission,
         d.at::text as "exactAt"
       from decisions d join entries e on e.head_version_id = d.version_id
         join versions v on v.id = d.version_id join sources s on s.id = e.source_id
       where ($1::text is null or e.source_id = $1)
         and ($2::timestamptz is null or (d.at, d.id) < ($2::timestamptz, $3))
         and not exists (select 1 from decisions later where later.version_id = d.version_id and later.gate = d.gate
           and later.destination = d.destination and (later.at, later.id) > (d.at, d.id))
       order by d.at desc, d.id desc limit $4`,
      [wanted.sourceId ?? null, before?.at ?? null, before?.id ?? '', Math.min(wanted.page, left)],
    );
    const last = found.at(-1);
    if (last === undefined) return;
    // As text, because a Date has only milliseconds of it.
    before = { at: last.exactAt, id: last.id };
    left -= found.length;
    yield await withEvidence(catalog, found);
  }
}

/** A protected version's head as a sweep judges it anew. */
export interface JudgedBefore {
  readonly versionId: Id;
  readonly entryId: Id;
}

/** Heads of a source that were admitted or denied under none of these bundles, a page in the order of their entries' ids. */
export async function headsOfOtherEpochs(
  catalog: Catalog,
  wanted: {
    readonly sourceId: Id;
    readonly revisions: ReadonlySet<string>;
    readonly after: Id;
    readonly most: number;
  },
): Promise<JudgedBefore[]> {
  return catalog.rows<JudgedBefore>(
    `select v.id as "versionId", e.id as "entryId" from entries e join versions v on v.id = e.head_version_id
     where e.source_id = $1 and e.id > $3 and v.bundle_revision <> all($2) and v.admission is not null
       and v.outcome in ('uploaded', 'duplicate', 'ignored', 'held', 'quarantined')
     order by e.id limit $4`,
    [wanted.sourceId, [...wanted.revisions], wanted.after, wanted.most],
  );
}

/** What stands of a version at one destination, and how often policy was asked about it. */
export interface StandingPlacement {
  readonly versionId: Id;
  readonly destination: string;
  /** `denied`: somebody rejected it, or nobody decided in time. */
  readonly state: 'committed' | 'held' | 'denied';
  /** Of the key, or the set of recipients, that its sealed bytes are sealed with. */
  readonly keyId: Id;
  readonly releasesAsked: number;
}

/** Where versions rest, wait to, or were kept from. */
export async function standingPlacements(
  catalog: Catalog,
  versionIds: readonly Id[],
): Promise<StandingPlacement[]> {
  return catalog.rows<StandingPlacement>(
    `select p.version_id as "versionId", p.destination, p.state, s.key_id as "keyId",
       (select count(*) from decisions d where d.version_id = p.version_id and d.gate = 'release'
          and d.destination = p.destination) as "releasesAsked"
     from placements p
       left join objects o on o.id = p.object_id
       left join pack_members m on m.pack_id = o.pack_id and m.byte_offset = p.byte_offset
       left join holds h on h.version_id = p.version_id and h.destination = p.destination and p.state in ('held', 'denied')
       join sealings s on s.id = coalesce(o.sealing_id, m.sealing_id, h.sealing_id)
     where p.version_id = any($1) and p.state in ('committed', 'held', 'denied')`,
    [versionIds],
  );
}

/** How often admission was asked about versions. */
export async function admissionsAsked(catalog: Catalog, versionIds: readonly Id[]): Promise<Map<Id, number>> {
  const found = await catalog.rows<{ versionId: Id; asked: number }>(
    `select version_id as "versionId", count(*) as asked from decisions
     where version_id = any($1) and gate = 'admission' group by version_id`,
    [versionIds],
  );
  return new Map(found.map(({ versionId, asked }) => [versionId, asked]));
}
