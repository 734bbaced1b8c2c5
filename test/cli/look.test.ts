import { hash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.ts';
import { openPool } from '../../src/catalog/database.ts';
import { catalogIndex } from '../../src/catalog/restore-query.ts';
import { fileToPrint, print } from '../../src/cli/commands/cat.ts';
import { diff } from '../../src/cli/commands/diff.ts';
import { type FindOptions, find } from '../../src/cli/commands/find.ts';
import { type LsOptions, list } from '../../src/cli/commands/ls.ts';
import { parseTarget } from '../../src/cli/target.ts';
import { isFailure } from '../../src/domain/failures.ts';
import { globMatcher } from '../../src/files/glob.ts';
import { ByteBudget } from '../../src/restore/byte-budget.ts';
import type { Selection } from '../../src/restore/restore-index.ts';
import { addObserved, day, reopen } from '../catalog/observed.ts';
import { type Given, TestRepository } from '../restore/repository.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
const zone = process.env.TZ;
const never = new AbortController().signal;
let catalog: Catalog;
let repository: TestRepository;

beforeAll(async () => {
  process.env.TZ = 'Europe/Paris';
  catalog = new Catalog(await openPool({ uri: (await postgres().database()).writerUri }));
});
afterAll(async () => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
  await catalog.close();
});

beforeEach(async () => {
  repository = await new TestRepository(catalog).open();
});

const add = (path: string | Buffer, observed: number, given: Given = {}) =>
  addObserved(repository, path, observed, given);

/** Keeps what a command writes. */
class Written {
  readonly json: boolean;
  readonly lines: string[] = [];
  readonly values: Record<string, unknown>[] = [];
  readonly notes: string[] = [];
  bytes: Buffer = Buffer.alloc(0);

  constructor(json = false) {
    this.json = json;
  }
  line(text: string): void {
    if (!this.json) this.lines.push(...text.split('\n'));
  }
  value(value: unknown): void {
    if (this.json) this.values.push(JSON.parse(JSON.stringify(value)));
  }
  note(text: string): void {
    this.notes.push(text);
  }
  progress(): void {}
  async content(bytes: Buffer): Promise<void> {
    this.bytes = Buffer.concat([this.bytes, bytes]);
  }
}

