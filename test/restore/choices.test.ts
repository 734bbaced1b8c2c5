import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { Failure } from '../../src/domain/failures.ts';
import { systemCalls } from '../../src/files/system-calls.ts';
import { type RestoreRequest, restoreTree } from '../../src/restore/restore.ts';
import type { RestorableFile, RestoreTotals } from '../../src/restore/restore-index.ts';
import { countItem, emptySummary, type RestoredItem } from '../../src/restore/restored-item.ts';
import { tempFolder } from '../files/temp-tree.ts';
import { someFiles } from './killed-restore.ts';
import { MemoryRepository, noise } from './memory-repository.ts';

const mebibyte = 1024 * 1024;
const mtimeNs = 1_700_000_000_123_456_789n;

let repository: MemoryRepository;
let to: string;
beforeEach(() => {
  repository = new MemoryRepository();
  to = tempFolder();
});

async function restore(request: Partial<RestoreRequest> = {}): Promise<Map<string, RestoredItem>> {
  const items = new Map<string, RestoredItem>();
  for await (const item of restoreTree(repository.deps, { source: 'docs', to, ...request })) {
    items.set(item.path.toString(), item);
  }
  return items;
}

async function versionOf({ deps, sourceId }: MemoryRepository, path: string): Promise<RestorableFile> {
  const rows = deps.index.rows({ sourceId, path: Buffer.from(path) }, 'tree');
  for await (const { version } of rows) if (version?.kind === 'file') return version;
  throw new Error('no such file');
}

const results = (items: Map<string, RestoredItem>) =>
  Object.fromEntries([...items].map(([path, { result }]) => [path, result]));
const summaryOf = (items: Map<string, RestoredItem>) => [...items.values()].reduce(countItem, emptySummary);
const inSource = (...path: string[]): string => join(to, 'docs', ...path);
const text = (file: string): string => readFileSync(file, 'utf8');
const hidden = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.holdfast-'));

describe('what is chosen', () => {
  beforeEach(() => {
    repository.folder('letters', { mode: 0o750 });
    repository.folder('letters/old');
    repository.file('letters/a.odt', 'aa');
    repository.file('letters/a.tmp', 'tmp');
    repository.file('letters/old/b.odt', 'bbb');
    repository.file('letters/file[1].odt', 'literal');
    repository.file('letters/file1.odt', 'not it');
    repository.folder('pictures');
    repository.file('pictures/c.odt', 'cccc');
    repository.link('pictures/link', 'c.odt');
  });

  const chosen = async (request: Partial<RestoreRequest>) => {
    let totals: RestoreTotals | undefined;
    const items = await restore({ ...request, onStart: (known) => (totals = known) });
    return { paths: [...items.keys()].sort(), totals };
  };

  test('by patterns; only that is counted, and the folders on the way get their metadata', async () => {
    const { paths, totals } = await chosen({ include: ['*.odt'], exclude: ['old', '/pictures'] });
    expect(paths).toEqual(['letters', 'letters/a.odt', 'letters/file1.odt', 'letters/file[1].odt']);
    expect(totals).toEqual({ entries: 4, files: 3, hardlinks: 0, links: 0, folders: 1, bytes: 15 });
    expect(statSync(inSource('letters')).mode & 0o777).toBe(0o750);
    expect(lstatSync(inSource('letters'), { bigint: true }).mtimeNs).toBe(mtimeNs);
    expect(readdirSync(inSource())).toEqual(['letters']);
  });

  test('by a folder pattern, with everything below', async () => {
    expect((await chosen({ include: ['/pictures'] })).paths).toEqual([
      'pictures',
      'pictures/c.odt',
      'pictures/link',
    ]);
  });

  test('by a path with wildcards, from the top of the source', async () => {
    const path = (given: string) => ({ path: Buffer.from(given) });
    expect((await chosen(path('letters/**/*.odt'))).paths).toEqual([
      'letters',
      'letters/a.odt',
      'letters/file1.odt',
      'letters/file[1].odt',
      'letters/old',
      'letters/old/b.odt',
    ]);
    expect((await chosen(path('*/c.odt'))).paths).toEqual(['pictures', 'pictures/c.odt']);
    expect(await chosen(path('*.odt')).catch((error: Failure) => error.code)).toBe('path_unknown');
  });

  test('by the exact name where an entry has it, whatever it could match', async () => {
    const { paths } = await chosen({ path: Buffer.from('letters/file[1].odt') });
    expect(paths).toEqual(['letters/file[1].odt']);
  });

  test('room is needed for what is chosen only', async () => {
    const { totals } = await chosen({ include: ['c.odt'] });
    expect(totals?.bytes).toBe(4);
  });
});

