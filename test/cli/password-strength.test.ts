import { expect, it } from 'vitest';
import { requireStrong } from '../../src/cli/password-strength.ts';
import { refusalOf } from '../sealed/samples.ts';

const refusal = (password: string) => refusalOf(() => requireStrong(Buffer.from(password)));

it.each([
  'password',
  '12345678',
  'qwertyuiop',
  'azertyuiop',
  'motdepasse',
  'holdfast1',
  'aaaaaaaaaaaa',
  'a1!b',
  'jean-pierre1975',
])('refuses %s', async (password) => expect(await refusal(password)).toBe('weak_password'));

it.each([
  'five plain random words',
  'correct horse battery staple',
  'correct-horse-battery-staple-42',
  'kZq7 plüsch tür 1902 velo',
])('takes %s', async (password) => expect(await refusal(password)).toBe(undefined));

it('says why', async () => {
  await expect(requireStrong(Buffer.from('12345678'))).rejects.toThrow(
    /easy to guess: this is a heavily used/,
  );
  await expect(requireStrong(Buffer.from('a1!b'))).rejects.toThrow(/fewer than 8 characters/);
});

it('a very long password is judged at once', async () => {
  const began = performance.now();
  expect(await refusal('x1'.repeat(50_000))).toBe('weak_password');
  expect(performance.now() - began).toBeLessThan(5_000);
});
