import { type NamedQuery, within } from './query.ts';

/*
 * Acts of people are events of their own, one a row; what many files of one batch went through shares rows, and is not
 * asked for here.
 */
const acts = (steps: string, what: string, condition: string): string =>
  `select a.id, a.at, ${what} as what, a.event ->> 'actor' as by from audit_events a
where ${within('a.at')} and a.event ->> 'step' in (${steps}) and ${condition}`;
const action = `a.event -> 'facts' ->> 'action'`;

export const keyQueries = {
  keyring_openings: {
    of: 'event',
    sql: acts(`'keyring'`, `coalesce(a.event -> 'facts' ->> 'holder', '')`, `${action} = 'unlock'`),
  },
  payload_readings: {
    of: 'event',
    sql: acts(`'keyring'`, `a.event -> 'facts' ->> 'namespace'`, `${action} = 'decrypt-payloads'`),
  },
  key_changes: {
    of: 'event',
    sql: acts(`'keyring'`, action, `${action} not in ('unlock', 'decrypt-payloads')`),
  },
  key_rotations: { of: 'event', sql: acts(`'keyring'`, action, `${action} = 'rotate'`) },
  key_exports: {
    of: 'other',
    sql: `select x.id, x.at, x.kind as what, x.actor as by from key_exports x
where ${within('x.at')}`,
  },
  key_shreddings: {
    of: 'other',
    sql: `select x.scope_id as id, x.requested_at as at, x.state as what, x.requested_by as by from scope_shreddings x
where ${within('x.requested_at')}`,
  },
  access_refusals: {
    of: 'event',
    isException: true,
    sql: acts(`'access'`, `a.event -> 'facts' ->> 'what'`, 'true'),
  },
  policy_switches: {
    of: 'event',
    sql: acts(`'policy_switch'`, `left(a.event -> 'facts' ->> 'to', 12)`, 'true'),
  },
  configuration_changes: {
    of: 'event',
    sql: acts(
      `'configuration'`,
      `coalesce(${action}, 'configuration')`,
      `coalesce(${action}, '') not like 'host-%'`,
    ),
  },
  hosts_added: {
    of: 'host',
    sql: `select h.id, h.added_at as at, h.name as what, h.added_by as by from hosts h
where ${within('h.added_at')}`,
  },
  hosts_revoked: {
    of: 'host',
    sql: `select h.id, h.revoked_at as at, h.name as what, h.revoked_by as by from hosts h
where ${within('h.revoked_at')}`,
  },
} satisfies Record<string, NamedQuery>;
