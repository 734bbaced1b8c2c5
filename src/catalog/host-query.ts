import type pg from 'pg';
import type { Id } from '../domain/records.ts';
import type { Catalog } from './catalog.ts';
import { translated } from './database.ts';

/** One host of the cluster. */
export interface HostRow {
  readonly id: Id;
  readonly name: string;
  /** Queue group of its sources that name none themselves. */
  readonly group: string;
  readonly databaseRole: string | null;
  readonly addedAt: Date;
  readonly addedBy: string;
  /** When its worker last told of itself, to the minute. */
  readonly lastSeenAt: Date | null;
  readonly rulesRevision: string | null;
  readonly revokedAt: Date | null;
  readonly sources: readonly { readonly id: Id; readonly name: string; readonly group: string }[];
}

/** What a worker tells of its host. */
export interface HostFacts {
  readonly id: Id;
  readonly name: string;
  readonly group: string;
  readonly rulesRevision: string | null;
  readonly sources: readonly { readonly id: Id; readonly group: string }[];
}

/** All hosts, revoked ones last, in the order they were added. */
export function hostRows(catalog: Catalog): Promise<HostRow[]> {
  return catalog.rows<HostRow>(
    `select h.id, h.name, h.files_group as "group", h.database_role as "databaseRole", h.added_at as "addedAt",
       h.added_by as "addedBy", h.last_seen_at as "lastSeenAt", h.rules_revision as "rulesRevision", h.revoked_at as "revokedAt",
       coalesce((select jsonb_agg(jsonb_build_object('id', s.id, 'name', s.name, 'group', hs.files_group) order by s.name)
                 from host_sources hs join sources s on s.id = hs.source_id where hs.host_id = h.id), '[]') as sources
     from hosts h order by h.revoked_at is not null, h.added_at, h.id`,
  );
}

/**
 * Tells the others what this host is and serves, and that it is there. A host that was added keeps the name it was given;
 * one that was revoked is not there any more, whatever it says.
 */
export async function tellOfHost(catalog: Catalog, host: HostFacts): Promise<void> {
  const { id, name, group, rulesRevision, sources } = host;
  await catalog.transaction(async (rows) => {
    // A name that is taken is told apart by the id.
    await rows(
      `insert into hosts (id, name, files_group, added_by)
       select $1, case when exists (select 1 from hosts where name = $2 and revoked_at is null) then $2 || '-' || left($1, 8) else $2 end,
         $3, 'holdfast' on conflict do nothing`,
      [id, name, group],
    );
    const known = await rows(
      `update hosts set files_group = $2, rules_revision = $3, last_seen_at = now()
       where id = $1 and revoked_at is null returning id`,
      [id, group, rulesRevision],
    );
    if (known.length === 0) return;
    const ids = sources.map((source) => source.id);
    await rows('delete from host_sources where host_id = $1 and source_id <> all($2)', [id, ids]);
    await rows(
      `insert into host_sources (host_id, source_id, files_group)
       select $1, source_id, files_group from unnest($2::text[], $3::text[]) as s(source_id, files_group)
       on conflict (host_id, source_id) do update set files_group = excluded.files_group
       where host_sources.files_group <> excluded.files_group`,
      [id, ids, sources.map((source) => source.group)],
    );
  });
}

/** The host of another group that serves a source of this name; undefined where none does. */
export async function servedElsewhere(
  catalog: Catalog,
  source: { readonly id: Id; readonly group: string },
  hostId: Id,
): Promise<string | undefined> {
  const [found] = await catalog.rows<{ name: string }>(
    `select h.name from host_sources hs join hosts h on h.id = hs.host_id
     where hs.source_id = $1 and hs.files_group <> $2 and h.id <> $3 and h.revoked_at is null order by h.added_at limit 1`,
    [source.id, source.group, hostId],
  );
  return found?.name;
}

/** All sources of the repository; `served`: some host that was not revoked serves it. */
export function allSources(catalog: Catalog): Promise<{ id: Id; name: string; served: boolean }[]> {
  return catalog.rows(
    `select s.id, s.name, exists (select 1 from host_sources hs join hosts h on h.id = hs.host_id
       where hs.source_id = s.id and h.revoked_at is null) as served
     from sources s order by s.name`,
  );
}

/** Lets a host in: its row and its own role, a member of the program's. As the tables' owner. */
export async function admitHost(
  owner: pg.Pool,
  host: { id: Id; name: string; group: string; databaseRole: string; password: string; addedBy: string },
): Promise<void> {
  const { id, name, group, databaseRole, password, addedBy } = host;
  await asOwner(owner, async (client) => {
    await client.query(
      'insert into hosts (id, name, files_group, database_role, added_by) values ($1, $2, $3, $4, $5)',
      [id, name, group, databaseRole, addedBy],
    );
    const role = client.escapeIdentifier(databaseRole);
    await client.query(`create role ${role} login password ${client.escapeLiteral(password)}`);
    await client.query(`grant holdfast_writer to ${role}`);
  });
}

/**
 * Lets a host in no more: from the commit on its role may do nothing, also in sessions that are open, and then these are ended.
 * May run again. As the tables' owner.
 */
export async function expelHost(
  owner: pg.Pool,
  host: Pick<HostRow, 'id' | 'databaseRole'>,
  revokedBy: string,
): Promise<void> {
  await asOwner(owner, async (client) => {
    await client.query(
      'update hosts set revoked_at = coalesce(revoked_at, now()), revoked_by = coalesce(revoked_by, $2) where id = $1',
      [host.id, revokedBy],
    );
    if (host.databaseRole === null) return;
    const role = client.escapeIdentifier(host.databaseRole);
    await client.query(`alter role ${role} nologin`);
    await client.query(`revoke holdfast_writer from ${role}`);
    // Only who has a role's privileges may end its sessions; this one's are none any more.
    await client.query(`grant ${role} to current_user`);
  });
  if (host.databaseRole === null) return;
  await translated(() =>
    owner.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [
      host.databaseRole,
    ]),
  );
}

function asOwner(owner: pg.Pool, work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
  return translated(async () => {
    const client = await owner.connect();
    try {
      await client.query('begin');
      await work(client);
      await client.query('commit');
    } finally {
      // Closing it ends what was not committed.
      client.release(true);
    }
  });
}
