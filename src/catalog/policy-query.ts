import type { AdmissionResult, Id, PolicyReason } from '../domain/records.ts';
import type { Catalog } from './catalog.ts';

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
}

const columns = 'number, revision, actor, announced_at as "announcedAt", since';

/** The newest epochs of a host, newest first. */
export async function policyEpochs(catalog: Catalog, hostId: Id, most: number): Promise<EpochRow[]> {
  return catalog.rows<EpochRow>(
    `select ${columns} from policy_epochs where host_id = $1 order by number desc limit $2`,
    [hostId, most],
  );
}

/** The epoch a host is in, or is about to be. */
export async function newestEpoch(catalog: Catalog, hostId: Id): Promise<EpochRow | undefined> {
  return (await policyEpochs(catalog, hostId, 1))[0];
}

/** The epoch a host is in. */
export async function currentEpoch(catalog: Catalog, hostId: Id): Promise<EpochRow | undefined> {
  const found = await catalog.rows<EpochRow>(
    `select ${columns} from policy_epochs where host_id = $1 and since is not null order by number desc limit 1`,
    [hostId],
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

/** The host's worker judges by it from now on; repeated, it changes nothing. */
export async function beginEpoch(catalog: Catalog, hostId: Id, number: number): Promise<void> {
  await catalog.rows(
    'update policy_epochs set since = now() where host_id = $1 and number = $2 and since is null',
    [hostId, number],
  );
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
  readonly inputSealed: Buffer;
  readonly keyId: Id;
  readonly at: Date;
  /** What the version was admitted as, of admissions that allowed. */
  readonly admission: AdmissionResult | null;
}

/** The last decision of each gate and destination about what stands now, newest first, in pages. */
export async function* decisionsToReplay(
  catalog: Catalog,
  wanted: { readonly sourceId: Id | undefined; readonly most: number; readonly page: number },
): AsyncGenerator<ReplayRow[]> {
  let left = wanted.most;
  let before: { at: string; id: Id } | undefined;
  while (left > 0) {
    const rows = await catalog.rows<ReplayRow & { exactAt: string }>(
      `select d.id, d.version_id as "versionId", s.name as "sourceName", e.path, d.gate, d.destination, d.allow, d.reasons,
         d.input_hash as "inputHash", d.input_sealed as "inputSealed", d.key_id as "keyId", d.at,
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
    const last = rows.at(-1);
    if (last === undefined) return;
    // As text, because a Date has only milliseconds of it.
    before = { at: last.exactAt, id: last.id };
    left -= rows.length;
    yield rows;
  }
}
