import { type NamedQuery, within } from './query.ts';

export const auditQueries = {
  audit_events: {
    of: 'event',
    isSum: true,
    /* Rows of many events hold their hashes one after the other, 32 bytes each. */
    sql: `select a.id, a.at, case when a.event is null then 'batch' else 'single' end as what,
  coalesce(length(a.leaves) / 32, 1) as number from audit_events a
where ${within('a.at')}`,
  },
  audit_events_unsigned: {
    of: 'event',
    standing: true,
    isSum: true,
    sql: `select a.id, a.at, null::text as what, coalesce(length(a.leaves) / 32, 1) as number from audit_events a
where a.number > coalesce((select max(h.last_event) from audit_heads h), -1)`,
  },
  audit_heads: {
    of: 'other',
    sql: `select h.number::text as id, h.at, null::text as what from audit_heads h
where ${within('h.at')}`,
  },
  audit_anchors: {
    of: 'other',
    sql: `select a.number::text as id, a.at, a.destination as what from audit_anchors a
where a.s3_version_id is not null and ${within('a.at')}`,
  },
  audit_anchor_conflicts: {
    of: 'other',
    isException: true,
    sql: `select a.number::text as id, a.at, a.destination as what from audit_anchors a
where a.s3_version_id is null and ${within('a.at')}`,
  },
  audit_verifications: {
    of: 'run',
    sql: `select r.id, r.ended_at as at, r.result as what, r.actor as by from run_log r
where r.kind = 'audit-verify' and ${within('r.ended_at')} and (r.totals ->> 'breaches')::bigint = 0
  and (r.totals ->> 'away')::bigint = 0`,
  },
  audit_breaches: {
    of: 'run',
    isException: true,
    sql: `select r.id, r.ended_at as at, r.result as what, r.actor as by from run_log r
where r.kind = 'audit-verify' and ${within('r.ended_at')} and (r.totals ->> 'breaches')::bigint > 0`,
  },
  catalog_rebuilds: {
    of: 'run',
    isException: true,
    sql: `select r.id, r.started_at as at, r.result as what, r.actor as by from run_log r
where r.kind = 'catalog rebuild' and ${within('r.started_at')}`,
  },
} satisfies Record<string, NamedQuery>;
