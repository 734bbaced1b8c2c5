/** What the id of a row is of; it says with which command somebody looks at it. */
export type RowKind =
  | 'version'
  | 'incident'
  | 'run'
  | 'hold'
  | 'event'
  | 'entry'
  | 'object'
  | 'key'
  | 'host'
  | 'source'
  | 'other';

/**
 * A question to the catalog whose answer is a number that stands on a page. Whoever doubts the number asks it again.
 *
 * The statement gives a row for each thing that is counted, with the columns `id`, `at` and `what` (a code, by which the number
 * is broken down; null where there is nothing to say), and where they are known `by` (who did it), `source` and `path`
 * (bytes). Its parameters are written as psql's variables are, so that it can be run there as it is.
 */
export interface NamedQuery {
  readonly of: RowKind;
  /** It tells how things stand when it is asked, and not what happened in the period. */
  readonly standing?: boolean;
  /** What it counts is not as it should be, or has to be explained. */
  readonly isException?: boolean;
  /** A row stands for as many things as its column `number` says. */
  readonly isSum?: boolean;
  readonly sql: string;
}

/** What statements may ask for. */
export interface QueryParameters {
  /** The first moment that counts. */
  readonly from: Date;
  /** The last one. */
  readonly to: Date;
  /** From the detection of an incident to the end of the time for its notification. */
  readonly notify_within_ms: number;
}

/** A statement as Postgres takes it, with the values of its parameters. */
export function boundStatement(
  sql: string,
  parameters: QueryParameters,
): { readonly text: string; readonly values: readonly unknown[] } {
  const names: string[] = [];
  const text = sql.replace(/:'(\w+)'/g, (_, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `$${names.indexOf(name) + 1}`;
  });
  return { text, values: names.map((name) => parameters[name as keyof QueryParameters]) };
}

/** A condition on a moment, or on one that the column of a table gives. */
export const within = (column: string): string =>
  `${column} between :'from'::timestamptz and :'to'::timestamptz`;
