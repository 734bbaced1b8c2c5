import { describe, expect, test } from 'vitest';
import { canonical } from '../../src/domain/canonical.ts';
import { Ids, newRunId } from '../../src/domain/ids.ts';

const ids = new Ids(Buffer.alloc(64, 1));

describe('Ids', () => {
  test('are a pure function of key and business key', () => {
    expect(ids.version('e', 1)).toBe(new Ids(Buffer.alloc(64, 1)).version('e', 1));
    expect(ids.version('e', 1)).not.toBe(new Ids(Buffer.alloc(64, 2)).version('e', 1));
    expect(ids.version('e', 1)).toMatch(/^[0-9a-f]{32}$/);
  });

  test('differ by kind and by every part', () => {
    const all = [
      ids.source('a'),
      ids.entry('a', Buffer.from('')),
      ids.entry('a', Buffer.from('b')),
      ids.entry('b', Buffer.from('b')),
      ids.version('a', 1),
      ids.version('a', 11),
      ids.version('a1', 1),
      ids.event('a', 'step'),
      ids.event('a', 'step', 'd'),
      ids.event('a', 'step', '', 1),
      ids.event('a', 'other'),
      ids.scan('a', 'r'),
      ids.sealing('a', 'f', 'k', 0),
      ids.sealing('a', 'f', 'k', 1),
      ids.intent('a', 'd'),
      ids.object('d', 'k', 'v'),
      ids.object('d', 'kv', ''),
      ids.hold('a', 'd'),
      ids.quarantine('a'),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  test('take a path by its bytes: names that only look alike are two entries', () => {
    const paths = [
      Buffer.from([0xff]),
      Buffer.from([0xfe]),
      Buffer.from('\ufffd'),
      Buffer.from('\u00e9'),
      Buffer.from('e\u0301'),
    ];
    expect(new Set(paths.map((path) => ids.entry('s', path))).size).toBe(paths.length);
  });
});

test('a run id is drawn, never derived', () => {
  expect(newRunId()).toMatch(/^[0-9a-f]{32}$/);
  expect(newRunId()).not.toBe(newRunId());
});

describe('canonical', () => {
  test('is RFC 8785: sorted names, no blanks, shortest numbers', () => {
    expect(canonical({ b: [1.0, 1e21, 'ü\n'], a: { d: null, c: true } }).toString()).toBe(
      '{"a":{"c":true,"d":null},"b":[1,1e+21,"ü\\n"]}',
    );
  });

  test.each([undefined, () => 1, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses %s, which JSON cannot hold',
    (value) => {
      expect(() => canonical(value)).toThrow();
    },
  );
});
