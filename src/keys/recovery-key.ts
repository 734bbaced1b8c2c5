/** The recovery key: docs/format.md section 3.5. */
import { hash, randomBytes } from 'node:crypto';

const letters = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const keyBytes = 20;
const checkLetters = 4;
const keyLetters = (keyBytes * 8) / 5 + checkLetters;
const groupLetters = 4;

/** A new one: in groups as people write it down, e.g. `04E0-20Z3-…`, and the password it stands for. */
export function drawRecoveryKey(): { readonly shown: string; readonly password: Buffer } {
  const plain = lettered(randomBytes(keyBytes));
  return { shown: grouped(plain), password: Buffer.from(plain) };
}

/**
 * What a person typed, taken for a recovery key: the password it stands for (its letters without separators), `mistyped`
 * when it looks like one whose letters do not fit together, undefined when it is something else.
 */
export function readRecoveryKey(typed: string): Buffer | 'mistyped' | undefined {
  const plain = typed
    .toUpperCase()
    .replaceAll(/[\s-]/g, '')
    .replaceAll(/[IL]/g, '1')
    .replaceAll('O', '0')
    .replaceAll('U', 'V');
  const isOurs = [...plain].every((letter) => letters.includes(letter));
  if (isOurs && plain.length === keyLetters && lettered(bytesOf(plain)) === plain) return Buffer.from(plain);
  return looksLikeOne(typed) ? 'mistyped' : undefined;
}

function lettered(bytes: Buffer): string {
  const check = Number.parseInt(hash('sha256', bytes).slice(0, 5), 16);
  let value = (BigInt(`0x${bytes.toString('hex')}`) << 20n) | BigInt(check);
  let text = '';
  for (let at = 0; at < keyLetters; at++) {
    text = letters.charAt(Number(value & 31n)) + text;
    value >>= 5n;
  }
  return text;
}

/** The bytes that the letters stand for, whatever their check says. */
function bytesOf(plain: string): Buffer {
  const value = [...plain]
    .slice(0, -checkLetters)
    .reduce((sum, letter) => (sum << 5n) | BigInt(letters.indexOf(letter)), 0n);
  return Buffer.from(value.toString(16).padStart(keyBytes * 2, '0'), 'hex');
}

function grouped(text: string): string {
  return (text.match(new RegExp(`.{${groupLetters}}`, 'g')) ?? []).join('-');
}

/** Short groups of letters and digits, about as many as there must be: a password is not written like that. */
function looksLikeOne(typed: string): boolean {
  const trimmed = typed.trim();
  const inGroups = /^[a-z0-9]{1,6}(?:[\s-]+[a-z0-9]{1,6}){6,10}$/i.test(trimmed) && /\d/.test(trimmed);
  const inOne = /^[a-z0-9]{35,37}$/i.test(trimmed) && /\d/.test(trimmed);
  return inGroups || inOne;
}
