import { copyFileSync, existsSync, readFileSync, renameSync, statSync, truncateSync } from 'node:fs';

const maxBytes = 10 * 1024 * 1024;
const kept = 5;

/**
 * Moves the content of `file` to `file.1` once it is larger than 10 MiB, `file.1` to `file.2` and so on; five are
 * kept. The file itself is copied and emptied, not renamed: a process that appends to it has it open.
 */
export function rotate(file: string, limitBytes: number = maxBytes): void {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) <= limitBytes) return;
  for (let number = kept - 1; number >= 1; number -= 1) {
    if (existsSync(`${file}.${number}`)) renameSync(`${file}.${number}`, `${file}.${number + 1}`);
  }
  copyFileSync(file, `${file}.1`);
  truncateSync(file);
}

/** The last `count` lines of a log, for an error message; empty when there is none. */
export function lastLines(file: string, count: number): string {
  if (!existsSync(file)) return '';
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.slice(-count).join('\n');
}
