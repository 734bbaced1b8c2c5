import reference from 'canonicalize';
import { describe, expect, test } from 'vitest';
import { canonical, canonicalText } from '../../src/domain/canonical.ts';

/** Deterministic JSON values of every kind, nested. */
function* values(seed: number, count: number): Generator<unknown> {
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const text = (): string =>
    Array.from({ length: random(6) }, () =>
      String.fromCodePoint([random(0x80), 0x2028, 0xe9, 0x1f600, 0x22, 0x5c, 0xffff][random(7)] ?? 0),
    ).join('');
  const value = (depth: number): unknown => {
    switch (random(depth > 3 ? 5 : 7)) {
      case 0:
        return null;
      case 1:
        return random(2) === 0;
      case 2:
        return [0, -0, 1e21, 1e-7, 0.1, -random(1e9), 2 ** 53 - 1, random(1e6) / 7][random(8)];
      case 3:
        return text();
      case 4:
        return undefined;
      case 5:
        return Array.from({ length: random(4) }, () => value(depth + 1));
      default:
        return Object.fromEntries(Array.from({ length: random(6) }, () => [text(), value(depth + 1)]));
    }
  };
  for (let made = 0; made < count; made++) yield { value: value(0) };
}

describe('canonical JSON', () => {
  test('is that of RFC 8785, section 3.2.2 and 3.2.3', () => {
    const value = {
      numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 1e-27],
      string: '\u20ac$\u000f\nA\'B"\\\\"/',
      literals: [null, true, false],
    };
    expect(canonicalText(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
    const keys = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 };
    expect(Object.values(JSON.parse(canonicalText(keys)) as object).toSorted()).toEqual([
      1, 2, 3, 4, 5, 6, 7,
    ]);
    expect(canonicalText(keys)).toBe(reference(keys));
  });

  test('is what another implementation writes, for two thousand values', () => {
    for (const value of values(7, 2_000)) expect(canonicalText(value)).toBe(reference(value));
  });

  test('has no form for what JSON cannot hold', () => {
    for (const value of [undefined, Number.NaN, Number.POSITIVE_INFINITY, '\ud800', { a: 1n }, () => 1])
      expect(() => canonical(value)).toThrow(TypeError);
  });
});
