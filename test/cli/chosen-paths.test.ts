import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chosenPaths } from '../../src/cli/chosen-paths.ts';
import { isFailure } from '../../src/domain/failures.ts';

let folder: string;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-chosen-')));
  mkdirSync(join(folder, 'docs/inner/deep'), { recursive: true });
  mkdirSync(join(folder, 'docs2'));
  writeFileSync(join(folder, 'docs/a'), '');
  symlinkSync(join(folder, 'docs'), join(folder, 'alias'));
  symlinkSync(join(folder, 'docs2'), join(folder, 'docs/link'));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Paths are named below the folder; the empty one is a whole source. */
function choose(sources: Record<string, string>, ...paths: string[]): Record<string, string[]> {
  const chosen = chosenPaths(
    Object.entries(sources).map(([name, path]) => ({ name, path: join(folder, path) })),
    paths.map((path) => join(folder, path)),
  );
  return Object.fromEntries([...chosen].map(([name, inside]) => [name, inside.map(String)]));
}

test('a source as a whole, and paths inside it that exist or not', () => {
  expect(choose({ d: 'docs' }, 'docs', 'docs/', 'docs/a', 'docs/gone/x')).toEqual({
    d: ['', '', 'a', 'gone/x'],
  });
});

test('the inner source has what lies in both', () => {
  const sources = { outer: 'docs', inner: 'docs/inner' };
  expect(choose(sources, 'docs/inner/deep', 'docs/inner', 'docs/a')).toEqual({
    inner: ['deep', ''],
    outer: ['a'],
  });
});

test('a source whose path is a link, by either of its paths', () => {
  expect(choose({ d: 'alias' }, 'alias/a', 'docs/a', 'alias', 'docs')).toEqual({ d: ['a', 'a', '', ''] });
});

test('a link inside a source is the link, not what it points to', () => {
  expect(choose({ d: 'docs' }, 'docs/link')).toEqual({ d: ['link'] });
});

test('what only begins alike, or leads out, lies in none', () => {
  for (const path of ['docs2', 'docs/../docs2', 'docs/link/x', '']) {
    expect(() => choose({ d: 'docs' }, path)).toThrow(
      expect.toSatisfy((e) => isFailure(e, 'outside_sources')),
    );
  }
});

test('the root of the file system can be a source', () => {
  const all = chosenPaths([{ name: 'all', path: '/' }], ['/', '/etc/hostname']);
  expect(all.get('all')?.map(String)).toEqual(['', 'etc/hostname']);
});