describe('ls', () => {
  async function ls(path: string, options: LsOptions = {}, json = false): Promise<Written> {
    const written = new Written(json);
    await list(catalog, written, never, parseTarget(`${repository.source}:${path}`), options);
    return written;
  }

  test('lists a folder as it was, with what could not be protected', async () => {
    await add('letters', 1, { kind: 'dir' });
    await add('letters/a', 1, { content: 'one' });
    await add('letters/a', 3, { content: 'longer', outcome: 'failed', reason: 'unreadable' });
    await add('letters/b', 2, { outcome: 'ignored', reason: 'excluded' });
    await add('letters/to', 1, { kind: 'link', linkTarget: 'a\x1b[2J' });
    await add('notes', 4);
    expect((await ls('')).lines).toEqual(['letters/', 'notes']);
    expect((await ls('', { at: day(3) })).lines).toEqual(['letters/']);
    const { lines, notes } = await ls('letters');
    expect(lines).toEqual([
      'letters/a  (an earlier version: the newest is failed: it could not be read [unreadable])',
      'letters/b  (never protected: ignored: a pattern excludes it [excluded])',
      'letters/to -> a\\x1b[2J',
    ]);
    expect(notes).toEqual(['As of now: 3 entries, 3 B; 1 never protected']);
    expect((await ls('letters', { at: day(1) })).notes).toEqual([
      'As of 2026-11-01 01:00:00 +01:00: 2 entries, 3 B',
    ]);
    expect((await ls('', { recursive: true })).lines).toHaveLength(5);
    expect((await ls('notes')).lines).toEqual(['notes']);
  });

  test('--long shows permissions, size and time with its offset', async () => {
    await add('tool', 1, { mode: 0o4711, mtimeNs: -1n, content: 'x'.repeat(2048) });
    await add('top', 1, { kind: 'dir', mode: 0o1777, mtimeNs: 1_784_000_000_000_000_000n });
    expect((await ls('', { long: true })).lines).toEqual([
      '-rws--x--x  2.0 KiB  1970-01-01 00:59:59 +01:00  tool',
      'drwxrwxrwt        -  2026-07-14 05:33:20 +02:00  top/',
    ]);
  });

  test('--json names version, mode, exact time and bytes that are not UTF-8', async () => {
    const path = Buffer.from([0x61, 0xff]);
    const first = await add(path, 1, { content: 'one', mode: 0o640, mtimeNs: -1n, uid: 7, gid: 8 });
    await add(path, 2, { outcome: 'failed', reason: 'changing' });
    await add('deep/file', 1);
    await add('to', 1, { kind: 'link', linkTarget: path });
    const { values, notes } = await ls('', {}, true);
    expect(notes).toEqual([]);
    expect(values).toEqual([
      {
        source: repository.source,
        path: 'a\ufffd',
        pathBytes: path.toString('base64'),
        kind: 'file',
        size: 3,
        mode: '0640',
        uid: 7,
        gid: 8,
        mtime: '1969-12-31T23:59:59.999999999Z',
        versionId: first.versionId,
        outcome: 'uploaded',
        reason: null,
        observedAt: '2026-11-01T00:00:00.000Z',
        restorable: true,
        newest: 'failed',
      },
      { source: repository.source, path: 'deep', kind: 'dir', restorable: true },
      expect.objectContaining({
        kind: 'link',
        size: null,
        linkTarget: 'a\ufffd',
        linkTargetBytes: path.toString('base64'),
      }),
    ]);
  });

  test('tells what is under way from a folder that has no entry of its own', async () => {
    const open = await add('new', 1);
    await reopen(repository, open.versionId);
    await catalog.rows('update entries set head_version_id = null where id = $1', [open.entryId]);
    await add('deep/file', 1);
    expect((await ls('')).lines).toEqual(['deep/', 'new  (never protected: under way)']);
    expect((await ls('', { long: true })).lines[0]).toBe('d?????????  -  -  deep/');
    expect((await ls('', {}, true)).values[1]).toMatchObject({ kind: null, restorable: false });
  });

  test('takes a path as it is printed, also where its bytes are not UTF-8', async () => {
    const folder = Buffer.concat([Buffer.from('caf'), Buffer.from([0xe9])]);
    await add(Buffer.concat([folder, Buffer.from('/menu')]), 1);
    expect((await ls('')).lines).toEqual(['caf\ufffd/']);
    expect((await ls('caf\ufffd')).lines).toEqual(['caf\ufffd/menu']);
    expect((await ls('caf\ufffd/menu')).lines).toEqual(['caf\ufffd/menu']);
    await expect(ls('caf\ufffd/\ufffd')).rejects.toThrow('nothing under that path');
    await add(Buffer.from('caf\xea', 'latin1'), 1);
    await expect(ls('caf\ufffd')).rejects.toThrow('2 names are printed like that one');
    // One that is really called so goes before those that are only printed so.
    await add('caf\ufffd', 1);
    expect((await ls('caf\ufffd')).lines).toEqual(['caf\ufffd']);
  });

  test('says when there is nothing', async () => {
    await add('a', 5);
    await expect(ls('b')).rejects.toThrow('nothing under that path as of now');
    await expect(ls('a', { at: day(2) })).rejects.toThrow('as of 2026-11-02 01:00:00 +01:00');
    await expect(list(catalog, new Written(), never, { source: 'nowhere' }, {})).rejects.toThrow('nowhere');
    expect((await ls('', { at: day(2) })).lines).toEqual([]);
  });
});

