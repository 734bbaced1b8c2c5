import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ManifestVerdict } from '../../src/manifest/records.ts';
import { countItem, emptySummary, restoreExitCode } from '../../src/restore/restored-item.ts';
import { TestBucket } from '../recovery/test-bucket.ts';

const found: ManifestVerdict = {
  state: 'infected',
  signature: 'New.Malware-1',
  engine: 'ClamAV 1.4.6',
  signatureRevision: 'r2',
  signaturesAt: '2026-02-02T00:00:00.000Z',
  signatureSet: 'official',
};

test('what a later manifest tells is infected is left out and named, hard links of it too, unless it is asked for', async () => {
  const bucket = await TestBucket.create();
  const bad = await bucket.file('bad.doc', 'malware');
  const good = await bucket.file('good.doc', 'harmless');
  const hard = { ...bucket.duplicate(bad, 'hard.doc'), hardlink: bad.entry };
  await bucket.manifest([{ ...bad, verdict: { ...found, state: 'clean' } }, good, hard]);
  // As after a late detection: the versions are listed anew.
  await bucket.manifest([
    { ...bad, verdict: found },
    { ...hard, verdict: found },
  ]);
  const read = await bucket.read();
  const { to, items } = await bucket.restore(read);
  expect(
    Object.fromEntries([...items].map(([name, { result, reason }]) => [name, [result, reason]])),
  ).toEqual({
    'bad.doc': ['infected', 'New.Malware-1'],
    'good.doc': ['restored', undefined],
    'hard.doc': ['infected', 'New.Malware-1'],
  });
  expect(() => readFileSync(join(to, 'docs/bad.doc'))).toThrow('ENOENT');
  const summary = [...items.values()].reduce(countItem, emptySummary);
  expect(summary).toMatchObject({ restored: 1, infected: 2, failed: 0, bytes: 8 });
  expect(restoreExitCode(summary)).toBe(3);

  const all = await bucket.restore(read, { includeInfected: true });
  expect(readFileSync(join(all.to, 'docs/bad.doc'), 'utf8')).toBe('malware');
  expect(restoreExitCode([...all.items.values()].reduce(countItem, emptySummary))).toBe(0);
});
