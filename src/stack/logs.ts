import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';

/** How much of each log is kept. */
export interface LogRotation {
  /** A log that is larger is put aside. Bytes. */
  readonly maxBytes: number;
  /** So is one whose oldest line is older. Milliseconds. */
  readonly maxAgeMs: number;
  /** How many are put aside; at least one. */
  readonly keep: number;
}

export const defaultRotation: LogRotation = {
  maxBytes: 10 * 1024 * 1024,
  maxAgeMs: 7 * 86_400_000,
  keep: 5,
};

/** Whether `file` is to be put aside now. */
export function isDue(file: string, { maxBytes, maxAgeMs }: LogRotation, now = Date.now()): boolean {
  const size = sizeOf(file);
  return size > maxBytes || (size > 0 && now - startOf(file) > maxAgeMs);
}

/**
 * Moves the content of `file` to `file.1`, `file.1` to `file.2` and so on. The file itself is copied and emptied, not
 * renamed: a process that appends to it has it open.
 */
export function rotate(file: string, keep: number): void {
  for (let number = keep - 1; number >= 1; number -= 1) {
    if (existsSync(`${file}.${number}`)) renameSync(`${file}.${number}`, `${file}.${number + 1}`);
  }
  copyFileSync(file, `${file}.1`);
  copyRest(file, `${file}.1`);
  truncateSync(file);
}

/** What was appended while the copy was made, in milliseconds or less. */
function copyRest(from: string, to: string): void {
  const copied = sizeOf(to);
  const rest = Buffer.alloc(sizeOf(from) - copied);
  if (rest.length === 0) return;
  const [source, target] = [openSync(from, 'r'), openSync(to, 'a')];
  try {
    writeSync(target, rest.subarray(0, readSync(source, rest, 0, rest.length, copied)));
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

/** When the log began: when the one before it was put aside, else when the file was made. */
function startOf(file: string): number {
  const before = statSync(`${file}.1`, { throwIfNoEntry: false });
  return before?.mtimeMs ?? statSync(file).birthtimeMs;
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** The last `count` lines of a log, for an error message; empty when there is none. */
export function lastLines(file: string, count: number): string {
  if (!existsSync(file)) return '';
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.slice(-count).join('\n');
}
