import type { Catalog } from '../../catalog/catalog.ts';
import type { Rows } from '../../catalog/database.ts';
import { namedQueries, type QueryName } from './all.ts';
import { boundStatement, type QueryParameters } from './query.ts';

/** A row that a number was counted from. */
export interface CountedRow {
  readonly id: string;
  readonly at: Date | null;
  readonly what: string | null;
  readonly by: string | null;
  readonly source: string | null;
  readonly path: Buffer | null;
}

export interface QueryAnswer {
  /** How many things were counted. */
  readonly value: number;
  /** How many of each kind, by name of the kind; empty where the query knows of none. */
  readonly byWhat: ReadonlyMap<string, number>;
}

/** Kinds of one number that are told; a name that only a few things have explains little. */
const mostKinds = 50;

/**
 * Runs `work` on one state of the catalog, so that all numbers of a page belong together, and on nothing that could be
 * changed by it.
 */
export function onOneState<T>(catalog: Catalog, work: (rows: Rows) => Promise<T>): Promise<T> {
  return catalog.transaction(async (rows) => {
    await rows('set transaction isolation level repeatable read, read only', []);
    return work(rows);
  });
}

/** The catalog's clock. */
export async function catalogTime(rows: Rows): Promise<Date> {
  const [row] = (await rows('select now() as at', [])) as { at: Date }[];
  if (row === undefined) throw new TypeError('the database tells no time');
  return row.at;
}

export async function countOf(
  rows: Rows,
  name: QueryName,
  parameters: QueryParameters,
): Promise<QueryAnswer> {
  const { sql, isSum = false } = namedQueries[name];
  const { text, values } = boundStatement(sql, parameters);
  // Of what is not asked for, names and paths, Postgres fetches nothing.
  const counts = (await rows(
    `select q.what, ${isSum ? 'sum(q.number)' : 'count(*)'}::bigint as number from (${text}) q group by 1 order by 2 desc, 1`,
    values,
  )) as { what: string | null; number: number }[];
  const known = counts.flatMap(({ what, number }) => (what === null ? [] : [[what, number] as const]));
  return {
    value: counts.reduce((sum, { number }) => sum + number, 0),
    byWhat: new Map(known.slice(0, mostKinds)),
  };
}

/** The newest rows, at most so many. */
export async function newestRows(
  rows: Rows,
  name: QueryName,
  parameters: QueryParameters,
  most: number,
): Promise<CountedRow[]> {
  const { text, values } = boundStatement(namedQueries[name].sql, parameters);
  const found = (await rows(
    // Else Postgres plans for finding the first few at once, and takes long where there are fewer.
    `with q as materialized (${text}) select * from q order by at desc nulls last, id limit $${values.length + 1}`,
    [...values, most],
  )) as Partial<CountedRow>[];
  return found.map(({ id = '', at, what, by, source, path }) => ({
    ...{ id, at: at ?? null, what: what ?? null },
    ...{ by: by ?? null, source: source ?? null, path: path ?? null },
  }));
}
