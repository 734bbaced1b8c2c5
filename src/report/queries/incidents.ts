import { type NamedQuery, within } from './query.ts';

/* An incident counts in the period in which it was detected; its time runs on after the period. */
const register = (condition: string, by = 'i.opened_by'): string =>
  `select i.id, i.detected_at as at, i.kind as what, ${by} as by, s.name as source from incidents i
  left join sources s on s.id = i.source_id
where ${within('i.detected_at')}${
    condition === ''
      ? ''
      : `
  and ${condition}`
  }`;
const deadline = `i.detected_at + :'notify_within_ms'::bigint * interval '1 millisecond'`;

export const incidentQueries = {
  incidents: { of: 'incident', sql: register('') },
  incidents_notified: {
    of: 'incident',
    sql: register(`i.notified_at <= ${deadline}`, 'i.notified_by'),
  },
  incidents_running: {
    of: 'incident',
    standing: true,
    sql: register(`i.notified_at is null and i.closed_at is null and now() <= ${deadline}`),
  },
  incidents_closed_unnotified: {
    of: 'incident',
    isException: true,
    sql: register(`i.notified_at is null and i.closed_at <= ${deadline}`, 'i.closed_by'),
  },
  incidents_overdue: {
    of: 'incident',
    standing: true,
    isException: true,
    sql: register(
      `${deadline} < coalesce(i.notified_at, i.closed_at, now())`,
      'coalesce(i.notified_by, i.closed_by, i.acknowledged_by)',
    ),
  },
  policy_bypasses: {
    of: 'incident',
    isException: true,
    sql: register(`i.kind = 'policy_bypass'`),
  },
  intrusions: {
    of: 'incident',
    isException: true,
    sql: register(
      `i.kind in ('unauthorised_access', 'tampering', 'lock_mismatch', 'audit_mismatch', 'planted_object')`,
    ),
  },
  breach_messages_sent: {
    of: 'incident',
    sql: `select n.subject as id, n.sent_at as at, n.topic as what, n.channel as by from notifications n
where n.topic like 'incident%' and n.state = 'sent' and ${within('n.sent_at')}`,
  },
  breach_messages_unsent: {
    of: 'incident',
    isException: true,
    sql: `select n.subject as id, n.created_at as at, n.topic as what, n.channel as by from notifications n
where n.topic like 'incident%' and n.state = 'failed' and ${within('n.created_at')}`,
  },
} satisfies Record<string, NamedQuery>;
