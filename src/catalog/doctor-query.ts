import type { Catalog } from './catalog.ts';

/** What Postgres says of itself and of what the program's role may. */
export interface DatabaseStanding {
  /** E.g. `18.1`. */
  readonly version: string;
  /** Major and minor as one number, e.g. 180001. */
  readonly versionNumber: number;
  /** Settings that a committed transaction may be lost without, and are off. */
  readonly unsafe: readonly string[];
  /** Rights on the audit trail beyond adding and reading, e.g. `UPDATE audit_events`. */
  readonly excess: readonly string[];
  readonly isSuperuser: boolean;
  readonly sizeBytes: number;
  /** Seconds that the server's clock is ahead of ours, when the answer came; negative: behind. */
  readonly aheadSeconds: number;
  /** Bytes of WAL that replication slots keep from being recycled. */
  readonly keptWalBytes: number;
  /** Whether archiving of WAL failed last. */
  readonly archivingFails: boolean;
  /** Whether the connection is encrypted, or does not leave the machine. */
  readonly isPrivate: boolean;
}

/** Tables that nobody but their owner may change. */
const auditTables = ['audit_events', 'audit_heads', 'audit_anchors'];

export async function databaseStanding(catalog: Catalog): Promise<DatabaseStanding> {
  const [row] = await catalog.rows<Omit<DatabaseStanding, 'aheadSeconds'> & { now: Date }>(
    `select current_setting('server_version') as version, current_setting('server_version_num')::int as "versionNumber",
       (select coalesce(array_agg(name order by name), '{}') from pg_settings
        where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off') as unsafe,
       (select coalesce(array_agg(p || ' ' || t order by t, p), '{}') from unnest($1::text[]) t,
          unnest(array['UPDATE', 'DELETE', 'TRUNCATE']) p where has_table_privilege(t, p)) as excess,
       (select rolsuper from pg_roles where rolname = current_user) as "isSuperuser",
       pg_database_size(current_database()) as "sizeBytes", clock_timestamp() as now,
       coalesce((select max(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), restart_lsn)) from pg_replication_slots
                 where not active), 0)::bigint as "keptWalBytes",
       coalesce((select last_failed_time > coalesce(last_archived_time, '-infinity') from pg_stat_archiver), false)
         as "archivingFails",
       inet_client_addr() is null or inet_client_addr() << inet '127.0.0.0/8' or inet_client_addr() = inet '::1'
         or coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as "isPrivate"`,
    [auditTables],
  );
  if (row === undefined) throw new RangeError('one row');
  const { now, ...standing } = row;
  return { ...standing, aheadSeconds: (now.getTime() - Date.now()) / 1000 };
}

/** The object version that was stored last in a destination; undefined where nothing is. */
export async function newestObject(
  catalog: Catalog,
  destination: string,
): Promise<{ readonly key: string; readonly versionId: string } | undefined> {
  const [row] = await catalog.rows<{ key: string; versionId: string }>(
    `select key, s3_version_id as "versionId" from objects where destination = $1 and state = 'live'
     order by added_at desc limit 1`,
    [destination],
  );
  return row;
}
