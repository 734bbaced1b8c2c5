import { expect, it } from 'vitest';
import { drawRecoveryKey, readRecoveryKey } from '../../src/keys/recovery-key.ts';
import { readVectors } from '../sealed/vectors.ts';

it.each(readVectors('recovery-key'))('vector $name', (vector) => {
  const read = readRecoveryKey(vector.field('typed'));
  expect(read).toEqual(vector.expect === 'success' ? Buffer.from(vector.field('password')) : 'mistyped');
});

it('a new one is read back however it is typed, and never the same twice', () => {
  const drawn = Array.from({ length: 50 }, drawRecoveryKey);
  expect(new Set(drawn.map(({ shown }) => shown)).size).toBe(50);
  for (const { shown: key, password } of drawn) {
    expect(key).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){8}[0-9A-HJKMNP-TV-Z]{4}$/);
    const plain = key.replaceAll('-', '');
    expect(password.toString()).toBe(plain);
    for (const typed of [key, plain, key.toLowerCase(), `  ${key.replaceAll('-', ' ')}\n`])
      expect(readRecoveryKey(typed)).toEqual(password);
  }
});

it('one wrong, missing or exchanged letter is a typing error, nothing else', () => {
  const { shown: key } = drawRecoveryKey();
  for (let at = 0; at < key.length; at++) {
    if (key[at] === '-') continue;
    const other = key[at] === '7' ? '8' : '7';
    expect(readRecoveryKey(key.slice(0, at) + other + key.slice(at + 1)), `letter ${at}`).toBe('mistyped');
    expect(readRecoveryKey(key.slice(0, at) + key.slice(at + 1)), `without ${at}`).toBe('mistyped');
  }
});

it('passwords are no recovery keys', () => {
  for (const password of [
    'five plain random words',
    'correct-horse-battery-staple-42',
    'ünïcode',
    '',
    '1234',
  ])
    expect(readRecoveryKey(password)).toBe(undefined);
});
