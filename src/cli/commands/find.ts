import type { Catalog } from '../../catalog/catalog.ts';
import { type FoundVersion, matchingVersions, type PastVersion } from '../../catalog/history-query.ts';
import type { EntryKind, Outcome } from '../../domain/records.ts';
import { globMatcher } from '../../files/glob.ts';
import { say } from '../../text/voice.ts';
import { localTime, type Output, printable, table } from '../output.ts';
import { modeText, mtimeText, outcomeText, pathText, sizeText, versionFields } from '../past-rows.ts';
import { pathFields } from '../rows.ts';
import { type Session, withCatalog } from '../session.ts';
import { knownSources } from '../target.ts';

export interface FindOptions {
  readonly source?: string;
  readonly at?: Date;
  readonly type?: 'f' | 'd' | 'l';
  /** Only what was modified later. */
  readonly newer?: Date;
  /** Only files of more content, bytes. */
  readonly larger?: number;
  readonly outcome?: Outcome;
  /** Every version instead of the newest. */
  readonly versions?: boolean;
}

/** Finds entries by name, in all sources or one. */
export async function runFind(session: Session, pattern: string, options: FindOptions): Promise<void> {
  const isMatch = globMatcher(pattern);
  await withCatalog(session, (catalog) => find(catalog, session.output, session.signal, isMatch, options));
}

/** Paths looked at between two signs of progress. */
const progressEvery = 10_000;

export async function find(
  catalog: Catalog,
  output: Pick<Output, 'json' | 'value' | 'line' | 'note' | 'progress'>,
  signal: AbortSignal,
  isMatch: (path: Buffer) => boolean,
  options: FindOptions,
): Promise<void> {
  const { at, versions = false } = options;
  let looked = 0;
  let count = 0;
  const matches = (path: Buffer): boolean => {
    signal.throwIfAborted();
    if (++looked % progressEvery === 0) output.progress(say('look', 'looked', { looked, found: count }));
    return isMatch(path);
  };
  const isWanted = filter(options);
  for (const source of await knownSources(catalog, options.source)) {
    const past = { sourceId: source.id, path: Buffer.alloc(0), ...(at === undefined ? {} : { at }) };
    const printed = new Printed(output, source.name, versions);
    for await (const found of matchingVersions(catalog, past, matches, versions ? 'all' : 'newest')) {
      if (!isWanted(found.version)) continue;
      count++;
      output.value({ source: source.name, ...pathFields(found.path), ...versionFields(found.version) });
      printed.add(found);
    }
    printed.end();
  }
  if (!output.json)
    output.note(
      say('look', 'found', {
        count,
        what: versions ? say('look', 'versions', { count }) : say('look', 'entries', { count }),
        looked,
      }),
    );
}

const kinds: Readonly<Record<NonNullable<FindOptions['type']>, EntryKind>> = {
  f: 'file',
  d: 'dir',
  l: 'link',
};

/** What was deleted is found only when it is asked for, or among all versions. */
function filter({ type, newer, larger, outcome, versions }: FindOptions): (version: PastVersion) => boolean {
  const newerNs = newer === undefined ? undefined : BigInt(newer.getTime()) * 1_000_000n;
  return (version) =>
    (type === undefined || version.kind === kinds[type]) &&
    (newerNs === undefined || version.mtimeNs > newerNs) &&
    (larger === undefined || (version.kind === 'file' && version.sizeBytes > larger)) &&
    (outcome === undefined
      ? versions === true || version.outcome !== 'deleted'
      : version.outcome === outcome);
}

/** Lines printed at once, and aligned with each other. */
const pageLines = 500;

/** What was found in one source, as people read it: a line for each entry, or each entry with a line for each version. */
class Printed {
  private readonly output: Pick<Output, 'json' | 'line'>;
  private readonly source: string;
  private readonly byVersion: boolean;
  private page: FoundVersion[] = [];

  constructor(output: Pick<Output, 'json' | 'line'>, source: string, byVersion: boolean) {
    this.output = output;
    this.source = source;
    this.byVersion = byVersion;
  }

  add(found: FoundVersion): void {
    if (this.output.json) return;
    const isNext = this.byVersion
      ? this.page[0] !== undefined && !this.page[0].path.equals(found.path)
      : this.page.length >= pageLines;
    if (isNext) this.end();
    this.page.push(found);
  }

  end(): void {
    const [first] = this.page;
    if (first === undefined) return;
    this.output.line(this.byVersion ? this.versions(first.path) : this.entries());
    this.page = [];
  }

  private entries(): string {
    return table(
      this.page.map(({ path, version }) => [
        modeText(version),
        sizeText(version),
        mtimeText(version.mtimeNs),
        outcomeText(version),
        `${printable(this.source)}:${pathText(path, version)}`,
      ]),
      [1],
    );
  }

  private versions(path: Buffer): string {
    const rows = this.page.map(({ version }) => [
      `  ${version.id}`,
      say('look', 'seen', { at: localTime(version.observedAt) }),
      sizeText(version),
      outcomeText(version),
    ]);
    return `${printable(`${this.source}:${path.toString('utf8')}`)}\n${table(rows, [2])}`;
  }
}
