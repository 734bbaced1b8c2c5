import { type NamedQuery, within } from './query.ts';

/*
 * One row for each copy of a file's content that came to rest in a destination: files with equal content share what is
 * stored, and each of them counts, because each was judged by itself.
 */
const copies = `from placements p
  join versions v on v.id = p.version_id
  left join entries e on e.id = v.entry_id
  left join sources s on s.id = e.source_id`;
const stored = `p.state = 'committed' and p.object_id is not null and v.kind = 'file'
  and ${within('p.at')}`;
const columns = `v.id, p.at, s.name as source, e.path`;

/** The sealed file that a copy rests on, alone in its object or one of a pack. */
const sealing = `left join objects o on o.id = p.object_id
  left join pack_members m on m.pack_id = o.pack_id and m.byte_offset = p.byte_offset
  left join sealings g on g.id = coalesce(o.sealing_id, m.sealing_id)`;
const isSealed = `coalesce(g.format in ('sealed-v1', 'openpgp') and g.key_id <> '', false)`;

/*
 * Locks end by the clock of the store, versions are observed by the catalog's: stores refuse requests of a clock that is
 * further off than a quarter of an hour.
 */
const isLocked = `(o.retain_until >= v.observed_at + (v.admission -> 'retention' ->> 'days')::integer * interval '1 day'
    - interval '15 minutes'
  and (o.lock_mode = 'COMPLIANCE' or v.admission -> 'retention' ->> 'mode' = 'GOVERNANCE'))`;

const isReleased = `exists (select from decisions d where d.version_id = v.id and d.gate = 'release'
    and d.destination = p.destination and d.allow and d.at <= p.at)`;
/* A catalog that was rebuilt from the bucket knows what lies there, and not why it was let go. */
const isRebuilt = `(v.observed_at < (select max(started_at) from run_log where kind = 'catalog rebuild')
    and not exists (select from decisions d where d.version_id = v.id))`;

const scan = `left join scans c on c.id = v.scan_id`;

export const uploadQueries = {
  uploads: {
    of: 'version',
    sql: `select ${columns}, p.destination as what ${copies}
where ${stored}`,
  },
  uploads_encrypted: {
    of: 'version',
    sql: `select ${columns}, g.format as what ${copies}
  ${sealing}
where ${stored} and ${isSealed}`,
  },
  uploads_unsealed: {
    of: 'version',
    isException: true,
    sql: `select ${columns}, g.format as what ${copies}
  ${sealing}
where ${stored} and not ${isSealed}`,
  },
  encryption_keys: {
    of: 'key',
    sql: `select g.key_id as id, min(p.at) as at, g.format as what ${copies}
  ${sealing}
where ${stored} and g.key_id is not null
group by g.key_id, g.format`,
  },
  uploads_locked: {
    of: 'version',
    sql: `select ${columns}, o.lock_mode as what ${copies}
  left join objects o on o.id = p.object_id
where ${stored} and ${isLocked}`,
  },
  uploads_underlocked: {
    of: 'version',
    isException: true,
    sql: `select ${columns}, o.lock_mode as what ${copies}
  left join objects o on o.id = p.object_id
where ${stored} and v.admission is not null and ${isLocked} is not true`,
  },
  uploads_lock_unknown: {
    of: 'version',
    isException: true,
    sql: `select ${columns}, p.destination as what ${copies}
where ${stored} and v.admission is null`,
  },
  locks_read_again: {
    of: 'object',
    sql: `select o.id, o.checked_at as at, o.destination as what from objects o
where o.state = 'live' and o.check_result = 'ok' and ${within('o.checked_at')}`,
  },
  locks_wrong: {
    of: 'object',
    isException: true,
    sql: `select o.id, o.checked_at as at, o.check_result as what from objects o
where o.state = 'live' and o.check_result in ('lock_mismatch', 'missing', 'tampered') and ${within('o.checked_at')}`,
  },
  uploads_released: {
    of: 'version',
    sql: `select ${columns}, p.destination as what ${copies}
where ${stored} and ${isReleased}`,
  },
  uploads_unreleased: {
    of: 'version',
    isException: true,
    sql: `select ${columns}, p.destination as what ${copies}
where ${stored} and not ${isReleased} and ${isRebuilt} is not true`,
  },
  uploads_rebuilt: {
    of: 'version',
    isException: true,
    sql: `select ${columns}, p.destination as what ${copies}
where ${stored} and not ${isReleased} and ${isRebuilt}`,
  },
  releases_refused: {
    of: 'version',
    sql: `select v.id, d.at, d.reasons -> 0 ->> 'id' as what, s.name as source, e.path from decisions d
  join versions v on v.id = d.version_id
  left join entries e on e.id = v.entry_id
  left join sources s on s.id = e.source_id
where d.gate = 'release' and not d.allow and ${within('d.at')}`,
  },
  uploads_clean: {
    of: 'version',
    sql: `select ${columns}, c.signature_set as what ${copies}
  ${scan}
where ${stored} and c.state = 'clean'`,
  },
  uploads_unscanned: {
    of: 'version',
    isException: true,
    sql: `select ${columns}, c.reason as what ${copies}
  ${scan}
where ${stored} and c.state = 'not_scanned'`,
  },
  uploads_test_signatures: {
    of: 'version',
    isException: true,
    sql: `select ${columns}, c.signature_set as what ${copies}
  ${scan}
where ${stored} and c.state = 'clean' and c.signature_set = 'builtin-test'`,
  },
  uploads_infected: {
    of: 'version',
    isException: true,
    sql: `select ${columns}, c.signature as what, x.actor as by ${copies}
  ${scan}
  left join lateral (select actor from infection_exceptions where sha512 = v.sha512 order by granted_at desc limit 1) x on true
where ${stored} and c.state = 'infected'`,
  },
  uploads_without_verdict: {
    of: 'version',
    isException: true,
    sql: `select ${columns}, p.destination as what ${copies}
  ${scan}
where ${stored} and c.id is null`,
  },
} satisfies Record<string, NamedQuery>;
