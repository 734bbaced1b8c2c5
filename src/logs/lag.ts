import { ownLine } from './line.ts';
import { type LogPosition, readLog } from './read-log.ts';

const chunkBytes = 256 * 1024;

/**
 * When the oldest line was written that was not sent yet, in milliseconds since 1970; undefined where all were.
 *
 * @param files the log of each of our processes, by its name
 * @param sent up to where each was sent; one that is not in it begins at its end
 */
export function oldestUnsentMs(
  files: ReadonlyMap<string, string>,
  sent: Readonly<Record<string, LogPosition>>,
): number | undefined {
  const times = [...files].flatMap(([service, file]) => firstLineMs(service, file, sent[service]) ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}

function firstLineMs(service: string, file: string, from: LogPosition | undefined): number | undefined {
  for (let at = from; at !== undefined; ) {
    const { lines, next } = readLog(file, at, chunkBytes);
    for (const text of lines) {
      const line = ownLine(text, service);
      if (line !== undefined) return line.atMs;
    }
    const isMore = next.number !== at.number || next.offset !== at.offset;
    at = isMore ? next : undefined;
  }
  return undefined;
}
