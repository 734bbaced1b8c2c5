import { readFile } from 'node:fs/promises';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import pg from 'pg';
import { Failure } from '../domain/failures.ts';
import { prepared } from './prepared.ts';

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database`, as libpq reads it; `?sslmode=` is ours, see `caFile`. */
  readonly uri: string;
  /** PEM file of the authority that signed the server's certificate. Given: TLS with full verification. */
  readonly caFile?: string;
  /** PEM files of what this client shows, both or none. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Name the server's certificate is checked for; the host of the URI when missing. */
  readonly serverName?: string;
  /** Largest number of connections this process holds, default 8. */
  readonly maxConnections?: number;
}

/** Runs a statement inside a transaction. */
export type Rows = (sql: string, values: readonly unknown[]) => Promise<object[]>;

// Counters and sizes stay below 2^53; nanoseconds do not, and are always selected as text.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** Opens a pool whose every connection is durable, in UTC, and bounded in time. */
export async function openPool(options: DatabaseOptions): Promise<pg.Pool> {
  const pool = new pg.Pool({
    connectionString: options.uri,
    max: options.maxConnections ?? 8,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 30_000,
    query_timeout: 35_000,
    idle_in_transaction_session_timeout: 60_000,
    application_name: 'holdfast',
    // Every statement of a step asks for some rows of large tables by an index. By Postgres' own estimate, which is about disks
    // that turn, it reads the whole of a table of some ten thousand rows for each of them.
    options: '-c random_page_cost=1.1',
    ...(options.caFile === undefined ? {} : { ssl: await tlsOptions(options, options.caFile) }),
  });
  // A lost idle connection is no event: the next query opens another or reports the outage.
  pool.on('error', () => {});
  // Nor is one lost in the middle of a transaction: its query reports it, and an event nobody hears ends the process.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

async function tlsOptions({ certFile, keyFile, serverName }: DatabaseOptions, caFile: string) {
  const [ca, cert, key] = await Promise.all(
    [caFile, certFile, keyFile].map((file) => file && readFile(file, 'utf8')),
  );
  return {
    ...(ca ? { ca } : {}),
    ...(cert && key ? { cert, key } : {}),
    // The driver sets the name to the URI's host, so the check is told which one counts.
    ...(serverName === undefined
      ? {}
      : {
          servername: serverName,
          checkServerIdentity: (_: string, seen: PeerCertificate) => checkServerIdentity(serverName, seen),
        }),
    rejectUnauthorized: true,
  };
}

/**
 * Runs statements one after the other, all of which become durable together. When this throws, nothing of them is left: no
 * lock either, of which whoever tries next would think that somebody else holds it.
 */
export async function inTransaction<T>(pool: pg.Pool, work: (rows: Rows) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let isUsable = false;
  try {
    await client.query('begin');
    const answer = await work(async (sql, values) => (await client.query(prepared(sql, values))).rows);
    await client.query('commit');
    isUsable = true;
    return answer;
  } catch (error) {
    isUsable = !isOutage(error) && (await rollBack(client));
    throw error;
  } finally {
    // One that is closed in the middle is rolled back too, once the server notices.
    client.release(!isUsable);
  }
}

async function rollBack(client: pg.PoolClient): Promise<boolean> {
  try {
    await client.query('rollback');
    return true;
  } catch {
    return false;
  }
}

/** SQLSTATE classes that say the server is away, full or stopping (PostgreSQL manual, appendix A). */
const unavailableClasses = ['08', '53', '57', '58'];

/** SQLSTATEs of a database that nothing has migrated, or that does not know the program's role. */
const unreadyCodes = ['28000', '28P01', '3D000', '42P01'];

/**
 * Runs `work`, turning an outage of Postgres into `catalog_unavailable` and a database without tables of ours into
 * `catalog_unready`; a defect in SQL stays what it is.
 */
export async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isOutage(error)) throw new Failure('catalog_unavailable', {}, { cause: error });
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (unreadyCodes.includes(code)) throw new Failure('catalog_unready', { code }, { cause: error });
    throw error;
  }
}

function isOutage(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof Failure) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // The connection's own, of which EPIPE looks like an SQLSTATE; no class of those begins with an E.
  if (/^E[A-Z]+$/.test(code)) return true;
  if (/^[0-9A-Z]{5}$/.test(code)) return unavailableClasses.includes(code.slice(0, 2));
  return /timeout|Connection terminated|not queryable|Cannot use a pool/i.test(error.message);
}
