import { Failure } from '../../domain/failures.ts';
import { outcomes } from '../../domain/records.ts';
import { globMatcher } from '../../files/glob.ts';
import { classifications } from '../../policy/config.ts';
import { say } from '../../text/voice.ts';
import { namedId } from '../named-id.ts';
import { countOutcomes, type FileRow, listRows, rowsTable } from '../rows.ts';
import { type Session, sessionConfig, withCatalog } from '../session.ts';
import { parseTarget, requireSource } from '../target.ts';
import { countOf } from '../words.ts';

export interface FilesOptions {
  readonly outcome?: string;
  readonly deleted?: boolean;
  readonly infected?: boolean;
  /** Name of a destination. */
  readonly lacking?: string;
  readonly source?: string;
  readonly reason?: string;
  readonly run?: string;
  readonly class?: string;
  readonly changedSince?: Date;
  /** As `find` takes it. */
  readonly name?: string;
}

/** Lists what the catalog knows: the standing version of every entry. */
export async function runFiles(
  session: Session,
  target: string | undefined,
  options: FilesOptions,
): Promise<void> {
  const { output } = session;
  const { outcome } = options;
  if (outcome !== undefined && !(outcomes as readonly string[]).includes(outcome)) {
    throw new Failure('usage', {
      detail: say('files', 'outcome_unknown', { name: outcome, names: outcomes.join(', ') }),
    });
  }
  const { lacking } = options;
  if (lacking !== undefined && !sessionConfig(session).destinations.some(({ name }) => name === lacking))
    throw new Failure('destination_unknown', { destination: lacking });
  const { source, reason, run, changedSince, class: classification } = options;
  if (classification !== undefined && !(classifications as readonly string[]).includes(classification))
    throw new Failure('usage', {
      detail: say('files', 'class_unknown', { name: classification, names: classifications.join(', ') }),
    });
  if (target !== undefined && source !== undefined)
    throw new Failure('usage', { detail: say('files', 'target_or_source') });
  const named = target ?? source;
  const wanted = named === undefined ? undefined : parseTarget(named);
  const matches = options.name === undefined ? undefined : globMatcher(options.name);
  await withCatalog(session, async (catalog) => {
    if (wanted !== undefined) await requireSource(catalog, wanted.source);
    const runId = run === undefined ? undefined : await namedId(catalog, 'run', run);
    const counted: Pick<FileRow, 'outcome'>[] = [];
    let page: FileRow[] = [];
    const print = (): void => {
      if (page.length > 0) output.line(rowsTable(page));
      page = [];
    };
    for await (const row of listRows(catalog, {
      // What was deleted from the source is still in the bucket.
      deleted: options.deleted === true || outcome === 'deleted' || options.infected === true,
      infected: options.infected === true,
      ...(wanted === undefined ? {} : { source: wanted.source }),
      ...(wanted?.path === undefined ? {} : { under: wanted.path }),
      ...(outcome === undefined ? {} : { outcome }),
      ...(lacking === undefined ? {} : { lacking }),
      ...(reason === undefined ? {} : { reason }),
      ...(runId === undefined ? {} : { runId }),
      ...(classification === undefined ? {} : { classification }),
      ...(changedSince === undefined ? {} : { changedSince }),
      ...(matches === undefined ? {} : { matches }),
    })) {
      session.signal.throwIfAborted();
      output.value(row);
      counted.push({ outcome: row.outcome });
      if (!output.json) page.push(row);
      if (page.length >= 500) print();
    }
    print();
    const counts = Object.entries(countOutcomes(counted)).map(([name, count]) => countOf(count, name));
    output.line(
      say('files', counts.length > 0 ? 'protected' : 'entries', {
        count: counted.length,
        what: counts.join(', '),
      }),
    );
  });
}
