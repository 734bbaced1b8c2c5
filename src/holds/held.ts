import type { Catalog } from '../catalog/catalog.ts';
import { Failure } from '../domain/failures.ts';
import type { HoldState, StagedState } from '../domain/holds.ts';
import type { AdmissionResult, Id } from '../domain/records.ts';

/** A hold, with what somebody who decides it has to know. */
export interface HeldFile {
  readonly id: Id;
  readonly versionId: Id;
  readonly destination: string;
  readonly hostId: Id;
  readonly state: HoldState;
  /** Why it is held: the rule of a denial, or `not_scanned_…`. */
  readonly reason: string;
  readonly staged: StagedState;
  readonly sealingId: Id;
  /** The key it is sealed with. */
  readonly keyId: Id;
  readonly format: string;
  readonly generation: number;
  readonly iv: Buffer;
  readonly sealedLength: number;
  readonly sealedSha256: Buffer;
  /** The decision that holds it: the last denial of release; of what could not be scanned admission's. */
  readonly decisionId: Id;
  readonly openedAt: Date;
  readonly closedAt: Date | null;
  readonly remindedAt: Date | null;
  readonly source: string;
  readonly path: Buffer;
  readonly sizeBytes: number;
  readonly sha512: Buffer;
  readonly admission: AdmissionResult;
  /** The run that made the version, and the policy that admitted it. */
  readonly runId: Id;
  readonly bundleRevision: string | null;
  /** Whether the file has a newer version by now: the hold is about the older one. */
  readonly isSuperseded: boolean;
}

const columns = `h.id, h.version_id as "versionId", h.destination, h.host_id as "hostId", h.state, h.reason, h.staged,
  h.sealing_id as "sealingId", g.key_id as "keyId", g.format, g.generation, g.iv,
  h.sealed_length as "sealedLength", h.sealed_sha256 as "sealedSha256",
  h.opened_at as "openedAt", h.closed_at as "closedAt", h.reminded_at as "remindedAt", s.name as source, e.path, v.size_bytes as "sizeBytes",
  v.sha512, v.admission, v.run_id as "runId", v.bundle_revision as "bundleRevision", e.head_observation > v.observation as "isSuperseded",
  (select d.id from decisions d where d.version_id = h.version_id
     and (d.gate = 'admission' or d.destination = h.destination and not d.allow)
   order by d.gate = 'release' desc, d.at desc, d.id limit 1) as "decisionId"`;

const tables = `holds h join sealings g on g.id = h.sealing_id join versions v on v.id = h.version_id
  join entries e on e.id = v.entry_id join sources s on s.id = e.source_id`;

/** Failure `hold_unknown`. */
export async function heldFile(catalog: Catalog, holdId: Id): Promise<HeldFile> {
  const [found] = await catalog.rows<HeldFile>(`select ${columns} from ${tables} where h.id = $1`, [holdId]);
  if (found === undefined) throw new Failure('hold_unknown', { hold: holdId });
  return found;
}

export interface HoldFilter {
  readonly state?: HoldState;
  readonly source?: string | undefined;
  readonly classification?: string | undefined;
  readonly openedBefore?: Date | undefined;
}

/** Holds that match, the oldest first, read in pages. */
export async function* heldFiles(catalog: Catalog, filter: HoldFilter): AsyncGenerator<HeldFile> {
  let after = { openedAt: '-infinity' as string, id: '' };
  for (;;) {
    const page = await catalog.rows<HeldFile & { at: string }>(
      `select ${columns}, h.opened_at::text as at from ${tables}
       where (h.opened_at, h.id) > ($1::timestamptz, $2) and ($3::text is null or h.state = $3) and ($4::text is null or s.name = $4)
         and ($5::text is null or v.admission ->> 'classification' = $5)
         and ($6::timestamptz is null or h.opened_at < $6)
       order by h.opened_at, h.id limit 500`,
      [
        after.openedAt,
        after.id,
        filter.state ?? null,
        filter.source ?? null,
        filter.classification ?? null,
        filter.openedBefore ?? null,
      ],
    );
    for (const { at: _, ...row } of page) yield row;
    const last = page.at(-1);
    if (last === undefined) return;
    after = { openedAt: last.at, id: last.id };
  }
}

/** Bytes that open holds keep in the staging folder of a host. */
export async function heldBytesOf(catalog: Catalog, hostId: Id): Promise<number> {
  const [row] = await catalog.rows<{ bytes: number }>(
    `select coalesce(sum(length), 0)::float8 as bytes from (
       select distinct sealing_id, sealed_length as length from holds where host_id = $1 and state = 'open') h`,
    [hostId],
  );
  return row?.bytes ?? 0;
}

/** Whether the bytes of a sealing wait for somebody's decision. */
export async function isHeldOpen(
  catalog: Catalog,
  { sealingId }: { readonly sealingId: Id },
): Promise<boolean> {
  const found = await catalog.rows(`select 1 from holds where sealing_id = $1 and state = 'open' limit 1`, [
    sealingId,
  ]);
  return found.length > 0;
}

/** Opens an intent anew that was given up: what it announces is made once and stays the same. */
export async function reopenIntent(catalog: Catalog, intentId: Id): Promise<void> {
  await catalog.rows(
    `update intents set state = 'open', upload_id = null, closed_at = null, closed_reason = null
     where id = $1 and state = 'aborted'`,
    [intentId],
  );
}

/** How many holds are open, since when the oldest is, and what could not be held for want of room. */
export interface HoldTotals {
  readonly open: number;
  readonly oldestSeconds: number;
  /** Whose staged bytes are not what was sealed, or whose host does not answer. */
  readonly impaired: number;
  /** Entries that failed because the staging folder was full. */
  readonly turnedAway: number;
}

export async function holdTotals(catalog: Catalog): Promise<HoldTotals> {
  const [row] = await catalog.rows<HoldTotals>(
    `select count(*)::int as open, coalesce(extract(epoch from now() - min(opened_at)), 0)::float8 as "oldestSeconds",
            (count(*) filter (where staged <> 'whole'))::int as impaired,
            (select count(*)::int from entries e join versions v on v.id = e.head_version_id
             where v.outcome = 'failed' and v.reason = 'staging_full') as "turnedAway"
     from holds where state = 'open'`,
  );
  return row ?? { open: 0, oldestSeconds: 0, impaired: 0, turnedAway: 0 };
}
