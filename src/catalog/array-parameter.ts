/**
 * Columns of many rows as parameters: one array each, in Postgres' binary form (`array_send` and the `…_send` functions of
 * the element types; backend/utils/adt). Postgres spends a fraction on them of what it spends on rows as JSON.
 */

/** Types of columns, by their names in `pg_type`, and the object ids that the binary form names them by. */
const elementOids = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int4: 23,
  text: 25,
  timestamptz: 1184,
  jsonb: 3802,
} as const;
type BinaryType = keyof typeof elementOids;

/** `numeric` has a binary form that is dearer to make than its text. */
export type ColumnType = BinaryType | 'numeric';

export function isColumnType(name: string): name is ColumnType {
  return name in elementOids || name === 'numeric';
}

/** JSON that is written already, in UTF-8. */
export class Json {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/**
 * The values as one array parameter, null and undefined as NULL. Numbers and bigints for integers, `Date` or ISO 8601 for
 * times, Buffers for bytea, anything for jsonb.
 */
export function arrayParameter(type: ColumnType, values: readonly unknown[]): Buffer | string {
  if (type === 'numeric') return `{${values.map((value) => value ?? 'null').join(',')}}`;
  const elements: (Element | null)[] = [];
  let bytes = headerBytes;
  let nulls = 0;
  // By index, here and below: a hundred values a file, and an iterator makes garbage of each.
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    const one = value === null || value === undefined ? null : element(type, value);
    elements.push(one);
    bytes += 4 + sizeOf(type, one);
    if (one === null) nulls++;
  }
  const array = Buffer.allocUnsafe(bytes);
  array.writeInt32BE(1, 0);
  array.writeInt32BE(nulls > 0 ? 1 : 0, 4);
  array.writeInt32BE(elementOids[type], 8);
  array.writeInt32BE(elements.length, 12);
  array.writeInt32BE(1, 16);
  let at = headerBytes;
  for (let index = 0; index < elements.length; index++) {
    const one = elements[index] ?? null;
    const size = sizeOf(type, one);
    at = array.writeInt32BE(one === null ? -1 : size, at);
    if (one !== null) write(array, at, type, one);
    at += size;
  }
  return array;
}

/** Dimensions, whether there are NULLs, the element's type, and of the one dimension length and lower bound. */
const headerBytes = 20;
/** Times are counted from 2000 on. Milliseconds since 1970. */
const epochMs = 946_684_800_000;

type Element = string | Buffer | number | bigint;

function element(type: BinaryType, value: unknown): Element {
  switch (type) {
    case 'jsonb':
      return value instanceof Json ? value.bytes : Buffer.from(JSON.stringify(value));
    case 'timestamptz':
      return (new Date(value as Date | string).getTime() - epochMs) * 1_000;
    case 'bool':
      return value === true ? 1 : 0;
    default:
      return value as Element;
  }
}

function sizeOf(type: BinaryType, value: Element | null): number {
  if (value === null) return 0;
  switch (type) {
    case 'text':
      return Buffer.byteLength(value as string);
    case 'jsonb':
      return 1 + (value as Buffer).length;
    case 'bytea':
      return (value as Buffer).length;
    case 'bool':
      return 1;
    case 'int4':
      return 4;
    default:
      return 8;
  }
}

function write(array: Buffer, at: number, type: BinaryType, value: Element): void {
  switch (type) {
    case 'text':
      array.write(value as string, at);
      return;
    case 'jsonb':
      // The version of the form, then the text.
      array[at] = 1;
      array.set(value as Buffer, at + 1);
      return;
    case 'bytea':
      array.set(value as Buffer, at);
      return;
    case 'bool':
      array[at] = value as number;
      return;
    case 'int4':
      array.writeInt32BE(value as number, at);
      return;
    default:
      writeInt8(array, at, value as number | bigint);
  }
}

/** A signed 64-bit integer. Numbers without the detour by a bigint, which costs an allocation. */
function writeInt8(array: Buffer, at: number, value: number | bigint): void {
  if (typeof value === 'bigint') {
    array.writeBigInt64BE(value, at);
    return;
  }
  if (!Number.isSafeInteger(value)) throw new TypeError('not an exact integer');
  const high = Math.floor(value / 2 ** 32);
  array.writeInt32BE(high, at);
  array.writeUInt32BE(value - high * 2 ** 32, at + 4);
}
