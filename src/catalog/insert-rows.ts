import { arrayParameter, type ColumnType, isColumnType } from './array-parameter.ts';
import type { Rows } from './database.ts';

/** Types of a table's columns, by name. Looked up once: the schema changes only before the program starts. */
const columnTypes = new Map<string, ReadonlyMap<string, ColumnType>>();

async function typesOf(query: Rows, table: string): Promise<ReadonlyMap<string, ColumnType>> {
  const known = columnTypes.get(table);
  if (known !== undefined) return known;
  const found = (await query(
    `select a.attname as name, t.typname as type from pg_attribute a join pg_type t on t.oid = a.atttypid
     where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped`,
    [table],
  )) as { name: string; type: string }[];
  const types = new Map(
    found.flatMap(({ name, type }) => (isColumnType(type) ? [[name, type] as const] : [])),
  );
  columnTypes.set(table, types);
  return types;
}

/**
 * Inserts rows that are not there yet, or does what the end of the statement says; gives what that returns. Their keys are the
 * columns' names in camelCase; every row has those of the first one.
 *
 * @param summary of what it returns, instead of every row of it
 */
export async function insertRows<Row extends object>(
  query: Rows,
  table: string,
  rows: readonly Row[],
  end = 'on conflict do nothing',
  summary?: string,
): Promise<object[]> {
  const [first] = rows;
  if (first === undefined) return [];
  const types = await typesOf(query, table);
  const columns: Columns<Row> = Object.fromEntries(
    Object.keys(first).map((key) => [key, types.get(snake(key))]),
  ) as Columns<Row>;
  const names = Object.keys(columns).map(snake).join(', ');
  const { source, values } = asRecords(rows, columns);
  const insert = `insert into ${table} (${names}) select * from ${source} ${end}`;
  return query(
    summary === undefined ? insert : `with added as (${insert}) select ${summary} from added`,
    values,
  );
}

/** Which of the rows' keys are columns, and of which type. */
export type Columns<Row> = Readonly<Partial<Record<keyof Row & string, ColumnType>>>;

/** Rows as a source of records for a statement, which knows them as `r`, by their keys in snake_case. */
export function asRecords<Row extends object>(
  rows: readonly Row[],
  columns: Columns<Row>,
): { readonly source: string; readonly values: readonly (Buffer | string)[] } {
  const keys = Object.keys(columns) as (keyof Row & string)[];
  const types = keys.map((key) => {
    const type = columns[key];
    if (type === undefined) throw new TypeError(`rows cannot be written with ${key}`);
    return type;
  });
  const arrays = types.map((type, index) => `$${index + 1}::${type}[]`);
  return {
    source: `unnest(${arrays.join(', ')}) as r(${keys.map(snake).join(', ')})`,
    values: keys.map((key, index) =>
      arrayParameter(
        types[index] as ColumnType,
        rows.map((row) => row[key]),
      ),
    ),
  };
}

const snakeCache = new Map<string, string>();

/** The column of a row's key: `sizeBytes` is `size_bytes`. */
function snake(name: string): string {
  let known = snakeCache.get(name);
  if (known === undefined) {
    known = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    snakeCache.set(name, known);
  }
  return known;
}