describe('find', () => {
  async function found(pattern: string, options: FindOptions, json = false): Promise<Written> {
    const written = new Written(json);
    await find(catalog, written, never, globMatcher(pattern), options);
    return written;
  }
  const names = async (pattern: string, options: FindOptions = {}) =>
    (await found(pattern, { source: repository.source, ...options }, true)).values.map((row) => row.path);

  test('by name or path, kind, size, time and outcome', async () => {
    await add('a', 1, { kind: 'dir' });
    await add('a/x.odt', 1, {
      content: 'x'.repeat(2000),
      mtimeNs: BigInt(day(3).getTime()) * 1_000_000n + 1n,
    });
    await add('a/y.odt', 1, { mtimeNs: BigInt(day(3).getTime()) * 1_000_000n });
    await add('z.odt', 1, { outcome: 'quarantined' });
    await add('l.odt', 1, { kind: 'link', linkTarget: 'x' });
    await add('gone.odt', 1);
    await add('gone.odt', 2, { outcome: 'deleted', content: '' });
    expect(await names('*.odt')).toEqual(['a/x.odt', 'a/y.odt', 'l.odt', 'z.odt']);
    expect(await names('a/*')).toEqual(['a/x.odt', 'a/y.odt']);
    expect(await names('*', { type: 'd' })).toEqual(['a']);
    expect(await names('*', { type: 'l' })).toEqual(['l.odt']);
    expect(await names('*', { larger: 1999, type: 'f' })).toEqual(['a/x.odt']);
    expect(await names('*', { larger: 2000 })).toEqual([]);
    expect(await names('a/*', { newer: day(3) })).toEqual(['a/x.odt']);
    expect(await names('*', { outcome: 'deleted' })).toEqual(['gone.odt']);
    expect(await names('*', { outcome: 'quarantined' })).toEqual(['z.odt']);
    expect(await names('g*', { at: day(1) })).toEqual(['gone.odt']);
  });

  test('--versions lists what --version takes', async () => {
    const first = await add('a', 1, { content: 'one' });
    const second = await add('a', 2, { outcome: 'held', reason: 'denied', content: 'longer' });
    const third = await add('a', 3, { outcome: 'deleted', content: '' });
    const { lines, notes } = await found('a', { source: repository.source, versions: true });
    expect(lines).toEqual([
      `${repository.source}:a`,
      `  ${third.versionId}  seen 2026-11-03 01:00:00 +01:00  0 B  deleted`,
      `  ${second.versionId}  seen 2026-11-02 01:00:00 +01:00  6 B  held: denied`,
      `  ${first.versionId}  seen 2026-11-01 01:00:00 +01:00  3 B  uploaded`,
    ]);
    expect(notes).toEqual(['3 versions found, 1 looked at']);
    expect(
      (await found('a', { source: repository.source, versions: true, outcome: 'uploaded' }, true)).values,
    ).toMatchObject([{ versionId: first.versionId, observedAt: day(1).toISOString() }]);
  });

  test('looks into every source, in order of their names', async () => {
    const other = await new TestRepository(catalog).open();
    const name = `n${repository.source}`;
    await add(name, 1);
    await addObserved(other, name, 1);
    const { lines } = await found(name, {});
    expect(lines.map((line) => line.split('  ').at(-1))).toEqual(
      [repository.source, other.source].sort().map((source) => `${source}:${name}`),
    );
  });
});

test('diff marks each change with a letter and counts', async () => {
  await add('edited', 1, { content: 'one' });
  await add('edited', 3, { content: 'three' });
  await add('gone', 1, { content: '1234' });
  await add('gone', 3, { outcome: 'deleted' });
  await add('mode', 1, { mode: 0o600 });
  await add('mode', 3, { mode: 0o640 });
  await add('new', 3, { content: 'x'.repeat(2048) });
  await add('turned', 1, { content: '12' });
  await add('turned', 3, { kind: 'dir' });
  const { source } = repository;
  const moments = { from: day(2), to: day(4), wanted: { source } };
  const text = new Written();
  await diff(catalog, text, never, moments);
  expect(text.lines).toEqual([
    `M  ${source}:edited  3 B → 5 B`,
    `-  ${source}:gone  4 B`,
    `U  ${source}:mode`,
    `+  ${source}:new  2.0 KiB`,
    `T  ${source}:turned/  2 B`,
  ]);
  expect(text.notes).toEqual([
    '2026-11-02 01:00:00 +01:00 to 2026-11-04 01:00:00 +01:00: 1 added, 1 removed, 1 modified, ' +
      '1 with other metadata, 1 of another type; 2.0 KiB came, 9 B went',
  ]);
  const json = new Written(true);
  await diff(catalog, json, never, { ...moments, wanted: { source, path: Buffer.from('edited') } });
  expect(json.values).toMatchObject([
    { source, path: 'edited', change: 'modified', before: { size: 3 }, after: { size: 5, mode: '0644' } },
    {
      summary: { from: day(2).toISOString(), added: 0, modified: 1, addedBytes: 5, removedBytes: 3 },
    },
  ]);
});

