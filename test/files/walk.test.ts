import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { compileFilter, type FilterOptions } from '../../src/files/filter.ts';
import { openRoot } from '../../src/files/root.ts';
import { type WalkOptions, walk } from '../../src/files/walk.ts';
import { makeDeepFile } from './deep-tree.ts';
import { asOrdinaryUser, bytes, tempFolder, writeTree } from './temp-tree.ts';

const tag = 'Signature: 8a477f597d28d172789f06886806bc55\n# cache\n';

/** One line per item: path, kind or error, and why it is skipped. */
async function listing(
  folder: string,
  filterOptions: FilterOptions = {},
  options: WalkOptions & { oneFileSystem?: boolean } = {},
): Promise<string[]> {
  const root = await openRoot(folder, { oneFileSystem: options.oneFileSystem ?? false });
  const lines: string[] = [];
  for await (const item of walk(root, compileFilter(root, filterOptions), options)) {
    const path = item.path.toString('latin1');
    if (item.error) lines.push(`${path} !${item.error.code}`);
    else lines.push(`${path} ${item.kind}${item.skip ? ` -${item.skip.reason} ${item.skip.rule}` : ''}`);
  }
  return lines;
}

test('yields every entry once, in byte order of the paths', async () => {
  const folder = tempFolder();
  writeTree(folder, { 'b/2': '', 'b/10': '', 'b-c': '', 'b.d/x': '', B: '', é: '', a: '' });
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/b/`), bytes('\xffraw\n')]), '');
  symlinkSync('..', join(folder, 'b/up'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const lines = await listing(folder);
  expect(lines).toEqual([
    'B file',
    'a file',
    'b dir',
    'b-c file',
    'b.d dir',
    'b.d/x file',
    'b/10 file',
    'b/2 file',
    'b/up link',
    'b/\xffraw\n file',
    'pipe special',
    '\xc3\xa9 file',
  ]);
});

/** Folders beside names that sort between a folder and what is in it, and one that takes several looks. */
function writeTrickyTree(): string {
  const folder = tempFolder();
  const many = Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`n/${index}`, '']));
  writeTree(folder, { 'a/1': '', 'a/2/x': '', 'a/2/y': '', 'a/2!': '', 'a/3': '', 'a-b': '', 'b/1': '' });
  writeTree(folder, { 'a-/-': '', 'a-/a/z': '', 'a-!/x': '', 'n-': '', ...many });
  return folder;
}

test('the order of the walk is that of the paths as bytes', async () => {
  const lines = await listing(writeTrickyTree());
  const paths = lines.map((line) => bytes(line.slice(0, line.lastIndexOf(' '))));
  expect(lines).toHaveLength(618);
  expect([...paths].sort(Buffer.compare)).toEqual(paths);
});

test('begins anywhere and goes on to the same end', async () => {
  const folder = writeTrickyTree();
  const all = await listing(folder);
  for (const [index, line] of all.entries()) {
    if (line.startsWith('n/') && index % 100 > 0) continue;
    const after = bytes(line.slice(0, line.lastIndexOf(' ')));
    expect(await listing(folder, {}, { after })).toEqual(all.slice(index + 1));
  }
  expect(await listing(folder, {}, { after: bytes('a/2/xx') })).toEqual(all.slice(all.indexOf('a/2/y file')));
});

test('only what was asked for, and what is below it', async () => {
  const folder = tempFolder();
  writeTree(folder, { 'a/1': '', 'a/2/x': '', 'ab/1': '', 'c/d/e': '', 'skipped/in/x': '' });
  const only = ['c/d', 'a/2/x', 'nothing/there', 'a/1', 'skipped/in/x'].map(bytes);
  expect(await listing(folder, { exclude: ['skipped/'] }, { only })).toEqual([
    'a/1 file',
    'a/2/x file',
    'c/d dir',
    'c/d/e file',
    'skipped/in/x file -excluded exclude:1',
  ]);
});

test('gitignore rules: exclude, include, and nested ignore files of which the nearest decides', async () => {
  const folder = tempFolder();
  writeTree(folder, {
    'keep.log': '',
    'x.log': '',
    'X.LOG': '',
    'node_modules/p/index.js': '',
    'sub/.holdfastignore': '# comment\r\n*.txt\r\n!special.txt\r\n/only-here\r\n',
    'sub/a.txt': '',
    'sub/special.txt': '',
    'sub/only-here': '',
    'sub/deep/only-here': '',
    'sub/deep/b.txt': '',
    'sub/deep/.holdfastignore': '!b.txt\n',
    'sub/must.txt': '',
    'a.txt': '',
  });
  const options = { exclude: ['*.log', 'node_modules/'], include: ['keep.log', 'must.txt'] };
  expect(await listing(folder, options)).toEqual([
    'X.LOG file',
    'a.txt file',
    'keep.log file',
    'node_modules dir -excluded exclude:2',
    'sub dir',
    'sub/.holdfastignore file',
    'sub/a.txt file -excluded holdfastignore:2',
    'sub/deep dir',
    'sub/deep/.holdfastignore file',
    'sub/deep/b.txt file',
    'sub/deep/only-here file',
    'sub/must.txt file',
    'sub/only-here file -excluded holdfastignore:4',
    'sub/special.txt file',
    'x.log file -excluded exclude:1',
  ]);
  expect((await listing(folder, { ...options, ignoreFiles: false })).includes('sub/a.txt file')).toBe(true);
});

test('names that are not UTF-8 are matched with U+FFFD', async () => {
  const folder = tempFolder();
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), bytes('a\xff.tmp')]), '');
  expect(await listing(folder, { exclude: ['a?.tmp'] })).toEqual(['a\xff.tmp file -excluded exclude:1']);
});

test('a rule set answers the same after its cache was renewed', async () => {
  const folder = tempFolder();
  const root = await openRoot(folder);
  const filter = compileFilter(root, { exclude: ['*.log'] });
  const stat = { dev: root.device, size: 1n };
  for (let index = 0; index < 45_000; index++) {
    expect(filter.judge(bytes(`${index}.log`), 'file', stat)?.rule).toBe('exclude:1');
  }
});

test('cache folders need the exact signature', async () => {
  const folder = tempFolder();
  writeTree(folder, {
    'cache/CACHEDIR.TAG': tag,
    'cache/x': '',
    'fake/CACHEDIR.TAG': tag.replace('8a', '8b'),
    'short/CACHEDIR.TAG': tag.slice(0, 42),
  });
  mkdirSync(join(folder, 'linked'));
  symlinkSync('../cache/CACHEDIR.TAG', join(folder, 'linked/CACHEDIR.TAG'));
  expect(await listing(folder)).toEqual([
    'cache dir -cachedir cachedir_tag',
    'fake dir',
    'fake/CACHEDIR.TAG file',
    'linked dir',
    'linked/CACHEDIR.TAG link',
    'short dir',
    'short/CACHEDIR.TAG file',
  ]);
  expect(await listing(folder, { cacheDirTags: false })).toContain('cache/x file');
});

test('files over the limit and the own folders are skipped', async () => {
  const folder = tempFolder();
  writeTree(folder, { 'state/own': '', small: '' });
  closeSync(openSync(join(folder, 'large'), 'w'));
  truncateSync(join(folder, 'large'), 5 * 2 ** 40);
  expect(
    await listing(folder, { maxSizeBytes: 2 ** 40, ownFolders: [join(folder, 'state'), '/nowhere'] }),
  ).toEqual(['large file -too_large max_size', 'small file', 'state dir -own_state own_state']);
  // A source inside the own folder, such as a planted one, is not excluded by it.
  expect(await listing(join(folder, 'state'), { ownFolders: [folder] })).toEqual(['own file']);
});

test('what this program calls a file for a moment is skipped, and nothing that looks like it', async () => {
  const folder = tempFolder();
  const id = '0123456789abcdef'.repeat(2);
  const own = [id, `${id}.partial`, `${id.slice(16)}.partial`, `restore-${id}`].map(
    (name) => `.holdfast-${name}`,
  );
  const others = [
    `.holdfast-${id}x`,
    `.holdfast-restore-${id.slice(16)}`,
    `.holdfast-notes`,
    `a.holdfast-${id}`,
  ];
  writeTree(folder, Object.fromEntries([...own, ...others].map((name) => [name, ''])));
  const found = await listing(folder, {});
  expect(found.filter((line) => line.includes('own_state'))).toHaveLength(own.length);
  for (const name of others) expect(found).toContain(`${name} file`);
});

test('stays on its file system when told so', async () => {
  // /proc is another file system wherever Linux runs; its parent is the root of the tree.
  const root = await openRoot('/', { oneFileSystem: true });
  const seen: string[] = [];
  for await (const item of walk(root, compileFilter(root), { only: [bytes('proc/version')] })) {
    seen.push(`${item.path} ${item.error ? item.error.code : item.skip?.reason}`);
  }
  expect(seen).toEqual(['proc/version left_source']);
  const folders: string[] = [];
  for await (const item of walk(root, compileFilter(root), { only: [bytes('proc')] })) {
    folders.push(`${item.path} ${item.error ? item.error.code : item.skip?.reason}`);
  }
  expect(folders).toEqual(['proc other_filesystem']);
});

test('reaches entries where the absolute path is over 4,095 bytes', async () => {
  const folder = tempFolder();
  const path = makeDeepFile(folder, 'deep');
  const lines = await listing(folder);
  expect(lines).toHaveLength(21);
  expect(lines.at(-1)).toBe(`${path.toString('latin1')} file`);
});

test('an unreadable folder is a problem at its path, and the rest goes on', async () => {
  const folder = tempFolder();
  writeTree(folder, { 'a/x': '', 'shut/x': '', 'closed/x': '', 'z/x': '' });
  chmodSync(folder, 0o755);
  chmodSync(join(folder, 'shut'), 0);
  chmodSync(join(folder, 'closed'), 0o444);
  onTestFinished(() => {
    chmodSync(join(folder, 'shut'), 0o700);
    chmodSync(join(folder, 'closed'), 0o700);
  });
  const root = await openRoot(folder);
  const lines = await asOrdinaryUser(async () => {
    const seen: string[] = [];
    for await (const item of walk(root, compileFilter(root))) {
      seen.push(`${item.path} ${item.error ? item.error.code : item.kind}`);
    }
    return seen;
  });
  expect(lines).toEqual([
    'a dir',
    'a/x file',
    'closed dir',
    'closed/x EACCES',
    'shut dir',
    'shut EACCES',
    'z dir',
    'z/x file',
  ]);
});

test('a folder swapped for a link out of the source during the walk is not followed', async () => {
  const [folder, outside] = [tempFolder(), tempFolder()];
  // More than is looked at before the first is told.
  writeTree(folder, Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`a/${index}`, ''])));
  writeTree(folder, { 'b/1': '' });
  writeTree(outside, { secret: '' });
  const root = await openRoot(folder);
  const seen: string[] = [];
  for await (const item of walk(root, compileFilter(root))) {
    seen.push(`${item.path} ${item.error?.code ?? 'ok'}`);
    if (item.path.toString() !== 'a') continue;
    rmSync(join(folder, 'b'), { recursive: true });
    symlinkSync(outside, join(folder, 'b'));
  }
  expect(seen.slice(601)).toEqual(['b ok', 'b left_source']);
});

test('a walk does not end well when the source went away', async () => {
  const folder = tempFolder();
  writeTree(folder, { 'source/a': '', 'source/b': '' });
  const root = await openRoot(join(folder, 'source'));
  const walking = (async () => {
    for await (const item of walk(root, compileFilter(root))) {
      if (item.path.toString() !== 'a') continue;
      renameSync(join(folder, 'source'), join(folder, 'away'));
      mkdirSync(join(folder, 'source'));
    }
  })();
  await expect(walking).rejects.toMatchObject({ code: 'source_unavailable' });
});
