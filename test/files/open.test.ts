import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openInside, readLinkInside, statInside } from '../../src/files/open.ts';
import { checkRoot, openRoot } from '../../src/files/root.ts';
import { makeDeepFile } from './deep-tree.ts';
import { asOrdinaryUser, bytes, tempFolder, writeTree } from './temp-tree.ts';

async function contentOf(root: Parameters<typeof openInside>[0], path: Buffer): Promise<string> {
  const opened = await openInside(root, path);
  if (opened.kind !== 'file') return opened.kind;
  const content = await opened.handle.readFile('utf8');
  await opened.handle.close();
  return content;
}

test('opens files by the bytes of their names', async () => {
  const folder = tempFolder();
  const root = await openRoot(folder);
  for (const name of ['plain', 'new\nline', 'not-utf8-\xff\xfe', ' ', '-rf', '..x']) {
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), bytes(name)]), `content of ${name}`);
    expect(await contentOf(root, bytes(name))).toBe(`content of ${name}`);
  }
});

test('tells links, folders and special files without opening them', async () => {
  const folder = tempFolder();
  const root = await openRoot(folder);
  mkdirSync(join(folder, 'dir'));
  symlinkSync('/etc/passwd', join(folder, 'link'));
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  const server = createServer().listen(join(folder, 'socket'));
  await new Promise((resolve) => server.once('listening', resolve));
  const kinds: string[] = [];
  for (const name of ['dir', 'link', 'fifo', 'socket', 'nothing', 'dir/nothing']) {
    kinds.push((await openInside(root, bytes(name))).kind);
  }
  expect(kinds).toEqual(['dir', 'link', 'special', 'special', 'gone', 'gone']);
  expect(await readLinkInside(root, bytes('link'))).toEqual({ kind: 'link', target: bytes('/etc/passwd') });
  expect(await readLinkInside(root, bytes('dir'))).toEqual({ kind: 'gone' });
  await new Promise((resolve) => server.close(resolve));
});

test('a parent folder that became a link out of the source is left_source', async () => {
  const [folder, outside] = [tempFolder(), tempFolder()];
  writeTree(folder, { 'a/b/file': 'inside' });
  writeTree(outside, { 'b/file': 'secret', file: 'secret' });
  const root = await openRoot(folder);
  expect(await contentOf(root, bytes('a/b/file'))).toBe('inside');

  renameSync(join(folder, 'a/b'), join(folder, 'a/kept'));
  symlinkSync(outside, join(folder, 'a/b'));
  expect(await contentOf(root, bytes('a/b/file'))).toBe('left_source');
  expect((await statInside(root, bytes('a/b/file'))).kind).toBe('left_source');
  expect((await readLinkInside(root, bytes('a/b/file'))).kind).toBe('left_source');

  renameSync(join(folder, 'a'), join(folder, 'old'));
  symlinkSync(outside, join(folder, 'a'));
  expect(await contentOf(root, bytes('a/b/file'))).toBe('left_source');
});

test('a parent that became a link to elsewhere in the source holds nothing', async () => {
  const folder = tempFolder();
  writeTree(folder, { 'real/file': 'inside' });
  symlinkSync('real', join(folder, 'alias'));
  expect(await contentOf(await openRoot(folder), bytes('alias/file'))).toBe('gone');
});

test('never gives out a byte from outside while a parent is being swapped for a link', async () => {
  const [folder, outside] = [tempFolder(), tempFolder()];
  writeTree(folder, { 'a/file': 'inside' });
  writeTree(outside, { file: 'secret' });
  symlinkSync(outside, join(folder, 'evil'));
  const root = await openRoot(folder);
  // Another process exchanges the folder and the link as fast as it can.
  const stop = swapInBackground(folder);
  const seen = new Map<string, number>();
  for (let round = 0; round < 3_000; round++) {
    const content = await contentOf(root, bytes('a/file'));
    seen.set(content, (seen.get(content) ?? 0) + 1);
  }
  stop();
  expect(seen.get('secret')).toBeUndefined();
  expect(seen.get('inside')).toBeGreaterThan(0);
  expect(seen.get('left_source')).toBeGreaterThan(0);
});

test('refuses paths that are not below the root', async () => {
  const folder = tempFolder();
  writeTree(folder, { 'source/file': 'x', secret: 'secret' });
  const root = await openRoot(join(folder, 'source'));
  for (const path of ['../secret', '/etc/passwd', 'x/../../secret', './file', 'a//b', 'file/', 'a\0b']) {
    expect((await openInside(root, bytes(path))).kind).toBe('left_source');
  }
});

test('opens, stats and reads links where the absolute path is over 4,095 bytes', async () => {
  const folder = tempFolder();
  const path = makeDeepFile(folder, 'deep');
  const root = await openRoot(folder);
  expect(path.length).toBeGreaterThan(4_095);
  expect(await contentOf(root, path)).toBe('deep');
  expect((await statInside(root, path)).kind).toBe('file');
  expect(await contentOf(root, Buffer.concat([path, bytes('x')]))).toBe('gone');
});

test('an unreadable file says which error', async () => {
  const folder = tempFolder();
  writeTree(folder, { 'closed/file': 'x', shut: 'x' });
  chmodSync(folder, 0o755);
  chmodSync(join(folder, 'shut'), 0);
  chmodSync(join(folder, 'closed'), 0);
  const root = await openRoot(folder);
  const results = await asOrdinaryUser(async () => [
    await openInside(root, bytes('shut')),
    await openInside(root, bytes('closed/file')),
  ]);
  chmodSync(join(folder, 'closed'), 0o700);
  expect(results).toEqual([
    { kind: 'unreadable', code: 'EACCES' },
    { kind: 'unreadable', code: 'EACCES' },
  ]);
});

test('a file of a source that is away is unreadable, not gone', async () => {
  const folder = tempFolder();
  writeTree(folder, { 'source/file': 'x' });
  const root = await openRoot(join(folder, 'source'));
  expect(checkRoot(root)).toBe('present');

  renameSync(join(folder, 'source'), join(folder, 'away'));
  expect(checkRoot(root)).toBe('absent');
  expect(await openInside(root, bytes('file'))).toEqual({ kind: 'unreadable', code: 'source_absent' });

  mkdirSync(join(folder, 'source'));
  expect(checkRoot(root)).toBe('changed');
  expect(await statInside(root, bytes('file'))).toEqual({ kind: 'unreadable', code: 'source_changed' });

  rmSync(join(folder, 'source'), { recursive: true });
  renameSync(join(folder, 'away'), join(folder, 'source'));
  expect(checkRoot(root)).toBe('present');
});

test('opening a source that is no folder fails with its own code', async () => {
  const folder = tempFolder();
  writeTree(folder, { file: 'x' });
  await expect(openRoot(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'source_unavailable' });
  await expect(openRoot(join(folder, 'file'))).rejects.toMatchObject({ code: 'source_unavailable' });
});

/** Swaps `a` and the link `evil` in a loop until the returned function is called. */
function swapInBackground(folder: string): () => void {
  const script = `
    const { renameSync } = require('node:fs');
    process.chdir(process.argv[1]);
    process.on('disconnect', () => process.exit());
    function turn() {
      for (let i = 0; i < 50; i++) {
        renameSync('a', 't'); renameSync('evil', 'a'); renameSync('a', 'evil'); renameSync('t', 'a');
      }
      setImmediate(turn);
    }
    turn();`;
  const child = spawn(process.execPath, ['-e', script, folder], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return () => void child.kill('SIGKILL');
}
