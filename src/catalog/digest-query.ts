import type { Catalog } from './catalog.ts';

/** What happened in a span of time, and how things stand at its end. */
export interface DigestFacts {
  /** Versions that got their outcome, and bytes of objects that were made. */
  readonly stored: number;
  readonly storedBytes: number;
  readonly quarantined: number;
  readonly sweepsComplete: number;
  readonly sweepsOther: number;
  readonly failed: number;
  readonly held: number;
  readonly incidents: number;
  readonly overdue: number;
  readonly objectsVerified: number;
  readonly mismatches: number;
}

/** @param notifyWithinMs from an incident's detection to the end of the time for notification */
export async function digestFacts(
  catalog: Catalog,
  from: Date,
  to: Date,
  notifyWithinMs: number,
): Promise<DigestFacts> {
  const [row] = await catalog.rows<DigestFacts>(
    `select
       (select count(*)::int from file_status where outcome in ('uploaded', 'duplicate') and at >= $1 and at < $2) as stored,
       (select coalesce(sum(length), 0)::float8 from objects where added_at >= $1 and added_at < $2) as "storedBytes",
       (select count(*)::int from quarantine where at >= $1 and at < $2) as quarantined,
       (select count(*)::int from run_log where kind = 'sweep' and ended_at >= $1 and ended_at < $2
          and started_at >= $1 - interval '30 days' and result in ('complete', 'complete with warnings')) as "sweepsComplete",
       (select count(*)::int from run_log where kind = 'sweep' and ended_at >= $1 and ended_at < $2
          and started_at >= $1 - interval '30 days' and result not in ('complete', 'complete with warnings')) as "sweepsOther",
       (select count(*)::int from entries e join versions v on v.id = e.head_version_id where v.outcome = 'failed') as failed,
       (select count(*)::int from holds where state = 'open') as held,
       (select count(*)::int from incidents where state <> 'closed') as incidents,
       (select count(*)::int from incidents where state in ('open', 'acknowledged')
          and detected_at <= $2 - $3 * interval '1 ms') as overdue,
       (select count(*)::int from objects where checked_at >= $1 and checked_at < $2) as "objectsVerified",
       (select count(*)::int from objects where checked_at >= $1 and checked_at < $2 and check_result <> 'ok') as mismatches`,
    [from, to, notifyWithinMs],
  );
  return row as DigestFacts;
}

/** When the newest digest ended; undefined before the first. */
export async function lastDigestTo(catalog: Catalog): Promise<Date | undefined> {
  const [row] = await catalog.rows<{ to: string }>(
    `select facts ->> 'to' as to from notifications where topic = 'digest' order by created_at desc limit 1`,
  );
  return row === undefined ? undefined : new Date(row.to);
}
