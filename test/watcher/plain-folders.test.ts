import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { PlainFolders } from '../../src/watcher/plain-folders.ts';
import { tempFolder } from '../files/temp-tree.ts';

/** Watches some folders of `tree`, with everything it tells. */
async function watching(names: readonly string[], most = 100) {
  const tree = tempFolder();
  for (const name of names) mkdirSync(join(tree, name), { recursive: true });
  const told = { found: [] as string[], gone: [] as string[], errors: [] as string[] };
  const short = (path: string): string => path.slice(tree.length + 1);
  const plain = new PlainFolders(
    {
      onTouched: () => {},
      onFolder: (path) => told.found.push(short(path)),
      onFolderGone: (path) => told.gone.push(short(path)),
      onError: ({ name }) => told.errors.push(name),
      isSkipped: (path) => path.endsWith('skipped'),
    },
    most,
  );
  onTestFinished(() => plain.close());
  plain.add(tree);
  await plain.settled();
  return { tree, told, plain };
}

test('what was below a folder that went away or was moved out is not watched any more', async () => {
  const { tree, told, plain } = await watching(['a/b/c', 'ab', 'x/y', 'skipped/z']);
  expect(told.found.sort()).toEqual(['', 'a', 'a/b', 'a/b/c', 'ab', 'x', 'x/y']);
  renameSync(join(tree, 'a'), join(tempFolder(), 'a'));
  rmSync(join(tree, 'x'), { recursive: true });
  await expect.poll(() => told.gone.sort(), { timeout: 10_000 }).toEqual(['a', 'a/b', 'a/b/c', 'x', 'x/y']);
  expect(plain.has(join(tree, 'a/b/c'))).toBe(false);
  expect(plain.has(join(tree, 'ab'))).toBe(true);
});

test('another folder in the place of a known one is watched, with what is below', async () => {
  const { tree, told, plain } = await watching(['a/old']);
  renameSync(join(tree, 'a'), join(tempFolder(), 'a'));
  mkdirSync(join(tree, 'a/new'), { recursive: true });
  told.found.length = 0;
  plain.rewatch(join(tree, 'a'));
  await expect.poll(() => told.found.sort(), { timeout: 10_000 }).toEqual(['a', 'a/new']);
  expect(plain.has(join(tree, 'a/old'))).toBe(false);
});

test('more folders than memory allows are told as such, and the others stay watched', async () => {
  const { told, plain, tree } = await watching(['a', 'b', 'c', 'd'], 3);
  expect(told.found).toHaveLength(3);
  expect(told.errors).toEqual(['too_many_folders', 'too_many_folders']);
  expect(plain.has(tree)).toBe(true);
});
