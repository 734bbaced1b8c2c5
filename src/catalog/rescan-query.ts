import type { Id, IncidentKind, ScannerFacts, SealedFormat, VerdictState } from '../domain/records.ts';
import type { Catalog } from './catalog.ts';

/** Which contents a rescan is about. */
export interface DueScope {
  /** The signatures in force. */
  readonly loaded: ScannerFacts;
  /** Only what versions of this source hold. */
  readonly sourceId?: Id | undefined;
  /** What was looked at from then on is done. By the catalog's clock. */
  readonly since: Date;
}

/** What reading a content needs to know, once for each object it lies in. */
export interface StoredContent {
  readonly sha512: Buffer;
  readonly sizeBytes: number;
  readonly places: readonly StoredPlace[];
  /** The verdict that counts so far; null where there is none. */
  readonly state: VerdictState | null;
  readonly reason: string | null;
  readonly signature: string | null;
  /** Protected versions that hold it, and how many of them are not marked as infected. */
  readonly versions: number;
  readonly unmarked: number;
}

/** A sealed file of a content, and the version it was made for. */
export interface StoredPlace {
  readonly destination: string;
  readonly key: string;
  readonly s3VersionId: string;
  /** Of the sealed file inside the object, bytes. */
  readonly offset: number;
  readonly length: number;
  readonly format: SealedFormat;
  readonly keyId: Id;
  readonly madeFor: Id;
  readonly entryId: Id;
  readonly path: Buffer;
}

/** Reasons that say nothing about the content: another try may give a verdict. */
export const passingReasons = ['timeout', 'scanner_error', 'stale_signatures'] as const;

/** Live objects that this host can open: not an OpenPGP message, and of no scope that is being shredded. */
const isReadable = (object: string): string => `${object}.state = 'live' and ${object}.format <> 'openpgp'
  and not exists (select 1 from scope_shreddings x where x.scope = ${object}.scope and x.state <> 'cancelled')`;

/**
 * Contents `c` with what is newest known of them, `last`, that the loaded signatures ($1 revision, $2 set, $3 date) should
 * look at: judged by older ones or by none, without a verdict though one may be had, or known to be infected while versions
 * are not marked so. Test signatures never look again at what real ones judged.
 */
const dueContents = `contents c left join lateral (
    select * from (
      select result as state, reason, signature_revision, signatures_at, signature_set, at, at as rescanned_at
      from rescans r where r.sha512 = c.sha512
      union all
      (select state, reason, signature_revision, signatures_at, signature_set, at, null
       from scans s where s.sha512 = c.sha512 order by at desc limit 1)
    ) looks order by at desc limit 1
  ) last on true
  where (exists (select 1 from objects o where o.sha512 = c.sha512 and ${isReadable('o')})
      or exists (select 1 from pack_members m join objects o on o.pack_id = m.pack_id
                 where m.sha512 = c.sha512 and ${isReadable('o')}))
    and (last.at is null
      or ($2 <> 'builtin-test' or last.signature_set = 'builtin-test') and (
        last.signature_revision <> $1 and (last.signatures_at <= $3 or last.signature_set = 'builtin-test')
        or last.state = 'unreadable'
        or last.state = 'not_scanned' and last.reason in (${passingReasons.map((reason) => `'${reason}'`).join(', ')})
        or last.state = 'infected' and exists (select 1 from versions v where v.sha512 = c.sha512
             and v.outcome in ('uploaded', 'duplicate') and v.late_signature is null)))
    and (last.rescanned_at is null or last.rescanned_at < $4)
    and ($5::text is null or exists (
      select 1 from versions v join entries e on e.id = v.entry_id where v.sha512 = c.sha512 and e.source_id = $5))`;

const scopeValues = ({ loaded, sourceId, since }: DueScope): unknown[] => [
  loaded.signatureRevision,
  loaded.signatureSet,
  loaded.signaturesAt,
  since,
  sourceId ?? null,
];

/** Hashes of at most `limit` contents that are due, those whose last look is oldest first. */
export async function contentsToRescan(catalog: Catalog, scope: DueScope, limit: number): Promise<Buffer[]> {
  const rows = await catalog.rows<{ sha512: Buffer }>(
    `select c.sha512 from ${dueContents} order by last.at nulls first, c.sha512 limit $6`,
    [...scopeValues(scope), limit],
  );
  return rows.map(({ sha512 }) => sha512);
}

export interface DueTotals {
  readonly contents: number;
  readonly bytes: number;
}