describe('cat', () => {
  async function cat(path: string, more: Partial<Selection> = {}, json = false): Promise<Written> {
    const written = new Written(json);
    const selection = { sourceId: repository.sourceId, path: Buffer.from(path), ...more };
    const file = await fileToPrint(catalogIndex(catalog), selection);
    const deps = { ...repository.deps, retryPausesMs: [1], memory: new ByteBudget(2 ** 26), signal: never };
    await print(deps, written, repository.source, file).catch((error: unknown) => {
      throw Object.assign(error as Error, { written });
    });
    return written;
  }

  test('prints a file as it is, as it was, and by version', async () => {
    const first = await add('a', 1, { content: 'one' });
    await add('a', 3, { content: 'three' });
    await add('a.txt', 1);
    expect(`${(await cat('a')).bytes}`).toBe('three');
    expect(`${(await cat('a', { at: day(2) })).bytes}`).toBe('one');
    expect(`${(await cat('a', { versionId: first.versionId })).bytes}`).toBe('one');
    expect((await cat('a', {}, true)).values).toEqual([
      { content: Buffer.from('three').toString('base64') },
      {
        summary: expect.objectContaining({ path: 'a', size: 5, sha512: hash('sha512', 'three', 'hex') }),
      },
    ]);
  });

  test('prints a hard link, an empty file and one of many segments', async () => {
    const first = await add('a', 1, { content: Buffer.alloc(9 * 2 ** 20, 'segment') });
    await add('b', 1, {
      hardlink: first.entryId,
      sharing: first,
      content: Buffer.alloc(9 * 2 ** 20, 'segment'),
    });
    await add('empty', 1, { content: '' });
    expect((await cat('b')).bytes.equals(Buffer.alloc(9 * 2 ** 20, 'segment'))).toBe(true);
    expect((await cat('empty')).bytes).toHaveLength(0);
  });

  test('says that it prints an earlier version', async () => {
    const first = await add('a', 1, { content: 'one' });
    await add('a', 2, { outcome: 'failed' });
    const { notes, bytes } = await cat('a');
    expect(`${bytes}`).toBe('one');
    expect(notes.join()).toMatch(new RegExp(`earlier version, ${first.versionId}.*failed`));
  });

  test('refuses what is no file, not there, or never protected, each in its own words', async () => {
    await add('folder', 1, { kind: 'dir' });
    await add('folder/file', 1);
    await add('link', 1, { kind: 'link', linkTarget: 'folder' });
    await add('ignored', 1, { outcome: 'ignored' });
    await add('gone', 1);
    const { versionId } = await add('gone', 2, { outcome: 'deleted' });
    const inside = await add('folder/file', 2, { content: 'two' });
    await expect(cat('folder', { versionId: inside.versionId })).rejects.toThrow('No version');
    await add('deep/file', 1);
    await expect(cat('folder')).rejects.toThrow('That is a folder');
    await expect(cat('deep')).rejects.toThrow('That is a folder');
    await expect(cat('link')).rejects.toThrow('That is a link');
    await expect(cat('ignored')).rejects.toThrow('its newest one is ignored');
    await expect(cat('gone')).rejects.toThrow('nothing under that path as of now');
    await expect(cat('fold')).rejects.toThrow('nothing under that path');
    await expect(cat('gone', { versionId })).rejects.toThrow(`No version ${versionId}`);
  });

  test('prints nothing of a part that was changed, and says what is to be thrown away', async () => {
    await add('all', 1, {
      content: 'secret',
      damage: (sealed) => {
        sealed[sealed.length - 200] = (sealed[sealed.length - 200] as number) ^ 1;
        return sealed;
      },
    });
    const damaged = await cat('all').catch((error) => error);
    expect(isFailure(damaged, 'tampered')).toBe(true);
    expect(damaged.exitCode).toBe(4);
    expect(damaged.written.bytes).toHaveLength(0);

    // A sealer that lies about the content: only the whole tells.
    const sizeBytes = 3 * 2 ** 19;
    await add('lied', 1, { content: 'a'.repeat(sizeBytes), sealedContent: 'b'.repeat(sizeBytes) });
    const lied = await cat('lied').catch((error) => error);
    expect(lied.exitCode).toBe(4);
    expect(lied.written.bytes).toHaveLength(sizeBytes);
    expect(lied.written.notes).toEqual(['What was printed is not to be trusted: throw it away.']);
  });
});
