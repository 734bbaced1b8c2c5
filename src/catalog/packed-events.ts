import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Id } from '../domain/records.ts';

/** An event as it is told: the JSON, of which its leaf is made, and beside it what it says itself too. */
export interface ToldEvent {
  readonly id: Id;
  readonly event: Readonly<Record<string, unknown>>;
  /** ISO 8601 UTC. */
  readonly at: string;
  /** `event` in its canonical form. */
  readonly json: Buffer;
  /** 32 bytes. */
  readonly leaf: Buffer;
}

/** Columns of a row of many events (docs/format.md section 10). */
export interface PackedEvents {
  readonly id: Id;
  readonly events: Buffer;
  readonly leaves: Buffer;
  readonly ids: Buffer;
  readonly workflow: string;
  readonly firstAt: string;
  readonly at: string;
}

const lineEnd = Buffer.from('\n');
/** What events share is in their members, not in their hashes: higher levels find no more. */
const options = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** Longer than any transaction's events: what is longer is no row of ours. Bytes. */
const mostBytes = 64 * 1024 * 1024;

/** One row of events of one workflow, at least one. */
export function packEvents(workflow: string, told: readonly ToldEvent[]): PackedEvents {
  const [first] = told;
  if (first === undefined) throw new TypeError('a row without events');
  const times = told.map(({ at }) => at).sort();
  return {
    id: first.id,
    events: zstdCompressSync(Buffer.concat(told.flatMap(({ json }) => [json, lineEnd])), options),
    leaves: Buffer.concat(told.map(({ leaf }) => leaf)),
    ids: Buffer.from(told.map(({ id }) => id).join(''), 'hex'),
    workflow,
    firstAt: times[0] ?? first.at,
    at: times.at(-1) ?? first.at,
  };
}

/** Ids of the events of a row, in order. */
export function packedIds(ids: Buffer): Id[] {
  return Array.from({ length: ids.length / 16 }, (_, index) =>
    ids.toString('hex', 16 * index, 16 * index + 16),
  );
}

/** Leaves that stand one after the other. */
export function leavesOf(leaves: Buffer): Buffer[] {
  return Array.from({ length: leaves.length / 32 }, (_, index) =>
    leaves.subarray(32 * index, 32 * index + 32),
  );
}

/** An event that was packed, with its line as it stands there: the bytes that its leaf is of. */
interface UnpackedEvent {
  readonly event: Readonly<Record<string, unknown>>;
  readonly json: Buffer;
}

/** The events of a row, in order; undefined where it cannot be read, or has more than so many. */
export function unpackedEvents(events: Buffer, most = Number.MAX_SAFE_INTEGER): UnpackedEvent[] | undefined {
  try {
    const lines = zstdDecompressSync(events, { maxOutputLength: mostBytes });
    if (lines.at(-1) !== lineEnd[0]) return undefined;
    const read: UnpackedEvent[] = [];
    for (let from = 0; from < lines.length; ) {
      const end = lines.indexOf(lineEnd, from);
      const json = lines.subarray(from, end);
      const event: unknown = JSON.parse(json.toString('utf8'));
      if (!isRecord(event) || read.length === most) return undefined;
      read.push({ event, json });
      from = end + 1;
    }
    return read;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What stands in a row beside its events, as it is found there; times are ISO 8601 UTC. */
type FoundBeside = {
  readonly [Column in Exclude<keyof PackedEvents, 'events'>]:
    | (PackedEvents[Column] extends Buffer ? Buffer : unknown)
    | null
    | undefined;
};

/** Whether what stands in a row beside its events is what they say. */
export function isAsPacked(row: FoundBeside, events: readonly Readonly<Record<string, unknown>>[]): boolean {
  const times = events.map(({ at }) => String(at)).sort();
  return (
    events.length > 0 &&
    row.leaves?.length === 32 * events.length &&
    row.ids?.toString('hex') === events.map(({ id }) => id).join('') &&
    row.id === events[0]?.id &&
    row.firstAt === times[0] &&
    row.at === times.at(-1) &&
    events.every(({ workflow }) => workflow === row.workflow)
  );
}