describe('what has the name already', () => {
  const older = new Date(1_600_000_000_000);
  const newer = new Date(1_800_000_000_000);
  let outside: string;

  beforeEach(() => {
    repository.file('file', 'ours');
    repository.file('linked', 'ours too');
    repository.link('link', 'target');
    repository.file('folder', 'not a folder');
    repository.file('equal', 'same');
    outside = join(tempFolder(), 'victim');
    writeFileSync(outside, 'outside');
    mkdirSync(inSource('folder'), { recursive: true });
    writeFileSync(inSource('folder', 'inside'), 'mine');
    writeFileSync(inSource('file'), 'mine, and longer');
    symlinkSync(outside, inSource('linked'));
    symlinkSync('elsewhere', inSource('link'));
    writeFileSync(inSource('equal'), 'same');
  });

  test('never: stays, and ours is beside it', async () => {
    const items = await restore({ overwrite: 'never' });
    expect(results(items)).toEqual({
      file: 'conflict',
      linked: 'conflict',
      link: 'conflict',
      folder: 'conflict',
      equal: 'unchanged',
    });
    expect(text(inSource('file'))).toBe('mine, and longer');
    expect(text(inSource('file (1)'))).toBe('ours');
  });

  test('always: a file or link is replaced, in one step and never through it; a folder stays', async () => {
    const inode = lstatSync(inSource('file')).ino;
    const items = await restore({ overwrite: 'always' });
    expect(results(items)).toEqual({
      file: 'replaced',
      linked: 'replaced',
      link: 'replaced',
      folder: 'conflict',
      equal: 'unchanged',
    });
    expect(text(inSource('file'))).toBe('ours');
    expect(lstatSync(inSource('file')).ino).not.toBe(inode);
    expect(lstatSync(inSource('linked')).isFile()).toBe(true);
    expect(text(outside)).toBe('outside');
    expect(readlinkSync(inSource('link'))).toBe('target');
    expect(text(inSource('folder', 'inside'))).toBe('mine');
    expect(text(inSource('folder (1)'))).toBe('not a folder');
    expect(hidden(to)).toEqual([]);
    expect(summaryOf(items)).toMatchObject({ replaced: 3, conflict: 1, unchanged: 1 });
  });

  test('if-newer: only what is older than the version is replaced', async () => {
    utimesSync(inSource('file'), newer, newer);
    utimesSync(inSource('equal'), older, older);
    expect((await restore({ overwrite: 'if-newer' })).get('file')).toMatchObject({ result: 'kept' });
    expect(text(inSource('file'))).toBe('mine, and longer');
    utimesSync(inSource('file'), older, older);
    expect((await restore({ overwrite: 'if-newer' })).get('file')).toMatchObject({ result: 'replaced' });
    expect(text(inSource('file'))).toBe('ours');
  });

  test('a dry run tells what would be replaced, and replaces nothing', async () => {
    const items = await restore({ overwrite: 'always', dryRun: true });
    expect(results(items)).toMatchObject({ file: 'replaced', folder: 'conflict', equal: 'unchanged' });
    expect(text(inSource('file'))).toBe('mine, and longer');
  });

  test('hard links replace what has their name, and keep what others share', async () => {
    repository.file('other', 'ours', { hardlink: 'file' });
    writeFileSync(inSource('other'), 'mine');
    linkSync(inSource('other'), join(to, 'a further name'));
    const items = await restore({ overwrite: 'always' });
    expect(items.get('other')).toMatchObject({ result: 'replaced' });
    expect(lstatSync(inSource('other')).ino).toBe(lstatSync(inSource('file')).ino);
    expect(text(join(to, 'a further name'))).toBe('mine');
    expect(hidden(to)).toEqual([]);
  });

  test('a target that is a link is refused', async () => {
    const link = join(tempFolder(), 'link');
    symlinkSync(to, link);
    for (const dryRun of [true, false]) {
      await expect(restore({ to: link, dryRun })).rejects.toMatchObject({ code: 'target_is_link' });
    }
  });
});