export async function dueTotals(catalog: Catalog, scope: DueScope): Promise<DueTotals> {
  const [row] = await catalog.rows<DueTotals>(
    `select count(*) as contents, coalesce(sum(c.size_bytes), 0)::bigint as bytes from ${dueContents}`,
    scopeValues(scope),
  );
  return row as DueTotals;
}

/** Where the contents lie, in the order given; a content that lies nowhere any more is left out. */
export async function storedContents(catalog: Catalog, hashes: readonly Buffer[]): Promise<StoredContent[]> {
  const rows = await catalog.rows<Row>(
    `select c.sha512, c.size_bytes as "sizeBytes", judged.state, judged.reason, judged.signature, held.versions, held.unmarked,
            o.destination, o.key, o.s3_version_id as "s3VersionId", f.byte_offset as "offset", f.length, o.format,
            s.key_id as "keyId", s.version_id as "madeFor", e.id as "entryId", e.path
     from unnest($1::bytea[]) with ordinality as asked(sha512, place) join contents c on c.sha512 = asked.sha512
     left join lateral (
       select state, reason, signature from scans where sha512 = c.sha512 order by at desc limit 1
     ) judged on true
     cross join lateral (
       select count(*) as versions, count(*) filter (where v.late_signature is null) as unmarked from versions v
       where v.sha512 = c.sha512 and v.outcome in ('uploaded', 'duplicate')
     ) held
     cross join lateral sealed_files_of(c.sha512) f
     join objects o on o.id = f.object_id and ${isReadable('o')}
     join sealings s on s.id = f.sealing_id
     join versions v on v.id = s.version_id join entries e on e.id = v.entry_id
     order by asked.place, o.destination, o.id`,
    [hashes],
  );
  const found: (StoredContent & { readonly places: StoredPlace[] })[] = [];
  for (const { sha512, sizeBytes, state, reason, signature, versions, unmarked, ...place } of rows) {
    const last = found.at(-1);
    if (last?.sha512.equals(sha512)) last.places.push(place);
    else found.push({ sha512, sizeBytes, state, reason, signature, versions, unmarked, places: [place] });
  }
  return found;
}

type Row = Omit<StoredContent, 'places'> & StoredPlace;

/** Notes how far a run is, so that it goes on counting when it is tried again. */
export async function noteProgress(
  catalog: Catalog,
  runId: Id,
  totals: Readonly<Record<string, number>>,
): Promise<void> {
  await catalog.rows('update run_log set totals = $2 where id = $1 and ended_at is null', [runId, totals]);
}

export interface RunProgress {
  /** By the catalog's clock. */
  readonly startedAt: Date;
  readonly totals: Readonly<Record<string, number>>;
}

export async function runProgress(catalog: Catalog, runId: Id): Promise<RunProgress | undefined> {
  const [row] = await catalog.rows<RunProgress>(
    'select started_at as "startedAt", totals from run_log where id = $1',
    [runId],
  );
  return row;
}

/** How many stored contents are OpenPGP messages only: no host of ours can open those and scan them again. */
export async function sealedToRecipients(catalog: Catalog): Promise<number> {
  const [row] = await catalog.rows<{ count: number }>(
    `select count(distinct o.sha512) as count from objects o
     where o.state = 'live' and o.format = 'openpgp'
       and not exists (select 1 from objects p where p.sha512 = o.sha512 and p.state = 'live' and p.format <> 'openpgp')
       and not exists (select 1 from pack_members m join objects p on p.pack_id = m.pack_id
                       where m.sha512 = o.sha512 and p.state = 'live')`,
  );
  return row?.count ?? 0;
}

/** Whether there is an incident of this kind about the subject. */
export async function isTold(catalog: Catalog, kind: IncidentKind, subject: Id): Promise<boolean> {
  const rows = await catalog.rows('select 1 from incidents where kind = $1 and subject = $2', [
    kind,
    subject,
  ]);
  return rows.length > 0;
}

/** What was found infected after it was stored. */
export interface LateDetections {
  /** Incidents that nobody has closed. */
  readonly openIncidents: number;
  /** Protected versions whose content is infected by what is known now. */
  readonly versions: number;
}

export async function lateDetections(catalog: Catalog): Promise<LateDetections> {
  const [row] = await catalog.rows<LateDetections>(
    `select (select count(*) from incidents where kind = 'late_detection' and state <> 'closed') as "openIncidents",
            (select count(*) from versions where late_signature is not null and outcome in ('uploaded', 'duplicate')) as versions`,
  );
  return row as LateDetections;
}
