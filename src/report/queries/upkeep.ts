import { type NamedQuery, within } from './query.ts';

const runs = (condition: string): string =>
  `select r.id, r.ended_at as at, r.result as what, r.actor as by, s.name as source from run_log r
  left join sources s on s.id = r.source_id
where ${within('r.ended_at')} and ${condition}`;
const isComplete = `r.result in ('complete', 'complete with warnings')`;

/* No host looks at a source that was taken out of every configuration. */
const isServed = `exists (select from host_sources hs join hosts h on h.id = hs.host_id
    where hs.source_id = s.id and h.revoked_at is null)`;

/* What stands of each file that was not deleted. */
const standing = `from entries e
  join sources s on s.id = e.source_id
  left join versions v on v.id = e.head_version_id`;
const outcome = `coalesce(v.outcome, 'pending')`;
const files = (condition: string): string =>
  `select coalesce(v.id, e.id) as id, coalesce(v.settled_at, e.added_at) as at, coalesce(v.reason, ${outcome}) as what,
  s.name as source, e.path ${standing}
where coalesce(v.kind, 'file') = 'file' and ${condition}`;

export const upkeepQueries = {
  verifications: { of: 'run', sql: runs(`r.kind = 'verify' and ${isComplete}`) },
  restore_tests: {
    of: 'run',
    sql: runs(`r.kind = 'verify' and ${isComplete} and (r.totals ->> 'read')::bigint > 0`),
  },
  verification_findings: {
    of: 'run',
    isException: true,
    sql: runs(`r.kind = 'verify' and (r.result = 'failed' or (r.totals ->> 'mismatches')::bigint > 0)`),
  },
  restores: { of: 'run', sql: runs(`r.kind = 'restore' and ${isComplete}`) },
  restores_incomplete: {
    of: 'run',
    isException: true,
    sql: runs(`r.kind = 'restore' and not ${isComplete}`),
  },
  retention_runs: { of: 'run', sql: runs(`r.kind = 'retention' and ${isComplete}`) },
  retention_incomplete: {
    of: 'run',
    isException: true,
    sql: runs(`r.kind = 'retention' and not ${isComplete}`),
  },
  legal_holds: {
    of: 'other',
    sql: `select l.id, l.placed_at as at, l.case_name as what, l.placed_by as by, s.name as source, l.path from legal_holds l
  join sources s on s.id = l.source_id
where l.placed_at <= :'to'::timestamptz and (l.released_at is null or l.released_at >= :'from'::timestamptz)`,
  },
  sweeps: { of: 'run', sql: runs(`r.kind = 'sweep' and ${isComplete}`) },
  last_sweeps: {
    of: 'run',
    sql: `select distinct on (s.id) r.id, r.ended_at as at, r.result as what, r.actor as by, s.name as source from sources s
  join run_log r on r.source_id = s.id
where r.kind = 'sweep' and ${isComplete} and ${within('r.ended_at')}
order by s.id, r.ended_at desc`,
  },
  sources: {
    of: 'source',
    sql: `select s.id, s.added_at as at, null::text as what, s.name as source from sources s
where s.added_at <= :'to'::timestamptz`,
  },
  sources_unswept: {
    of: 'source',
    isException: true,
    sql: `select s.id, s.added_at as at, null::text as what, s.name as source from sources s
where s.added_at <= :'to'::timestamptz and ${isServed}
  and not exists (select from run_log r where r.source_id = s.id and r.kind = 'sweep' and ${isComplete}
    and ${within('r.ended_at')})`,
  },
  sources_left: {
    of: 'source',
    standing: true,
    isException: true,
    sql: `select s.id, s.added_at as at, null::text as what, s.name as source from sources s
where s.added_at <= :'to'::timestamptz and not ${isServed}`,
  },
  files: { of: 'version', standing: true, sql: files(`${outcome} not in ('deleted', 'vanished')`) },
  files_protected: { of: 'version', standing: true, sql: files(`${outcome} in ('uploaded', 'duplicate')`) },
  files_withheld: {
    of: 'version',
    standing: true,
    sql: files(`${outcome} in ('ignored', 'held', 'quarantined')`),
  },
  files_unprotected: {
    of: 'version',
    standing: true,
    isException: true,
    sql: files(`${outcome} in ('pending', 'failed', 'cancelled')`),
  },
  files_lost: {
    of: 'version',
    standing: true,
    isException: true,
    sql: files(`v.reason = 'object_lost'`),
  },
} satisfies Record<string, NamedQuery>;
