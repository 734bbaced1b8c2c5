/** Numbers that dashboards show, and the question to the catalog that has the same answer. */

export interface Number {
  /** Of Prometheus; each series by the values of `labels`. */
  readonly expr: string;
  readonly labels: readonly string[];
  /** Gives `key` (the values of the labels, with commas between) and `value`; what is not there is 0. */
  readonly sql: string;
}

const entries = (outcomes: string): string =>
  `select '' as key, count(*)::float8 as value from entries e join versions v on v.id = e.head_version_id
   where v.outcome in (${outcomes})`;

export const numbers: readonly Number[] = [
  {
    expr: 'sum(max by (source, outcome) (holdfast_catalog_entries{outcome=~"uploaded|duplicate"}))',
    labels: [],
    sql: entries(`'uploaded', 'duplicate'`),
  },
  ...['failed', 'quarantined', 'ignored'].map((outcome) => ({
    expr: `sum(max by (source, outcome) (holdfast_catalog_entries{outcome=~"${outcome}"}))`,
    labels: [],
    sql: entries(`'${outcome}'`),
  })),
  {
    expr: 'max by (source, outcome) (holdfast_catalog_versions)',
    labels: ['source', 'outcome'],
    sql: `select s.name || ',' || v.outcome as key, count(*)::float8 as value
          from versions v join entries e on e.id = v.entry_id join sources s on s.id = e.source_id
          where v.outcome is not null group by 1`,
  },
  {
    // One worker from the first file to the last: what it counted is all there is.
    expr: 'sum by (outcome) (holdfast_files_total)',
    labels: ['outcome'],
    sql: 'select outcome as key, count(*)::float8 as value from versions where outcome is not null group by 1',
  },
  {
    expr: 'sum by (reason) (holdfast_failed_files_total)',
    labels: ['reason'],
    sql: `select reason as key, count(*)::float8 as value from versions where outcome = 'failed' group by 1`,
  },
  {
    expr: 'sum by (gate, result) (holdfast_decisions_total)',
    labels: ['gate', 'result'],
    sql: `select gate || case when allow then ',allowed' else ',denied' end as key, count(*)::float8 as value
          from decisions group by 1`,
  },
  {
    expr: 'sum by (verdict) (holdfast_verdicts_total)',
    labels: ['verdict'],
    sql: 'select state as key, count(*)::float8 as value from scans group by 1',
  },
  {
    expr: 'sum by (action) (holdfast_quarantined_total)',
    labels: ['action'],
    sql: 'select action as key, count(*)::float8 as value from quarantine group by 1',
  },
  {
    expr: 'max(holdfast_holds_open)',
    labels: [],
    sql: `select '' as key, count(*)::float8 as value from holds where state = 'open'`,
  },
  {
    expr: 'sum(holdfast_holds_opened_total)',
    labels: [],
    sql: `select '' as key, count(*)::float8 as value from holds`,
  },
  {
    expr: 'sum by (destination, state) (holdfast_placements_total{state="committed"})',
    labels: ['destination', 'state'],
    sql: `select destination || ',' || state as key, count(*)::float8 as value from placements
          where state = 'committed' group by 1`,
  },
  {
    expr: 'max by (destination) (holdfast_stored_objects)',
    labels: ['destination'],
    sql: `select destination as key, count(*)::float8 as value from objects where state = 'live' group by 1`,
  },
  {
    expr: 'sum by (destination) (holdfast_objects_total)',
    labels: ['destination'],
    sql: 'select destination as key, count(*)::float8 as value from objects group by 1',
  },
  {
    expr: 'max by (destination) (holdfast_stored_bytes)',
    labels: ['destination'],
    sql: `select destination as key, sum(length)::float8 as value from objects where state = 'live' group by 1`,
  },
  {
    expr: 'max by (kind) (holdfast_incidents_open)',
    labels: ['kind'],
    sql: `select kind as key, count(*)::float8 as value from incidents where state <> 'closed' group by 1`,
  },
  {
    expr: 'sum by (kind) (holdfast_incidents_total)',
    labels: ['kind'],
    sql: 'select kind as key, count(*)::float8 as value from incidents group by 1',
  },
  {
    expr: 'max by (kind, result) (holdfast_runs{kind=~"sweep|restore"})',
    labels: ['kind', 'result'],
    sql: `select kind || ',' || result as key, count(*)::float8 as value from run_log
          where ended_at is not null and kind in ('sweep', 'restore') group by 1`,
  },
  {
    expr: 'sum(holdfast_protect_latency_seconds_count)',
    labels: [],
    sql: `select '' as key, count(*)::float8 as value from versions
          where kind = 'file' and outcome in ('uploaded', 'duplicate')`,
  },
  {
    expr: 'max(holdfast_staging_bytes)',
    labels: [],
    sql: `select '' as key, coalesce(sum(sealed_length), 0)::float8 as value from holds where state = 'open'`,
  },
];