describe('metadata', () => {
  test('extended attributes, of files and folders, unless they are not wanted', async () => {
    const calls = systemCalls();
    const value = Buffer.from([0, 1, 255]);
    const xattrs = { 'user.note': value.toString('base64'), 'user.empty': '' };
    repository.file('file', 'x', { mode: 0o400, xattrs });
    repository.folder('folder', { xattrs });
    const wanted = await restore();
    expect(summaryOf(wanted).warnings).toEqual({});
    for (const name of ['file', 'folder']) {
      expect(calls?.attribute(Buffer.from(inSource(name)), Buffer.from('user.note'))).toEqual(value);
      expect(calls?.attribute(Buffer.from(inSource(name)), Buffer.from('user.empty'))).toHaveLength(0);
    }
    to = tempFolder();
    await restore({ xattrs: false });
    expect(calls?.listAttributes(Buffer.from(inSource('file')))).toEqual([]);
  });

  test('what no backup of ours holds, or lends rights that nobody asked for, is not set', async () => {
    const calls = systemCalls();
    const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex').toString('base64');
    repository.file('tool', 'x', { xattrs: { 'security.capability': capability } });
    repository.file('odd', 'x', { xattrs: { 'trusted.overlay.opaque': 'eQ==' } });
    const items = await restore();
    expect(calls?.listAttributes(Buffer.from(inSource('tool')))).toEqual([]);
    expect(items.get('tool')?.warnings).toBeUndefined();
    expect(items.get('odd')).toMatchObject({ result: 'restored', warnings: ['xattrs_not_set'] });
    expect(summaryOf(items)).toMatchObject({ restored: 2, failed: 0, warnings: { xattrs_not_set: 1 } });
  });

  test('runs of zeros become holes, of any length, and read back', async () => {
    const sparse = Buffer.alloc(12 * mebibyte);
    noise(mebibyte, 'data').copy(sparse, 5 * mebibyte + 123);
    repository.file('sparse', sparse);
    repository.file('zeros', Buffer.alloc(3 * mebibyte + 17));
    await restore();
    expect(readFileSync(inSource('sparse')).equals(sparse)).toBe(true);
    expect(lstatSync(inSource('sparse')).blocks * 512).toBeLessThan(1.2 * mebibyte);
    expect(statSync(inSource('zeros')).size).toBe(3 * mebibyte + 17);
    expect(lstatSync(inSource('zeros')).blocks * 512).toBeLessThan(20_000);
  });
});

describe('objects', () => {
  test('are found by name when a copied bucket gave them other version ids, whatever lies on top', async () => {
    const key = repository.file('file', 'true');
    repository.store.plantVersion(key, noise(2_000, 'garbage'));
    const { place } = await versionOf(repository, 'file');
    Object.assign(place, { s3VersionId: 'of another bucket' });
    expect((await restore()).get('file')).toMatchObject({ result: 'restored' });
    expect(text(inSource('file'))).toBe('true');
  });

  test('a reset in mid-object costs the bytes it hit only', async () => {
    const content = noise(40 * mebibyte, 'large');
    repository.file('large', content);
    let requests = 0;
    repository.fault = ({ operation, moment }) => {
      // The answer is lost after the store sent it.
      if (operation !== 'get' || moment !== 'after') return;
      if (++requests === 9)
        throw new Failure('s3_unavailable', { destination: 'main', reason: 'ECONNRESET' });
    };
    await restore();
    expect(readFileSync(inSource('large')).equals(content)).toBe(true);
    // Head, footer, metadata, table, ten stretches of 4 MiB, and one of those again.
    expect(requests).toBe(4 + 10 + 1);
  });
});

