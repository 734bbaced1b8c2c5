import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { TestInstallation } from '../support/installation.ts';

const installations: TestInstallation[] = [];

afterAll(async () => {
  for (const installation of installations) await installation.remove();
}, 120_000);

test('two installations run at once below 0700 folders with spaces, and know nothing of each other', async () => {
  for (const name of ['one', 'other']) {
    const installation = await TestInstallation.create({
      sources: { docs: undefined },
      folderName: `holdfast the ${name} of two `,
    });
    installations.push(installation);
    installation.write('docs', 'who.txt', `I am ${name}`);
    await installation.up('--no-watch');
  }
  const [one, other] = installations as [TestInstallation, TestInstallation];
  const [ofOne, ofOther] = await Promise.all([one.services(), other.services()]);
  const addresses = [ofOne, ofOther].flatMap((services) => Object.values(services).map((row) => row.address));
  expect(new Set(addresses).size).toBe(12);

  for (const [installation, name] of [
    [one, 'one'],
    [other, 'other'],
  ] as const) {
    const { code, rows } = await installation.protect(installation.path('docs'));
    expect(code).toBe(0);
    expect(rows).toMatchObject([{ path: 'who.txt', outcome: 'uploaded' }]);
    const to = path.join(installation.folder, 'restored here');
    expect(await installation.run('restore', 'docs', '--to', to)).toMatchObject({ code: 0 });
    expect(readFileSync(path.join(to, 'docs', 'who.txt'), 'utf8')).toBe(`I am ${name}`);
  }

  await one.down();
  expect(await one.run('status')).toMatchObject({ code: 5 });
  expect(await other.run('status')).toMatchObject({ code: 0 });
}, 180_000);

test('a running one takes a new password and new keys, and still reads what the older ones sealed', async () => {
  const [, other] = installations as [TestInstallation, TestInstallation];
  const changed = other.passwordFile('other words that nobody guesses\n', 'changed');
  const withNew = { HOLDFAST_PASSWORD_FILE: changed };
  const change = ['key', 'change-password', '--new-password-file', changed];
  expect(await other.run(...change)).toMatchObject({ code: 0 });
  expect(await other.run('protect', other.path('docs'))).toMatchObject({ code: 6 });

  const rotated = await other.runWith(withNew, 'key', 'rotate', '--master', '--payload', '--json');
  expect(rotated).toMatchObject({ code: 0, rows: [{ outdated: ['recovery-kit'] }] });
  other.write('docs', 'later.txt', 'sealed with the new key');
  const { code, rows } = await other.runWith(withNew, 'protect', other.path('docs'), '--wait', '--json');
  expect(code).toBe(0);
  expect(rows.map((row) => row.outcome)).toEqual(['uploaded', 'uploaded']);
  const keys = await other.query<{ count: number }>(
    'select count(distinct key_id)::int as count from sealings',
  );
  expect(keys).toEqual([{ count: 2 }]);

  const to = path.join(other.folder, 'restored later');
  expect(await other.runWith(withNew, 'restore', 'docs', '--to', to)).toMatchObject({ code: 0 });
  expect(readFileSync(path.join(to, 'docs', 'who.txt'), 'utf8')).toBe('I am other');
  expect(readFileSync(path.join(to, 'docs', 'later.txt'), 'utf8')).toBe('sealed with the new key');

  const doctor = await other.run('doctor', '--json');
  expect(doctor.code).toBe(0);
  expect(doctor.stdout).toContain('The recovery kit lacks the newest keys');
}, 120_000);
