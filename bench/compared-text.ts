import { table } from '../src/cli/output.ts';
import type { Aim, Row } from './aims.ts';

/** One line as soon as it is measured. */
export function comparedRowText(row: Row): string {
  const { case: name, tool, round, seconds, filesPerSecond, mbPerSecond, cpuSeconds, peakMemoryMb } = row;
  return [
    `round ${round}  ${name.padEnd(11)} ${tool.padEnd(17)} ${seconds.toFixed(2).padStart(7)} s`,
    `${filesPerSecond.toFixed(0).padStart(6)} files/s ${mbPerSecond.toFixed(1).padStart(6)} MB/s`,
    `CPU ${cpuSeconds.toFixed(1).padStart(6)} s  peak ${peakMemoryMb.toFixed(0).padStart(4)} MB`,
    `${String(row.requests).padStart(6)} requests  ${(row.bytesStored / 1e6).toFixed(1)} MB stored`,
    ...(row.void === undefined ? [] : [`VOID: ${row.void}`]),
  ].join('  ');
}

export function comparedAimsText(aims: readonly Aim[]): string {
  const lines = aims.map(({ id, what, ratio, target, met, busyCores, cpuByProcess }) => [
    id,
    what,
    ratio.toFixed(2),
    String(target),
    met ? 'yes' : 'no',
    busyCores.toFixed(1),
    Object.entries(cpuByProcess)
      .map(([name, seconds]) => `${name} ${seconds.toFixed(1)}`)
      .join(' '),
  ]);
  return table([['aim', '', 'measured', 'target', 'met', 'cores', 'CPU s'], ...lines], [2, 3, 5]);
}
