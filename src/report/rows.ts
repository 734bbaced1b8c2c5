import type { Catalog } from '../catalog/catalog.ts';
import type { Id } from '../domain/records.ts';
import { heldFiles } from '../holds/held.ts';
import { listItems } from '../quarantine/items.ts';

/** A cell; bytes are a path's, a Date is told in the reader's form. */
export type Cell = string | number | boolean | Date | Buffer | null;
/** One line of a report; its keys are the columns and promises. */
export type ReportRow = Readonly<Record<string, Cell>>;

/** The columns of each report, in order: what its rows have, and scripts rely on. */
export const reportColumns = {
  run: ['source', 'path', 'outcome', 'reason', 'at', 'versionId'],
  failures: ['source', 'path', 'destination', 'reason', 'at', 'runId', 'versionId'],
  missing: ['from', 'source', 'path', 'object', 's3VersionId'],
  unprotected: ['source', 'path', 'outcome', 'reason', 'sizeBytes', 'at', 'protectedAt', 'versionId'],
  holds: [
    ...['source', 'path', 'destination', 'reason', 'classification', 'sizeBytes', 'openedAt', 'staged'],
    ...['hold', 'versionId'],
  ],
  quarantine: [
    ...['source', 'path', 'state', 'action', 'signature', 'foundAt', 'sizeBytes', 'host'],
    ...['endedBy', 'endedAt', 'item', 'versionId'],
  ],
} as const;
export type ReportName = keyof typeof reportColumns;

/** Rows fetched together. */
const pageRows = 1_000;

/** What became of each file in a run, worst first by outcome's name, then by path. */
export function runRows(catalog: Catalog, runId: Id): AsyncGenerator<ReportRow> {
  return paged(
    catalog,
    `select s.name as source, e.path, f.outcome, f.reason, f.at, f.version_id as "versionId"
     from file_status f join entries e on e.id = f.entry_id join sources s on s.id = e.source_id
     where f.run_id = $1 and (s.name, e.path, f.version_id) > ($2, $3, $4)
     order by s.name, e.path, f.version_id limit $5`,
    [runId],
    [({ source }) => source, ({ path }) => path, ({ versionId }) => versionId],
  );
}

/** Files whose newest version failed, and copies that failed in one of several destinations. */
export function failureRows(catalog: Catalog): AsyncGenerator<ReportRow> {
  return paged(
    catalog,
    `select s.name as source, e.path, coalesce(p.destination, '') as destination, coalesce(p.reason, v.reason) as reason,
            v.settled_at as at, v.run_id as "runId", v.id as "versionId"
     from entries e join sources s on s.id = e.source_id join versions v on v.id = e.head_version_id
     left join placements p on p.version_id = v.id and p.state = 'failed'
     where (v.outcome = 'failed' or p.state = 'failed')
       and (s.name, e.path, coalesce(p.destination, '')) > ($1, $2, $3)
     order by s.name, e.path, coalesce(p.destination, '') limit $4`,
    [],
    [({ source }) => source, ({ path }) => path, ({ destination }) => destination],
  );
}

/** Entries that stand, and whose newest version is not protected; with the newest one before it that is. */
export function unprotectedRows(catalog: Catalog): AsyncGenerator<ReportRow> {
  return paged(
    catalog,
    `select s.name as source, e.path, coalesce(v.outcome, 'pending') as outcome, v.reason, v.size_bytes as "sizeBytes",
            coalesce(v.settled_at, v.observed_at, e.added_at) as at,
            (select max(o.observed_at) from versions o where o.entry_id = e.id and o.outcome in ('uploaded', 'duplicate'))
              as "protectedAt", v.id as "versionId"
     from entries e join sources s on s.id = e.source_id left join versions v on v.id = e.head_version_id
     where coalesce(v.outcome, 'pending') not in ('uploaded', 'duplicate', 'deleted', 'vanished')
       and (s.name, e.path) > ($1, $2) order by s.name, e.path limit $3`,
    [],
    [({ source }) => source, ({ path }) => path],
  );
}

/** What waits for a decision, the oldest first. */
export async function* holdRows(catalog: Catalog): AsyncGenerator<ReportRow> {
  for await (const held of heldFiles(catalog, { state: 'open' })) {
    const { source, path, destination, reason, admission, sizeBytes, openedAt, staged, id, versionId } = held;
    const { classification } = admission;
    yield {
      ...{ source, path, destination, reason, classification, sizeBytes, openedAt, staged },
      ...{ hold: id, versionId },
    };
  }
}

/** What was found infected and what became of it, the newest first. */
export async function* quarantineRows(catalog: Catalog): AsyncGenerator<ReportRow> {
  for (const item of await listItems(catalog, { all: true })) {
    const { source, path, state, action, signature, foundAt, sizeBytes, host, ended, id, versionId } = item;
    yield {
      ...{ source, path, state, action, signature, foundAt, sizeBytes, host },
      ...{ endedBy: ended?.actor ?? null, endedAt: ended?.at ?? null, item: id, versionId },
    };
  }
}

/** Pages of a query whose last parameters are where the page before ended, first of all before everything. */
async function* paged(
  catalog: Catalog,
  sql: string,
  values: readonly unknown[],
  place: readonly ((row: ReportRow) => Cell | undefined)[],
): AsyncGenerator<ReportRow> {
  let after: readonly unknown[] = place.map((_, i) => (i === 1 ? Buffer.alloc(0) : ''));
  for (;;) {
    const page = await catalog.rows<ReportRow>(sql, [...values, ...after, pageRows]);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = place.map((of) => of(last));
  }
}
