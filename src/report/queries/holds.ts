import { type NamedQuery, within } from './query.ts';

const held = `from holds h
  join versions v on v.id = h.version_id
  left join entries e on e.id = v.entry_id
  left join sources s on s.id = e.source_id`;
const columns = `h.id, h.reason as what, s.name as source, e.path`;
/** Who was counted for the way it ended. */
const deciders = (
  verdict: string,
): string => `(select string_agg(distinct t.approver, ', ') from hold_attempts t
    where t.hold_id = h.id and t.verdict = '${verdict}' and t.result in ('counted', 'repeated')) as by`;

export const holdQueries = {
  holds_approved: {
    of: 'hold',
    sql: `select ${columns}, h.closed_at as at, ${deciders('approve')} ${held}
where h.state = 'approved' and ${within('h.closed_at')}`,
  },
  holds_rejected: {
    of: 'hold',
    sql: `select ${columns}, h.closed_at as at, ${deciders('reject')} ${held}
where h.state in ('rejected', 'expired') and ${within('h.closed_at')}`,
  },
  holds_waiting: {
    of: 'hold',
    standing: true,
    sql: `select ${columns}, h.opened_at as at ${held}
where h.state = 'open'`,
  },
  approvals_refused: {
    of: 'hold',
    isException: true,
    sql: `select t.hold_id as id, t.at, t.result as what, t.actor as by from hold_attempts t
where t.result not in ('counted', 'repeated') and ${within('t.at')}`,
  },
} satisfies Record<string, NamedQuery>;
