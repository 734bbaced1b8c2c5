import type { Aim, CaseName, Row } from './aims.ts';
import { caseNames, medianOf } from './aims.ts';
import type { Machine } from './machine.ts';

/** `bench/results/latest.json`. */
export interface Results {
  /** Whether only as much was measured as ten minutes allow. */
  readonly quick: boolean;
  /** Null until something was measured. */
  readonly machine: Machine | null;
  readonly aims: readonly Aim[];
  readonly rows: readonly Row[];
}

const notMeasured = 'Not measured yet: `npm run bench`.';
const begin = '<!-- measured: written by npm run bench -->';
const end = '<!-- /measured -->';

/** The text with what is between its two marks replaced. Throws where it has no such marks. */
export function withMeasured(text: string, measured: string): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`the text has no ${begin} … ${end}`);
  return `${text.slice(0, from)}${begin}\n${measured}\n${text.slice(to)}`;
}

/** How each aim stands, in Markdown. */
export function aimsTable({ quick, machine, aims, rows }: Results): string {
  if (machine === null) return notMeasured;
  const lines = aims.map(({ id, what, ours, theirs, ratio, target, met }) => [
    `\`${id}\``,
    what,
    figure(ours),
    theirs === undefined ? '' : figure(theirs),
    theirs === undefined ? '' : figure(ratio),
    figure(target),
    met ? 'yes' : '**no**',
  ]);
  return [
    table(['aim', '', 'Holdfast', 'the other', 'ratio', 'at most', 'met'], lines),
    '',
    `Medians of ${Math.max(...rows.map(({ round }) => round))} runs in turns, in seconds, for \`memory\` MB. ${machineLine(machine, quick)}`,
    ...voidLines(rows),
  ].join('\n');
}

/** The same with every case, and what takes the time of ours. */
export function performanceTables(results: Results): string {
  const { machine, aims, rows } = results;
  if (machine === null) return notMeasured;
  return [
    aimsTable(results),
    '### By tool',
    rowsTable(rows),
    ...memoryTable(rows),
    '### Where the time of Holdfast goes',
    boundsTable(aims, machine),
  ].join('\n\n');
}

/** Every case with every tool: medians, in Markdown. */
function rowsTable(rows: readonly Row[]): string {
  const lines = caseNames
    .filter((name) => name !== 'memory')
    .flatMap((name) =>
      [...new Set(rows.filter((row) => row.case === name).map(({ tool }) => tool))].map((tool) =>
        lineOf(
          name,
          tool,
          rows.filter((row) => row.case === name && row.tool === tool && row.void === undefined),
        ),
      ),
    );
  const head = [
    'case',
    'tool',
    'runs',
    'seconds',
    'files/s',
    'MB/s',
    'CPU s',
    'memory MB',
    'requests',
    'MB stored',
  ];
  return table(head, lines);
}

/** Time and memory as a source grows: every row, because each is of another size. */
function memoryTable(rows: readonly Row[]): string[] {
  const lines = rows
    .filter((row) => row.case === 'memory' && row.void === undefined)
    .map(({ what = '', files, seconds, cpuSeconds, peakMemoryMb }) => [
      what,
      String(files),
      figure(seconds),
      figure((cpuSeconds * 1_000) / files),
      figure(peakMemoryMb),
    ]);
  if (lines.length === 0) return [];
  return ['### As a source grows', table(['sweep', 'files', 'seconds', 'CPU ms a file', 'memory MB'], lines)];
}

/** What takes the time of ours, aim by aim, in Markdown. */
function boundsTable(aims: readonly Aim[], { cores }: Machine): string {
  const lines = aims.map(({ id, met, busyCores, cpuByProcess }) => [
    `\`${id}\``,
    met ? 'yes' : '**no**',
    `${busyCores.toFixed(1)} of ${cores}`,
    Object.entries(cpuByProcess)
      .map(([name, seconds]) => `${name} ${figure(seconds)}`)
      .join(', '),
  ]);
  return table(['aim', 'met', 'cores busy', 'CPU seconds by process'], lines);
}

function lineOf(name: CaseName, tool: string, rows: readonly Row[]): string[] {
  const median = (value: (row: Row) => number): string => figure(medianOf(rows, value));
  return [
    ...[`\`${name}\``, tool, String(rows.length)],
    median(({ seconds }) => seconds),
    median(({ filesPerSecond }) => filesPerSecond),
    median(({ mbPerSecond }) => mbPerSecond),
    median(({ cpuSeconds }) => cpuSeconds),
    median(({ peakMemoryMb }) => peakMemoryMb),
    median(({ requests }) => requests),
    median(({ bytesStored }) => bytesStored / 1e6),
  ];
}

function voidLines(rows: readonly Row[]): string[] {
  const lost = rows.filter((row) => row.void !== undefined);
  if (lost.length === 0) return [];
  const named = lost.map((row) => `${row.case} in round ${row.round}`).join(', ');
  return ['', `Void, because what was stored could not be verified or restored: ${named}.`];
}

const machineLine = ({ cores, processor, kernel, node, date }: Machine, quick: boolean): string =>
  `${cores} cores (${processor}), Linux ${kernel}, Node ${node}, ${date.slice(0, 10)}${quick ? ', `--quick`' : ''}.`;

/** Three digits where there are as many. */
function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return String(Number(value.toFixed(Math.abs(value) >= 10 ? 1 : 2)));
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [row(head), row(head.map(() => '---')), ...lines.map(row)].join('\n');
}
