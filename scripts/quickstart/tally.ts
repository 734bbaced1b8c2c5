import { printable, table } from '../../src/cli/output.ts';
import { countOutcomes, type FileRow } from '../../src/cli/rows.ts';
import { reasonText, word } from '../../src/cli/words.ts';
import { type Outcome, outcomes } from '../../src/domain/records.ts';
import { say } from '../../src/text/voice.ts';
import type { Source } from './installation.ts';
import type { PlantedFile } from './planted.ts';

/** What `protect` told about one source. */
export class Tally {
  readonly source: Source;
  private readonly rows: FileRow[] = [];

  constructor(source: Source) {
    this.source = source;
  }

  add(row: FileRow): void {
    this.rows.push(row);
  }

  count(outcome: Outcome): number {
    return countOutcomes(this.rows)[outcome] ?? 0;
  }

  get unchanged(): number {
    return this.rows.filter((row) => row.unchanged).length;
  }

  /** The row of a path whose bytes are these. */
  row(path: Buffer): FileRow | undefined {
    return this.rows.find((row) => pathOf(row).equals(path));
  }

  /** Paths (bytes as latin1) of what can be restored as it is now. */
  restorable(): Set<string> {
    const rows = this.rows.filter(({ outcome }) => outcome === 'uploaded' || outcome === 'duplicate');
    return new Set(rows.map((row) => pathOf(row).toString('latin1')));
  }

  /** The first entries with this outcome, as lines. */
  lines(outcome: Outcome, most: number): string[] {
    const found = this.rows.filter((row) => row.outcome === outcome);
    const lines = found
      .slice(0, most)
      .map((row) => `${printable(row.path)} (${reasonText(row.reason) || say('tour', 'no_reason')})`);
    return found.length > most ? [...lines, say('tour', 'more', { count: found.length - most })] : lines;
  }
}

function pathOf({ path, pathBytes }: FileRow): Buffer {
  return pathBytes === undefined ? Buffer.from(path) : Buffer.from(pathBytes, 'base64');
}

/** Outcomes with their counts, one column per source, worst first. */
export function outcomeTable(tallies: readonly Tally[]): string {
  const rows = outcomes
    .filter((outcome) => tallies.some((tally) => tally.count(outcome) > 0))
    .map((outcome) => [
      word(outcome),
      ...tallies.map((tally) => String(tally.count(outcome))),
      say('tour', `means_${outcome}`),
    ]);
  const head = [
    say('tour', 'outcome'),
    ...tallies.map(({ source }) => source.name),
    say('tour', 'what_it_means'),
  ];
  const columns = tallies.map((_, index) => index + 1);
  return table([head, ...rows], columns);
}

/** Every planted file with its outcome. */
export function plantedTable(tally: Tally, files: readonly PlantedFile[]): string {
  return table(files.map(({ name, shownAs, why }) => [shownAs, outcomeOf(tally.row(name)), why]));
}

const outcomeOf = (row: FileRow | undefined): string =>
  row?.outcome ? word(row.outcome) : say('tour', 'not_seen');
