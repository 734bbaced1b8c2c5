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
const mostBytes = 1024 * 1024 * 1024;

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

/** The events of a row, in order; undefined where it cannot be read. */
export function unpackedEvents(events: Buffer): Readonly<Record<string, unknown>>[] | undefined {
  try {
    const text = zstdDecompressSync(events, { maxOutputLength: mostBytes }).toString('utf8');
    if (!text.endsWith('\n')) return undefined;
    const read: unknown[] = text
      .slice(0, -1)
      .split('\n')
      .map((line) => JSON.parse(line));
    return read.every(isRecord) ? read : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether what stands in a row beside its events is what they say. */
export function isAsPacked(
  row: Omit<PackedEvents, 'at' | 'firstAt'> & { readonly at: Date; readonly firstAt: Date },
  events: readonly Readonly<Record<string, unknown>>[],
): boolean {
  const times = events.map(({ at }) => String(at)).sort();
  return (
    row.leaves.length === 32 * events.length &&
    row.ids.toString('hex') === events.map(({ id }) => id).join('') &&
    row.id === events[0]?.id &&
    row.firstAt.toISOString() === times[0] &&
    row.at.toISOString() === times.at(-1) &&
    events.every(({ workflow }) => workflow === row.workflow)
  );
}
