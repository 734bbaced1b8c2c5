import { expect } from 'vitest';
import { type TestInstallation, until } from './installation.ts';

const uploadedFiles = `select count(*)::int as count from versions where outcome = 'uploaded' and kind = 'file'`;

/**
 * Protects a folder of `files` new files; `disturb` is called when the first of them are done. Expects that all are
 * uploaded in the end and that nobody had to do anything for it.
 */
export async function protectWhile(
  installation: TestInstallation,
  name: string,
  files: number,
  disturb: () => Promise<void>,
): Promise<void> {
  const folder = installation.path('docs', name);
  for (let i = 0; i < files; i++) installation.write('docs', `${name}/${i}.txt`, `${name} ${i}`);
  const [before] = await installation.query<{ count: number }>(uploadedFiles);
  const protecting = installation.protect(folder);
  await until('the first files are uploaded', async () => {
    const [now] = await installation.query<{ count: number }>(uploadedFiles);
    return (now?.count ?? 0) > (before?.count ?? 0) + 2;
  });
  const [now] = await installation.query<{ count: number }>(uploadedFiles);
  // Otherwise nothing was in the middle of anything.
  expect(now?.count).toBeLessThan((before?.count ?? 0) + files);
  await disturb();
  const { code, rows, stderr } = await protecting;
  const outcomes = rows.filter((row) => row.kind === 'file').map((row) => row.outcome);
  expect(outcomes).toEqual(Array.from({ length: files }, () => 'uploaded'));
  expect(code, stderr).toBe(0);
}

/** Expects that each of `files` files is one object version, and nothing is left open. */
export async function expectNothingDoubled(installation: TestInstallation, files: number): Promise<void> {
  const { objects, multiparts } = await installation.bucketState();
  const [counts] = await installation.query(
    `select (select count(*)::int from versions where outcome = 'uploaded' and kind = 'file') as uploaded,
            (select count(*)::int from intents where state = 'open') as intents,
            (select count(*)::int from objects where state = 'live') as live`,
  );
  expect(counts).toEqual({ uploaded: files, intents: 0, live: files });
  expect(objects).toHaveLength(files);
  expect(multiparts).toBe(0);
}
