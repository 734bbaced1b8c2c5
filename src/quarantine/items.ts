import type { Catalog } from '../catalog/catalog.ts';
import type { QuarantineAction } from '../catalog/rows.ts';
import type { Attributes } from '../domain/attributes.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import type { SealedCopy } from './copies.ts';

/**
 * - `kept`: sealed in the quarantine folder of its host.
 * - `reported`: nothing is kept of it.
 * - `released`, `deleted`: a person ended it; nothing is kept any more.
 */
export type QuarantineState = 'kept' | 'reported' | 'released' | 'deleted';

/** Who did it, when and why. */
export interface Deed {
  readonly actor: string;
  readonly reason: string;
  readonly at: Date;
}

/** One infected version and what became of it. */
export interface QuarantineItem {
  readonly id: Id;
  readonly versionId: Id;
  readonly sourceId: Id;
  readonly entryId: Id;
  readonly source: string;
  readonly path: Buffer;
  readonly state: QuarantineState;
  /** Null while the step that found it is not through. */
  readonly action: QuarantineAction | null;
  readonly signature: string;
  readonly engine: string;
  readonly signatureRevision: string;
  readonly signaturesAt: Date;
  readonly host: Id;
  readonly foundAt: Date;
  readonly sha512: Buffer;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  readonly xattrs: Attributes | null;
  /** Undefined where nothing is kept. */
  readonly copy: SealedCopy | undefined;
  readonly ended: Deed | undefined;
  /** Set where a person released it although it was detected. */
  readonly exception: (Deed & { readonly signature: string; readonly revokedAt: Date | null }) | undefined;
}

export interface ItemFilter {
  readonly sourceId?: Id | undefined;
  /** With what is ended, and what was reported of files that are another version by now. */
  readonly all: boolean;
}

/** Quarantined files, the newest first. */
export function listItems(catalog: Catalog, { sourceId, all }: ItemFilter): Promise<QuarantineItem[]> {
  return itemsWhere(
    catalog,
    `($1::text is null or e.source_id = $1)
     and ($2 or (c.id is not null and x.id is null) or (c.id is null and v.id = e.head_version_id)
       or (ex.id is not null and ex.revoked_at is null))`,
    [sourceId ?? null, all],
  );
}

/** Those of an entry, what is still kept first. */
export const itemsOfPath = (catalog: Catalog, sourceId: Id, path: Buffer): Promise<QuarantineItem[]> =>
  itemsWhere(catalog, 'e.source_id = $1 and e.path = $2', [sourceId, path]).then((items) =>
    items.sort((a, b) => Number(b.state === 'kept') - Number(a.state === 'kept')),
  );

export async function itemOf(catalog: Catalog, id: Id): Promise<QuarantineItem | undefined> {
  const [item] = await itemsWhere(catalog, 'coalesce(c.id, q.id) = $1', [id]);
  return item;
}

export type KeptItem = QuarantineItem & { readonly copy: SealedCopy };

/** The item, if it is kept on this host. Failures `quarantine_empty`, `quarantine_elsewhere`. */
export function requireKept(item: QuarantineItem, hostId: Id): KeptItem {
  const { id, state, copy, host } = item;
  if (state !== 'kept' || copy === undefined)
    throw new Failure('quarantine_empty', { item: id, why: state === 'reported' ? 'only reported' : state });
  if (host !== hostId) throw new Failure('quarantine_elsewhere', { item: id, host });
  return { ...item, copy };
}

interface Found extends Omit<QuarantineItem, 'state' | 'copy' | 'ended' | 'exception' | 'mtimeNs'> {
  readonly mtimeNs: string;
  readonly format: string | null;
  readonly sealedLength: number | null;
  readonly sealedSha256: Buffer | null;
  readonly ended: 'released' | 'deleted' | null;
  readonly endedBy: string;
  readonly endedReason: string;
  readonly endedAt: Date;
  readonly exceptedSignature: string | null;
  readonly exceptedBy: string;
  readonly exceptedReason: string;
  readonly exceptedAt: Date;
  readonly revokedAt: Date | null;
}

async function itemsWhere(
  catalog: Catalog,
  where: string,
  values: readonly unknown[],
): Promise<QuarantineItem[]> {
  const found = await catalog.rows<Found>(
    `select coalesce(c.id, q.id) as id, v.id as "versionId", e.source_id as "sourceId", e.id as "entryId",
            s.name as source, e.path, q.action, coalesce(q.signature, sc.signature, 'unknown') as signature,
            coalesce(sc.engine, 'unknown') as engine, coalesce(sc.signature_revision, 'unknown') as "signatureRevision",
            coalesce(sc.signatures_at, v.observed_at) as "signaturesAt", coalesce(c.host_id, q.host_id) as host,
            coalesce(c.at, q.at) as "foundAt", v.sha512, v.size_bytes as "sizeBytes", v.mode, v.uid, v.gid,
            v.mtime_ns::text as "mtimeNs", v.xattrs, se.format, c.sealed_length as "sealedLength",
            c.sealed_sha256 as "sealedSha256", x.ended, x.actor as "endedBy", x.reason as "endedReason",
            x.at as "endedAt", ex.signature as "exceptedSignature", ex.actor as "exceptedBy",
            ex.reason as "exceptedReason", ex.granted_at as "exceptedAt", ex.revoked_at as "revokedAt"
     from versions v join entries e on e.id = v.entry_id join sources s on s.id = e.source_id
     left join quarantine q on q.version_id = v.id left join quarantine_copies c on c.version_id = v.id
     left join sealings se on se.id = c.sealing_id left join quarantine_ends x on x.id = c.id
     left join infection_exceptions ex on ex.id = c.id
     left join lateral (select * from scans where version_id = v.id and state = 'infected' order by at limit 1) sc on true
     where (q.id is not null or c.id is not null) and ${where} order by "foundAt" desc, id`,
    [...values],
  );
  return found.map(itemFrom);
}

function itemFrom(row: Found): QuarantineItem {
  const { format, sealedLength, sealedSha256, ended, endedBy, endedReason, endedAt } = row;
  const { exceptedSignature, exceptedBy, exceptedReason, exceptedAt, revokedAt, ...item } = row;
  const { id, sha512, sizeBytes } = item;
  const copy =
    format !== null && sealedLength !== null && sealedSha256 !== null
      ? { id, format, sealedLength, sealedSha256, sha512, sizeBytes }
      : undefined;
  return {
    ...item,
    uid: Number(item.uid),
    gid: Number(item.gid),
    mtimeNs: BigInt(item.mtimeNs),
    state: ended ?? (copy === undefined ? 'reported' : 'kept'),
    copy,
    ended: ended === null ? undefined : { actor: endedBy, reason: endedReason, at: endedAt },
    exception:
      exceptedSignature === null
        ? undefined
        : {
            ...{ signature: exceptedSignature, actor: exceptedBy, reason: exceptedReason },
            ...{ at: exceptedAt, revokedAt },
          },
  };
}
