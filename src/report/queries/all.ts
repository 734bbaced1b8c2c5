import { auditQueries } from './audit.ts';
import { holdQueries } from './holds.ts';
import { incidentQueries } from './incidents.ts';
import { keyQueries } from './keys.ts';
import type { NamedQuery } from './query.ts';
import { upkeepQueries } from './upkeep.ts';
import { uploadQueries } from './uploads.ts';

const queries = {
  ...uploadQueries,
  ...holdQueries,
  ...keyQueries,
  ...incidentQueries,
  ...upkeepQueries,
  ...auditQueries,
};

export type QueryName = keyof typeof queries;

/** Queries that count what is not as it should be, or has to be explained. */
export type ExceptionName = {
  [Name in QueryName]: (typeof queries)[Name] extends { readonly isException: true } ? Name : never;
}[QueryName];

/** Every question that a report may ask, by name. */
export const namedQueries: Readonly<Record<QueryName, NamedQuery>> = queries;

export const queryNames = Object.keys(queries) as readonly QueryName[];

export const isException = (name: QueryName): name is ExceptionName =>
  namedQueries[name].isException === true;

export const isQueryName = (name: string): name is QueryName => Object.hasOwn(queries, name);
