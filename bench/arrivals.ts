import { setTimeout as sleep } from 'node:timers/promises';
import type { TestInstallation } from '../test/support/installation.ts';

/** The files that came into a source, by their path in it. `closedAt`: when the writer was done, ms since 1970. */
export type Arrivals = ReadonlyMap<string, { readonly closedAt: number; readonly sizeBytes: number }>;

const longestWaitMs = 30 * 60_000;

/**
 * When each file was locked in S3, by its path: the time of the `read_back` event of the version that stands, which is
 * written as soon as the server has shown the lock. Milliseconds since 1970, of the clock that `closedAt` is of.
 */
export async function lockTimes(
  stack: TestInstallation,
  source: string,
  arrivals: Arrivals,
): Promise<ReadonlyMap<string, number>> {
  const paths = [...arrivals.keys()];
  const deadline = performance.now() + longestWaitMs;
  for (let missing = paths.length; missing > 0; ) {
    if (performance.now() > deadline) throw new Error(`${missing} files were not settled in time`);
    // Asking costs the measured Postgres something: the more is missing, the less often.
    await sleep(Math.min(20 + 5 * missing, 2_000));
    const [row] = await stack.query<{ settled: string }>(settledCount, [source, paths]);
    missing = paths.length - Number(row?.settled);
  }
  const rows = await stack.query<{ path: string; outcome: string; at: Date | null }>(standing, [
    source,
    paths,
  ]);
  for (const { path, outcome, at } of rows)
    if (at === null) throw new Error(`${path} was not uploaded but ${outcome}`);
  return new Map(rows.map(({ path, at }) => [path, Number(at)]));
}

const settledCount = `
  select count(*) as settled from entries e join sources s on s.id = e.source_id
  where s.name = $1 and convert_from(e.path, 'UTF8') = any($2) and e.head_version_id is not null`;

const standing = `
  select convert_from(e.path, 'UTF8') as path, v.outcome, a.at
  from entries e join sources s on s.id = e.source_id join versions v on v.id = e.head_version_id
  -- Files that come alone: of none the events share a row with another's.
  left join lateral (
    select (step ->> 'at')::timestamptz as at
    from audit_events e cross join lateral jsonb_array_elements(coalesce(e.event -> 'steps', jsonb_build_array(e.event))) step
    where e.event ->> 'version' = v.id and step ->> 'step' = 'read_back' limit 1) a on true
  where s.name = $1 and convert_from(e.path, 'UTF8') = any($2)`;
