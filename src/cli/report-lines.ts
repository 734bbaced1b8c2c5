import { csvRecord } from '../report/csv.ts';
import type { Cell, ReportRow } from '../report/rows.ts';
import { say } from '../text/voice.ts';
import { localTime, type Output, printable, table } from './output.ts';
import { pathFields } from './rows.ts';
import { nameOf, reasonText, word } from './words.ts';

/** Lines of text are aligned by pages, so that a long report begins at once. */
const pageLines = 200;

/** Rows in the form that was asked for, each with the same columns in the same order. */
export class ReportLines {
  private readonly output: Output;
  private readonly csv: boolean;
  private readonly columns: readonly string[];
  private page: string[][] = [];
  private count = 0;

  constructor(output: Output, csv: boolean, columns: readonly string[]) {
    this.output = output;
    this.csv = csv;
    this.columns = columns;
    if (csv) output.line(csvRecord(columns));
  }

  add(row: ReportRow): void {
    const { output, columns } = this;
    const cells = columns.map((name): [string, Cell] => [name, row[name] ?? null]);
    output.value(Object.fromEntries(cells.flatMap(([name, cell]) => jsonMembers(name, cell))));
    if (this.csv) output.line(csvRecord(cells.map(([, cell]) => csvText(cell))));
    else {
      if (this.count === 0) this.page.push(columns.map(nameOf));
      this.page.push(cells.map(plainText));
      if (this.page.length >= pageLines) this.flush();
    }
    this.count += 1;
  }

  end(nothingText: string): void {
    this.flush();
    if (this.csv) return;
    this.output.line(this.count === 0 ? nothingText : say('reports', 'lines', { count: this.count }));
  }

  private flush(): void {
    if (this.page.length > 0) this.output.line(table(this.page.splice(0)));
  }
}

function jsonMembers(name: string, cell: Cell): [string, unknown][] {
  if (cell instanceof Buffer) return Object.entries(pathFields(cell));
  return [[name, cell]];
}

function csvText(cell: Cell): string {
  if (cell instanceof Date) return cell.toISOString();
  return cell instanceof Buffer ? cell.toString('utf8') : String(cell ?? '');
}

/** Columns whose cells are words of ours. */
const inWords = ['outcome', 'state', 'action', 'staged', 'from'];

function plainText([name, cell]: [string, Cell]): string {
  if (cell instanceof Date) return localTime(cell);
  if (name === 'reason' && typeof cell === 'string') return reasonText(cell);
  if (inWords.includes(name) && typeof cell === 'string') return word(cell);
  return cell === null ? '-' : printable(cell instanceof Buffer ? cell.toString('utf8') : String(cell));
}
