import type { Random } from './random.ts';

/** The members of a JSON object as text, so that they can be repeated, reordered or broken. */
export type Members = readonly (readonly [name: string, text: string])[];

export function membersOf(object: object): Members {
  return Object.entries(object).map(([name, value]) => [name, JSON.stringify(value)]);
}

export function jsonText(members: Members): string {
  return `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
}

const deep = (open: string, close: string, levels: number) =>
  `${open.repeat(levels)}1${close.repeat(levels)}`;

const values: readonly string[] = [
  ...['null', 'true', '""', '[]', '{}', '"x"', '"."', '"\\u0000"', '"\\ud800"', '"__proto__"'],
  ...['-0', '-1', '0.5', '1e15', '1e400', '9007199254740993', '4294967296', '"1"', '2', '1'],
  // Not JSON at all.
  ...['01', 'NaN', "'x'", '"', '{', '1,', '/**/1', '\u{feff}1'],
  ...[32, 64, 128].map((digits) => `"${'a'.repeat(digits)}"`),
  ...['"9223372036854775807"', '"9223372036854775808"', '"-9223372036854775808"', '"-0"'],
  ...['{"__proto__":"AA=="}', '{"user.x":"A"}', '{"user.x":1}', '{"\\ud800":"AA=="}', '{"user.x":"AA=="}'],
  `"${'é'.repeat(200)}"`,
];

/** Those that take long to make and read. */
const longValues: readonly (() => string)[] = [
  () => deep('[', ']', 20_000),
  () => deep('{"a":', '}', 20_000),
  () => `{"user.x":"${'A'.repeat(800_000)}"}`,
  () => `{"user.x":"${'A'.repeat(800_001)}"}`,
  () => `"${'0'.repeat(900_000)}"`,
  () => `-${'9'.repeat(100_000)}`,
];

const names = [
  '__proto__',
  'constructor',
  'toString',
  '',
  'v',
  'hardlink',
  'xattrs',
  'xattrsDropped',
  'size',
];

export function hostileValue(random: Random): string {
  return random.chance(0.02) ? random.pick(longValues)() : random.pick(values);
}

/** One member replaced, taken away, repeated with another value, or added; or two exchanged. */
export function hostileMembers(members: Members, random: Random): Members {
  const at = random.below(members.length);
  const [name] = members[at] ?? [''];
  const others = members.filter((_, place) => place !== at);
  switch (random.below(5)) {
    case 0:
      return others;
    case 1:
      return [...members, [name, hostileValue(random)]];
    case 2:
      return [...members, [random.pick(names), hostileValue(random)]];
    case 3:
      return [...others, ...members.slice(at, at + 1)];
    default:
      return members.with(at, [name, hostileValue(random)]);
  }
}
