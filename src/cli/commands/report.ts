import type { Catalog } from '../../catalog/catalog.ts';
import { Failure } from '../../domain/failures.ts';
import { missingRows, type Places } from '../../report/missing.ts';
import {
  failureRows,
  holdRows,
  quarantineRows,
  type ReportName,
  type ReportRow,
  reportColumns,
  runRows,
  unprotectedRows,
} from '../../report/rows.ts';
import { servedSources } from '../../sources.ts';
import type { Endpoints } from '../../stack/endpoints.ts';
import { say } from '../../text/voice.ts';
import { namedId } from '../named-id.ts';
import { ReportLines } from '../report-lines.ts';
import { type Session, sessionConfig, unlock, withCatalog } from '../session.ts';
import { openPlaces, type Place } from '../stores.ts';

export interface ReportOptions {
  readonly csv?: boolean;
}

/** What of the catalog is nothing to report. */
const nothing: Readonly<Record<ReportName, string>> = {
  run: say('reports', 'none_run'),
  failures: say('reports', 'none_failures'),
  missing: say('reports', 'none_missing'),
  unprotected: say('reports', 'none_unprotected'),
  holds: say('reports', 'none_holds'),
  quarantine: say('reports', 'none_quarantine'),
};

/** Prints a report as text, JSON lines or CSV. Exit code 5 where not everything could be looked at. */
export async function runReport(
  session: Session,
  what: ReportName,
  id: string | undefined,
  { csv = false }: ReportOptions,
): Promise<number> {
  if ((what === 'run') !== (id !== undefined))
    throw new Failure('usage', { detail: say('reports', 'run_id') });
  const away: string[] = [];
  return withCatalog(session, async (catalog, where) => {
    const destinations = new Map<string, Place>();
    try {
      const rows = await rowsOf(session, { catalog, where, what, id, away, destinations });
      const lines = new ReportLines(session.output, csv, reportColumns[what]);
      for await (const row of rows) lines.add(row);
      lines.end(nothing[what]);
    } finally {
      for (const { store } of destinations.values()) store.close();
    }
    for (const name of away) session.output.note(say('reports', 'not_looked', { name }));
    return away.length > 0 ? 5 : 0;
  });
}

interface Asked {
  readonly catalog: Catalog;
  readonly where: Endpoints;
  readonly what: ReportName;
  readonly id: string | undefined;
  readonly away: string[];
  /** Filled with what is opened, for the caller to close. */
  readonly destinations: Map<string, Place>;
}

async function rowsOf(session: Session, asked: Asked): Promise<AsyncGenerator<ReportRow>> {
  const { catalog, what, id = '' } = asked;
  switch (what) {
    case 'run':
      return runRows(catalog, await namedId(catalog, 'run', id));
    case 'failures':
      return failureRows(catalog);
    case 'missing':
      return missingRows(catalog, await placesOf(session, asked));
    case 'unprotected':
      return unprotectedRows(catalog);
    case 'holds':
      return holdRows(catalog);
    default:
      return quarantineRows(catalog);
  }
}

async function placesOf(session: Session, { catalog, where, away, destinations }: Asked): Promise<Places> {
  const config = sessionConfig(session);
  const { ids } = await unlock(session);
  for (const [name, place] of await openPlaces(config, where)) destinations.set(name, place);
  return {
    sources: servedSources(config, ids, catalog).values(),
    destinations,
    away,
  };
}
