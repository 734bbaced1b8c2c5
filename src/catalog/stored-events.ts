import { canonical } from '../domain/canonical.ts';
import { isAsPacked, leavesOf, unpackedEvents } from './packed-events.ts';

/**
 * Rows of `audit_events` as they stand in the table (docs/format.md section 10). Whoever owns it can put anything there:
 * nothing of a row is taken for granted, and no row is read beyond what one of ours can have.
 */
export interface StoredRow {
  readonly number: number;
  readonly id: unknown;
  /** JSON as Postgres writes it. */
  readonly event: string | null;
  readonly leaf: Buffer | null;
  readonly at: unknown;
  readonly events: Buffer | null;
  readonly leaves: Buffer | null;
  readonly ids: Buffer | null;
  readonly workflow: string | null;
  readonly firstAt: unknown;
}

/** Events in a row: a transaction of ours has some thousands. */
const mostEvents = 65_536;
/** Characters of an event: ours have some hundreds. */
const mostCharacters = 1024 * 1024;
/** Bytes of a row's events, compressed. */
const mostCompressedBytes = 16 * 1024 * 1024;

/** What {@link StoredRow} is selected with. What is longer is cut off, and then is not what was recorded. */
export const storedColumns = `number, id, left(event::text, ${mostCharacters}) as event, substring(leaf for 33) as leaf, at,
  substring(events for ${mostCompressedBytes}) as events, substring(leaves for ${32 * mostEvents}) as leaves,
  substring(ids for ${16 * mostEvents}) as ids, workflow, first_at as "firstAt"`;

/** An event; those of one row share its number. */
export interface StoredEvent {
  readonly number: number;
  readonly event: Readonly<Record<string, unknown>>;
  /** What a leaf is the hash of: its JSON. */
  readonly json: Buffer;
  /** As it was recorded; undefined where there is none for it. */
  readonly leaf: Buffer | undefined;
}

/** A row with its events, in order. */
export interface EventRow {
  readonly number: number;
  readonly events: readonly StoredEvent[];
  /** Whether all of its events could be read, and what stands beside them is what they say. */
  readonly isWhole: boolean;
}

export function readRow(row: StoredRow): EventRow {
  return row.events === null ? readSingle(row) : readMany(row, row.events);
}

function readSingle(row: StoredRow): EventRow {
  const { number, leaf } = row;
  const found = row.event === null ? undefined : readEvent(row.event);
  if (found === undefined) return { number, events: [], isWhole: false };
  const { event } = found;
  const isAlone = [row.leaves, row.ids, row.workflow, row.firstAt].every((other) => other === null);
  const isWhole = isAlone && event.id === row.id && event.at === isoTime(row.at);
  return { number, events: [{ number, ...found, leaf: leaf ?? undefined }], isWhole };
}

/**
 * An event of JSON that Postgres wrote, with the bytes of its leaf; undefined for what no program of ours wrote. Of a number
 * that JavaScript cannot hold, the table would say another one than is read.
 */
function readEvent(text: string): Pick<StoredEvent, 'event' | 'json'> | undefined {
  try {
    const event: unknown = JSON.parse(text);
    if (!isRecord(event) || !isExact(text)) return undefined;
    return { event, json: canonical(event) };
  } catch {
    return undefined;
  }
}

/** A number of more digits than JavaScript holds, or with a fraction, as Postgres writes them; also within a text. */
const oddNumber = /(?:^|[ [])-?(?:\d{16,}|\d+\.)/;
const texts = /"(?:[^"\\]|\\.)*"/g;
const numbers = /-?\d[\d.]*/g;

function isExact(text: string): boolean {
  if (!oddNumber.test(text)) return true;
  return (text.replace(texts, '').match(numbers) ?? []).every((token) => String(Number(token)) === token);
}

function readMany(row: StoredRow, events: Buffer): EventRow {
  const { number } = row;
  const leaves = leavesOf(row.leaves ?? Buffer.alloc(0));
  const found = unpackedEvents(events, mostEvents) ?? [];
  const isAlone = row.event === null && row.leaf === null;
  const isWhole =
    isAlone &&
    isAsPacked(
      { ...row, at: isoTime(row.at), firstAt: isoTime(row.firstAt) },
      found.map(({ event }) => event),
    );
  return {
    number,
    events: found.map((one, index) => ({ number, ...one, leaf: leaves[index] })),
    isWhole,
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether an event was written in the one form that its leaf is made of. */
export function isCanonical({ event, json }: StoredEvent): boolean {
  try {
    return canonical(event).equals(json);
  } catch {
    return false;
  }
}

/** Undefined for what is no moment that ISO 8601 can write, `infinity` for example. */
function isoTime(value: unknown): string | undefined {
  return value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : undefined;
}
