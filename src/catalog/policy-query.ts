import type { Id } from '../domain/records.ts';
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
