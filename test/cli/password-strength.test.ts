import { afterEach, expect, it } from 'vitest';
import { requireStrong } from '../../src/cli/password-strength.ts';
import type { Failure } from '../../src/domain/failures.ts';
import { speak } from '../../src/text/voice.ts';
import { refusalOf } from '../sealed/samples.ts';

afterEach(() => speak('en'));

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

it('says why in French', async () => {
  await speak('fr');
  for (const [password, why] of [
    ['12345678', 'ce mot de passe est très utilisé'],
    ['abcabcabcabc', 'les caractères répétés comme'],
  ] as const) {
    const refused = await requireStrong(Buffer.from(password)).catch((error: unknown) => error);
    expect((refused as Failure).facts.why).toContain(why);
    expect((refused as Failure).facts.why).not.toMatch(/\.$/);
  }
});

it('a very long password is judged at once', async () => {
  // Of the processor: what else the machine does is not this password's.
  const before = process.cpuUsage();
  expect(await refusal('x1'.repeat(50_000))).toBe('weak_password');
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(5_000);
});
