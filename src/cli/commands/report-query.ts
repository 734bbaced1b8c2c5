import { Failure } from '../../domain/failures.ts';
import { answerJson } from '../../report/compliance/as-json.ts';
import { lookAt } from '../../report/compliance/commands.ts';
import { isQueryName, namedQueries, type QueryName, queryNames } from '../../report/queries/all.ts';
import { type CountedRow, countOf, newestRows, onOneState } from '../../report/queries/ask.ts';
import { type Texts, textsIn } from '../../text/texts.ts';
import { languageIn } from '../incident-rows.ts';
import { localTime, printable, table } from '../output.ts';
import { type Session, sessionConfig, withCatalog } from '../session.ts';

export interface ReportQueryOptions {
  readonly from?: Date;
  readonly to?: Date;
  readonly rows?: boolean;
  readonly sql?: boolean;
  readonly includePaths?: boolean;
}

/** More rows than anybody reads; the number counts all. */
const mostRows = 100_000;

/** Asks one named query for its number, and with `--rows` for what it counts; without a name lists what can be asked. */
export async function runReportQuery(
  session: Session,
  name: string | undefined,
  options: ReportQueryOptions,
): Promise<void> {
  const say = textsIn(languageIn(session));
  if (name === undefined) {
    list(session, say);
    return;
  }
  if (!isQueryName(name))
    throw new Failure('usage', {
      detail: say('reports', 'no_query', { name }),
    });
  const { output } = session;
  const { sql } = namedQueries[name];
  if (options.sql === true) output.result({ query: name, sql }, () => sql);
  else await ask(session, say, name, options);
}

function list({ output }: Session, say: Texts): void {
  const rows = queryNames.map((name) => {
    const { standing = false, isException = false, sql } = namedQueries[name];
    const counts = say('compliance', `query_${name}`);
    output.value({ query: name, counts, standing, isException, sql });
    return [`${name}${standing ? '*' : ''}`, counts];
  });
  output.line(table(rows));
}

async function ask(
  session: Session,
  say: Texts,
  name: QueryName,
  { from, to = new Date(), rows: wantsRows = false, includePaths = false }: ReportQueryOptions,
): Promise<void> {
  const { output } = session;
  if (from === undefined) throw new Failure('usage', { detail: say('reports', 'no_period') });
  if (from > to) throw new Failure('usage', { detail: say('reports', 'period_reversed') });
  const parameters = { from, to, notify_within_ms: sessionConfig(session).breaches.notifyWithin };
  await withCatalog(session, async (catalog) => {
    const { answer, samples } = await onOneState(catalog, async (rows) => ({
      answer: await countOf(rows, name, parameters),
      samples: wantsRows ? await newestRows(rows, name, parameters, mostRows) : [],
    }));
    output.value({
      ...{ query: name, from, to },
      ...answerJson({ name, ...answer, samples }, { includePaths }),
    });
    if (output.json) return;
    output.line(`${answer.value}  ${say('compliance', `query_${name}`)}`);
    for (const [what, value] of answer.byWhat) output.line(`  ${value}  ${printable(what)}`);
    if (samples.length > 0) output.line(table(samples.map((row) => cells(name, row, includePaths))));
  });
}

function cells(name: QueryName, row: CountedRow, includePaths: boolean): string[] {
  const path = includePaths ? (row.path?.toString('utf8') ?? '') : '';
  return [
    row.at === null ? '-' : localTime(row.at),
    ...[row.what, row.by, row.source, path].map((cell) => printable(cell ?? '')),
    lookAt(name, row) ?? row.id,
  ];
}
