import { expect, test } from 'vitest';
import { arrayParameter, type ColumnType, Json } from '../../src/catalog/array-parameter.ts';
import { usePostgres } from '../support/postgres.ts';
import { openCatalog } from './world.ts';

const postgres = usePostgres();

const columns: [ColumnType, unknown[], string[]][] = [
  ['text', ['', 'a', 'ümläut 🗄', `'"{},\\`], ['', 'a', 'ümläut 🗄', `'"{},\\`]],
  ['bytea', [Buffer.alloc(0), Buffer.from([0, 255, 92])], ['\\x', '\\x00ff5c']],
  ['int4', [0, -1, 2_147_483_647, -2_147_483_648], ['0', '-1', '2147483647', '-2147483648']],
  [
    'int8',
    [0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2n ** 63n - 1n, -(2n ** 63n), 4_294_967_296],
    [
      '0',
      '-1',
      '9007199254740991',
      '-9007199254740991',
      '9223372036854775807',
      '-9223372036854775808',
      '4294967296',
    ],
  ],
  ['numeric', [0n, 18_446_744_073_709_551_615n], ['0', '18446744073709551615']],
  ['bool', [true, false], ['true', 'false']],
  [
    'jsonb',
    [{ a: [1, 'ü'] }, [], 'text', false, new Json(Buffer.from('{"b": 2}'))],
    ['{"a": [1, "ü"]}', '[]', '"text"', 'false', '{"b": 2}'],
  ],
  [
    'timestamptz',
    [new Date('1969-12-31T23:59:59.999Z'), '2026-11-23T15:00:00.123Z'],
    ['1969-12-31 23:59:59.999+00', '2026-11-23 15:00:00.123+00'],
  ],
];

test.each(columns)('%s: every value arrives as it is, and null as NULL', async (type, values, expected) => {
  const catalog = await openCatalog(postgres());
  const sent = arrayParameter(type, [...values, null, undefined]);
  const found = await catalog.rows<{ text: string | null }>(
    `select v::text as text from unnest($1::${type}[]) with ordinality as r(v, place) order by place`,
    [sent],
  );
  expect(found.map(({ text }) => text)).toEqual([...expected, null, null]);
});

test('what has no exact form is refused', () => {
  expect(() => arrayParameter('int8', [2 ** 53])).toThrow(TypeError);
  expect(() => arrayParameter('int8', [0.5])).toThrow(TypeError);
  expect(() => arrayParameter('int4', [2 ** 31])).toThrow(RangeError);
  expect(() => arrayParameter('timestamptz', ['no time'])).toThrow(TypeError);
});

test('no index of an entry or a version hears of it when it is settled', async () => {
  const catalog = await openCatalog(postgres());
  const found = await catalog.rows<{ name: string }>(
    `select indexname as name from pg_indexes where tablename in ('entries', 'versions')
       and indexdef ~ '(settled_at|outcome|hint|head_|lease_|journal)'`,
  );
  expect(found).toEqual([]);
});
