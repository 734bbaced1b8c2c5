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
