import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { compileFilter, type FilterOptions } from '../../src/files/filter.ts';
import { openRoot } from '../../src/files/root.ts';
import { type WatchOptions, watchSource } from '../../src/watcher/watch.ts';
import { makeDeepFile } from '../files/deep-tree.ts';
import { bytes, tempFolder, writeTree } from '../files/temp-tree.ts';

const signs = { changed: '+', removed: '-', left_out: '!' };

describe.each([
  ['chokidar', 1_000],
  ['plain watches', 1],
])('watched by %s', (_, chokidarFolders) => {
  /** Watches a folder; what was told since the last `clear` is in `told` (`+path`, `-path`, `~path` skipped, `!path` gone and left out) and `problems`. */
  async function startWatch(
    folder: string | Buffer,
    filterOptions: FilterOptions = {},
    options: Partial<WatchOptions> = {},
  ) {
    const told = new Set<string>();
    const problems: string[] = [];
    let total = 0;
    const root = await openRoot(folder);
    const watch = await watchSource(root, compileFilter(root, filterOptions), {
      quietMs: 100,
      pollMs: 200,
      chokidarFolders,
      onPaths: (batch) => {
        total += batch.length;
        for (const { path, event } of batch) told.add(`${signs[event]}${path.toString('latin1')}`);
      },
      onSkipped: (batch) => {
        for (const { path } of batch) told.add(`~${path.toString('latin1')}`);
      },
      onProblem: (problem) => problems.push(problem.kind),
      ...options,
    });
    onTestFinished(() => watch.close());
    return {
      told,
      problems,
      watch,
      total: () => total,
      /** Waits until all of these were told. */
      async until(...lines: string[]): Promise<void> {
        const missing = () => lines.filter((line) => !told.has(line));
        for (let waitedMs = 0; missing().length > 0 && waitedMs < 10_000; waitedMs += 20)
          await setTimeout(20);
        expect(missing()).toEqual([]);
      },
      async untilProblem(kind: string): Promise<void> {
        for (let waitedMs = 0; !problems.includes(kind) && waitedMs < 10_000; waitedMs += 20)
          await setTimeout(20);
        expect(problems).toContain(kind);
      },
    };
  }

  test('new, changed, renamed and deleted files are told; what was there before is not', async () => {
    const folder = tempFolder();
    writeTree(folder, { 'a/old': '1', 'a/touched': '1', 'a/mode': '1', 'a/gone': '1', 'a/from': '1' });
    const { told, until } = await startWatch(folder);
    writeTree(folder, { new: '', 'a/new': '' });
    appendFileSync(join(folder, 'a/touched'), '2');
    chmodSync(join(folder, 'a/mode'), 0o600);
    unlinkSync(join(folder, 'a/gone'));
    renameSync(join(folder, 'a/from'), join(folder, 'a/to'));
    symlinkSync('old', join(folder, 'a/link'));
    await until('+new', '+a/new', '+a/touched', '+a/mode', '-a/gone', '-a/from', '+a/to', '+a/link', '+a');
    expect(told.has('+a/old')).toBe(false);
  });

  test('2,000 files made at once are all told', async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'known'));
    const { until } = await startWatch(folder);
    const lines: string[] = [];
    for (let index = 0; index < 2_000; index++) {
      const path = `${['known', 'fresh/deeper', '.'][index % 3]}/file-${index}`;
      writeTree(folder, { [path]: String(index) });
      lines.push(`+${path.replace('./', '')}`);
    }
    await until(...lines);
  });

  test('a folder that is moved in is told with all that is in it', async () => {
    const [folder, elsewhere] = [tempFolder(), tempFolder()];
    writeTree(elsewhere, { 'tree/1': '', 'tree/sub/2': '', 'tree/sub/deep/3': '' });
    const { until } = await startWatch(folder);
    renameSync(join(elsewhere, 'tree'), join(folder, 'tree'));
    await until('+tree', '+tree/1', '+tree/sub/2', '+tree/sub/deep/3');
    // And it is watched from then on.
    writeTree(folder, { 'tree/sub/deep/later': '' });
    await until('+tree/sub/deep/later');
  });

  test('a folder that is removed or moved out is told', async () => {
    const [folder, elsewhere] = [tempFolder(), tempFolder()];
    writeTree(folder, { 'out/1': '', 'removed/sub/1': '' });
    const { until } = await startWatch(folder);
    renameSync(join(folder, 'out'), join(elsewhere, 'out'));
    rmSync(join(folder, 'removed'), { recursive: true });
    await until('-out', '-removed');
  });

  test('a folder whose place another one takes is watched anew, with what is below', async () => {
    const folder = tempFolder();
    writeTree(folder, { 'live/sub/old': '' });
    writeTree(join(folder, 'next'), { 'sub/new': '' });
    const { told, until } = await startWatch(folder);
    for (const round of [1, 2]) {
      renameSync(join(folder, 'live'), join(folder, `old-${round}`));
      renameSync(join(folder, 'next'), join(folder, 'live'));
      await until('+live/sub/new', `+old-${round}/sub`);
      await setTimeout(500);
      told.clear();
      appendFileSync(join(folder, 'live/sub/new'), 'more');
      writeTree(folder, { 'live/sub/newer': '' });
      await until('+live/sub/new', '+live/sub/newer');
      cpSync(join(folder, 'live'), join(folder, 'next'), { recursive: true });
      await until('+next/sub/new');
      told.clear();
    }
  });

  test('a change right after another is not lost', async () => {
    const folder = tempFolder();
    writeTree(folder, { file: '' });
    const { until, told } = await startWatch(folder);
    for (let round = 0; round < 5; round++) {
      appendFileSync(join(folder, 'file'), 'a');
      await until('+file');
      told.clear();
      appendFileSync(join(folder, 'file'), 'b');
      await until('+file');
      told.clear();
    }
  });

  test('many changes of one file are told once it is quiet, and in the end although it never is', async () => {
    const folder = tempFolder();
    writeTree(folder, { busy: '' });
    const { until, told, total } = await startWatch(folder, {}, { patienceMs: 1_000 });
    for (let round = 0; round < 10; round++) {
      appendFileSync(join(folder, 'busy'), 'x');
      await setTimeout(20);
    }
    expect(total()).toBe(0);
    await until('+busy');
    expect(total()).toBe(1);
    told.clear();
    for (let round = 0; round < 80 && !told.has('+busy'); round++) {
      appendFileSync(join(folder, 'busy'), 'x');
      await setTimeout(20);
    }
    expect(told.has('+busy')).toBe(true);
  });

  test('names that are not UTF-8 and newlines: made, changed, removed, and folders', async () => {
    const folder = tempFolder();
    const odd = (name: string) => Buffer.concat([Buffer.from(`${folder}/`), bytes(name)]);
    writeFileSync(odd('old-\xff'), '');
    mkdirSync(odd('dir-\xfe'));
    writeFileSync(odd('dir-\xfe/in'), '');
    const { until, told } = await startWatch(folder);
    writeFileSync(odd('new-\xff'), '');
    writeFileSync(odd('new\nline'), '');
    unlinkSync(odd('old-\xff'));
    await until('+new-\xff', '+new\nline', '-old-\xff');
    // A folder chokidar has no name for is looked at again and again.
    appendFileSync(odd('dir-\xfe/in'), 'x');
    mkdirSync(odd('fresh-\xfe'));
    writeFileSync(odd('fresh-\xfe/in'), '');
    await until('+dir-\xfe/in', '+fresh-\xfe/in');
    told.clear();
    rmSync(odd('fresh-\xfe/in'));
    await until('-fresh-\xfe/in');
  });

  test('a source whose own path is not UTF-8 is watched', async () => {
    const source = Buffer.concat([Buffer.from(`${tempFolder()}/`), bytes('source-\xff')]);
    mkdirSync(source);
    const { until } = await startWatch(source);
    writeFileSync(Buffer.concat([source, bytes('/new')]), '');
    await until('+new');
    unlinkSync(Buffer.concat([source, bytes('/new')]));
    await until('-new');
  });

  test('changes where the absolute path is over 4,095 bytes are told', async () => {
    const folder = tempFolder();
    const path = makeDeepFile(folder, 'deep').toString('latin1');
    const { until, problems } = await startWatch(folder);
    execFileSync(process.execPath, [
      '-e',
      `process.chdir(process.argv[1]); for (const name of process.argv[2].split('/').slice(0, -1)) process.chdir(name);
     require('node:fs').appendFileSync('leaf', 'more');`,
      folder,
      path,
    ]);
    await until(`+${path}`);
    expect(problems).toEqual([]);
  });

  test('what the filter leaves out is not told, and its folders are not watched', async () => {
    const folder = tempFolder();
    writeTree(folder, { 'node_modules/p/x': '', 'sub/.holdfastignore': '*.tmp\n', 'state/x': '' });
    const { told, until } = await startWatch(folder, {
      exclude: ['node_modules/', '*.log'],
      ownFolders: [join(folder, 'state')],
    });
    writeTree(folder, {
      'node_modules/p/x': 'changed',
      'node_modules/q/y': '',
      'state/x': 'changed',
      'a.log': '',
      'sub/a.tmp': '',
      'sub/taken': '',
      'more/node_modules/z': '',
    });
    await until('+sub/taken', '~a.log', '~sub/a.tmp', '~more/node_modules');
    expect([...told].filter((line) => /node_modules\/|state\/|^\+.*(log|tmp)/.test(line))).toEqual([]);
  });

  test('what was there for a moment is judged by its name: ours are not told, those left out are not told as removed', async () => {
    const folder = tempFolder();
    writeTree(folder, { 'sub/.holdfastignore': '*.tmp\n', 'sub/node_modules/x': '', 'sub/known.log': '' });
    const { told, until } = await startWatch(folder, { exclude: ['node_modules/', '*.log', '!kept.log'] });
    const hex = '0123456789abcdef';
    const own = [`${hex}${hex}`, `${hex}.partial`, `${hex}${hex}.partial`, `restore-${hex}${hex}`];
    const names = [...own.map((name) => `.holdfast-${name}`), 'a.tmp', 'a.log', 'kept.log', 'taken'];
    writeTree(folder, Object.fromEntries(names.map((name) => [`sub/${name}`, ''])));
    for (const name of [...names, 'node_modules', 'known.log'])
      rmSync(join(folder, 'sub', name), { recursive: true });
    const left = `sub/.holdfast-${hex}${hex}`;
    writeTree(folder, { [left]: '', 'sub/last': '' });
    await until('!sub/a.tmp', '!sub/a.log', '!sub/known.log', '!sub/node_modules');
    await until('-sub/kept.log', '-sub/taken', '+sub/last');
    expect([...told].filter((line) => line.includes('.holdfast-'))).toEqual([]);
  });

  test('a changed ignore file counts at once', async () => {
    const folder = tempFolder();
    writeTree(folder, { '.holdfastignore': 'hidden/\n', 'hidden/file': '' });
    const { told, until } = await startWatch(folder);
    writeFileSync(join(folder, '.holdfastignore'), '*.tmp\n');
    await until('+hidden', '+hidden/file');
    writeTree(folder, { 'hidden/new': '', 'x.tmp': '' });
    await until('+hidden/new', '~x.tmp');
    expect(told.has('+x.tmp')).toBe(false);
  });

  test('a source that vanishes removes nothing, and is watched again when it returns', async () => {
    const folder = tempFolder();
    writeTree(folder, { 'source/a/file': '' });
    const source = join(folder, 'source');
    const { told, untilProblem, until, problems } = await startWatch(source);
    renameSync(source, join(folder, 'away'));
    await untilProblem('source_absent');
    mkdirSync(source);
    await setTimeout(500);
    writeTree(source, { foreign: '' });
    rmSync(source, { recursive: true });
    renameSync(join(folder, 'away'), source);
    await untilProblem('source_returned');
    writeTree(source, { 'a/new': '' });
    await until('+a/new');
    expect([...told].filter((line) => line.startsWith('-') || line.includes('foreign'))).toEqual([]);
    expect(problems).toEqual(['source_absent', 'source_returned']);
  });

  test('after close nothing is told', async () => {
    const folder = tempFolder();
    const { watch, total } = await startWatch(folder);
    writeTree(folder, { new: '' });
    await watch.close();
    writeTree(folder, { newer: '' });
    await setTimeout(400);
    expect(total()).toBe(0);
    expect(existsSync(join(folder, 'newer'))).toBe(true);
  });

  /** Some distributions let only root make user namespaces. */
  const canUnshare = spawnSync('unshare', ['--user', '--map-root-user', 'true']).status === 0;

  test.skipIf(!canUnshare)(
    'a kernel limit on watches is told once, with the sysctl to set, and what is watched goes on',
    async () => {
      const folder = tempFolder();
      writeTree(folder, Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`${index}/file`, ''])));
      const script = `
    const { openRoot } = await import(process.argv[1] + '/src/files/root.ts');
    const { compileFilter } = await import(process.argv[1] + '/src/files/filter.ts');
    const { watchSource } = await import(process.argv[1] + '/src/watcher/watch.ts');
    const root = await openRoot(process.argv[2]);
    const told = [];
    const watch = await watchSource(root, compileFilter(root), {
      onPaths: (batch) => told.push(...batch.map(({ path }) => String(path))),
      onProblem: ({ kind, failure }) => told.push(kind + ' ' + failure?.message + ' ' + failure?.hint),
    });
    (await import('node:fs')).writeFileSync(process.argv[2] + '/new', '');
    setTimeout(async () => { await watch.close(); process.stdout.write(JSON.stringify(told)); }, 600);`;
      // In a user namespace of its own the limit of one process can be set without touching the machine's.
      const output = execFileSync('unshare', [
        '--user',
        '--map-root-user',
        'sh',
        '-c',
        'echo 5 > /proc/sys/user/max_inotify_watches && exec "$@"',
        'sh',
        process.execPath,
        '--input-type=module',
        '-e',
        script,
        process.cwd(),
        folder,
      ]);
      const told = JSON.parse(output.toString()) as string[];
      expect(told.filter((line) => line.startsWith('watch_limit'))).toHaveLength(1);
      expect(told.join()).toMatch(/sysctl fs\.inotify\.max_user_watches=\d{6}/);
      expect(told).toContain('new');
    },
  );
});
