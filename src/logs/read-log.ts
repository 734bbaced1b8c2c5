import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** A place in a log: `number` 0 is the file itself, others are those put aside, `file.1` the newest of them. */
export interface LogPosition {
  readonly number: number;
  /** Bytes. */
  readonly offset: number;
}

export interface LogChunk {
  /** Whole lines, without their ends. */
  readonly lines: readonly string[];
  readonly next: LogPosition;
}

const newline = 0x0a;

/** Up to `maxBytes` of what a log gained since `from`; nothing where it gained nothing yet. */
export function readLog(file: string, from: LogPosition, maxBytes: number): LogChunk {
  const { number } = from;
  const name = nameOf(file, number);
  const size = statSync(name, { throwIfNoEntry: false })?.size ?? 0;
  // Emptied by somebody else.
  const offset = from.offset <= size ? from.offset : 0;
  const bytes = readAt(name, offset, Math.min(maxBytes, size - offset));
  const length = bytes.lastIndexOf(newline) + 1;
  if (length > 0) {
    const lines = bytes.toString('utf8', 0, length - 1).split('\n');
    return { lines, next: { number, offset: offset + length } };
  }
  // No line of ours is so long.
  if (bytes.length === maxBytes) return { lines: [], next: { number, offset: offset + bytes.length } };
  // What was put aside gains nothing any more.
  return number > 0
    ? readLog(file, { number: number - 1, offset: 0 }, maxBytes)
    : { lines: [], next: { number, offset } };
}

/** The end of the log as it is now. */
export const endOf = (file: string): LogPosition => ({
  number: 0,
  offset: statSync(file, { throwIfNoEntry: false })?.size ?? 0,
});

/**
 * Where what stands at `position` will be once the log is put aside, of which `keep` are kept; and how many lines after it
 * will be gone then.
 */
export function afterRotation(
  file: string,
  position: LogPosition,
  keep: number,
): { readonly position: LogPosition; readonly lostLines: number } {
  if (position.number < keep) return { position: { ...position, number: position.number + 1 }, lostLines: 0 };
  let lostLines = 0;
  for (let at = position; ; ) {
    const { lines, next } = readLog(file, at, countedAtOnceBytes);
    if (next.number !== position.number || (lines.length === 0 && next.offset === at.offset)) break;
    lostLines += lines.length;
    at = next;
  }
  return { position: { number: keep, offset: 0 }, lostLines };
}

const countedAtOnceBytes = 1024 * 1024;

const nameOf = (file: string, number: number): string => (number === 0 ? file : `${file}.${number}`);

function readAt(file: string, offset: number, length: number): Buffer {
  if (length <= 0) return Buffer.alloc(0);
  const bytes = Buffer.alloc(length);
  const from = openSync(file, 'r');
  try {
    return bytes.subarray(0, readSync(from, bytes, 0, length, offset));
  } finally {
    closeSync(from);
  }
}