describe('a restore that was stopped', () => {
  /** Bytes this process read, from disk or cache. */
  const readSoFar = (): number => Number(/rchar: (\d+)/.exec(text('/proc/self/io'))?.[1]);
  const journal = (): string => join(to, `.holdfast-restore-${repository.sourceId}`);

  /** Restores until the files of 4 MiB are there, and stops. */
  async function restorePart(): Promise<void> {
    for (let index = 0; index < 5; index++) repository.file(`${index}`, noise(4 * mebibyte, `${index}`));
    repository.file('zz', 'last');
    let count = 0;
    for await (const _ of restoreTree(repository.deps, { source: 'docs', to, jobs: 1 }))
      if (++count === 5) break;
    expect(statSync(journal()).mode & 0o777).toBe(0o600);
  }

  test('goes on without reading again what was verified, and leaves no journal', async () => {
    await restorePart();
    const before = readSoFar();
    expect(summaryOf(await restore())).toMatchObject({ unchanged: 5, restored: 1 });
    expect(readSoFar() - before).toBeLessThan(4 * mebibyte);
    expect(hidden(to)).toEqual([]);
  });

  test('reads what was touched since, and a journal that others can write counts for nothing', async () => {
    await restorePart();
    const { atime, mtime } = statSync(inSource('2'));
    const changed = noise(4 * mebibyte, 'changed');
    writeFileSync(inSource('2'), changed);
    utimesSync(inSource('2'), atime, mtime);
    chmodSync(journal(), 0o666);
    const before = readSoFar();
    expect(results(await restore())).toMatchObject({ '1': 'unchanged', '2': 'conflict' });
    expect(readSoFar() - before).toBeGreaterThan(16 * mebibyte);
    expect(readFileSync(inSource('2')).equals(changed)).toBe(true);
  });

  test('reads a file again whose time was put back after a change', async () => {
    await restorePart();
    const wanted = noise(4 * mebibyte, '3');
    wanted.writeUInt8((wanted[77] as number) ^ 1, 77);
    writeFileSync(inSource('3'), wanted);
    systemCalls()?.setMtime(Buffer.from(inSource('3')), mtimeNs);
    expect((await restore()).get('3')).toMatchObject({ result: 'conflict' });
  });

  test('tolerates a torn line', async () => {
    await restorePart();
    const lines = readFileSync(journal());
    truncateSync(journal(), lines.length - 5);
    expect(summaryOf(await restore())).toMatchObject({ unchanged: 5, restored: 1 });
  });

  test('kill -9: nothing half made has a name, a large file goes on, and nothing is left in the end', {
    timeout: 60_000,
  }, async () => {
    const script = fileURLToPath(new URL('./killed-restore.ts', import.meta.url));
    // Small files first, two at once; then the large one's head and stretches.
    for (const fatal of [100, 70]) {
      const { signal, stderr } = spawnSync(process.execPath, [script, to, String(fatal)], {
        encoding: 'utf8',
      });
      expect(signal, stderr).toBe('SIGKILL');
      for (const name of readdirSync(inSource('small'))) {
        if (name.startsWith('.holdfast-') || name === 'medium') continue;
        expect(text(inSource('small', name))).toBe(`content ${name}`);
      }
      expect(existsSync(inSource('zz-large'))).toBe(false);
    }
    const [partial = ''] = hidden(to).filter((name) => /\.holdfast-[0-9a-f]{32}\.partial$/.test(name));
    const done = statSync(join(to, partial)).size;
    expect(done).toBeGreaterThan(8 * mebibyte);
    repository = someFiles();
    let requests = 0;
    repository.fault = ({ operation, moment }) => {
      if (operation === 'get' && moment === 'before') requests++;
    };
    expect(summaryOf(await restore())).toMatchObject({ entries: 152, unchanged: 151, restored: 1 });
    expect(requests).toBeLessThanOrEqual(4 + Math.ceil((72 * mebibyte - done) / (4 * mebibyte)) + 1);
    expect(readFileSync(inSource('zz-large')).equals(noise(72 * mebibyte, 'large'))).toBe(true);
    expect(hidden(to)).toEqual([]);
  });

  test('a large file that was altered in the meantime is read from the beginning', async () => {
    mkdirSync(inSource());
    const version = await versionOf(someFiles(), 'zz-large');
    const partial = inSource(`.holdfast-${version.id}.partial`);
    writeFileSync(partial, noise(9 * mebibyte, 'something else'), { mode: 0o600 });
    repository = someFiles();
    let bytes = 0;
    expect((await restore({ onBytes: (count) => (bytes += count) })).get('zz-large')).toMatchObject({
      result: 'restored',
    });
    expect(readFileSync(inSource('zz-large')).equals(noise(72 * mebibyte, 'large'))).toBe(true);
    expect(bytes).toBe(summaryOf(await restore()).bytes);
  });
});

test.runIf(process.getuid?.() === 0)(
  'times, modes and attributes that a file system lacks are warnings',
  async () => {
    const { warnings } = summaryOf(await onRamfs());
    expect(warnings).toEqual({ xattrs_not_set: 1 });
  },
);

/** ramfs has no user attributes. */
async function onRamfs(): Promise<Map<string, RestoredItem>> {
  repository.file('file', 'x', { xattrs: { 'user.note': 'eA==' } });
  execFileSync('mount', ['-t', 'ramfs', 'ramfs', to]);
  try {
    return await restore();
  } finally {
    execFileSync('umount', [to]);
  }
}
