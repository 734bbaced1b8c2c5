import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isFailure } from '../../src/domain/failures.ts';
import { ensureFolders, ensureServiceFolders, isPassable } from '../../src/stack/folders.ts';
import { resolvePaths, socketPathLimitBytes } from '../../src/stack/paths.ts';
import { uid } from './installation.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-paths-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('root works in /var and /run', () => {
  const paths = resolvePaths({ HOME: '/root', XDG_STATE_HOME: '/ignored', XDG_RUNTIME_DIR: '/ignored' }, 0);
  expect(paths.home).toBe('/var/lib/holdfast');
  expect(paths.cache).toBe('/var/cache/holdfast');
  expect(paths.runtime).toMatch(/^\/run\/holdfast\/[0-9a-f]{12}$/);
});

test('a user works in the XDG folders, and by default below HOME', () => {
  const chosen = { XDG_STATE_HOME: '/s', XDG_CACHE_HOME: '/c', XDG_RUNTIME_DIR: '/r' };
  const paths = resolvePaths(chosen, 1000);
  expect(paths).toMatchObject({ home: '/s/holdfast', cache: '/c/holdfast' });
  expect(paths.runtime).toMatch(/^\/r\/holdfast\/[0-9a-f]{12}$/);
  const fallback = resolvePaths({ HOME: '/home/somebody', XDG_STATE_HOME: 'relative' }, 1000);
  expect(fallback).toMatchObject({
    home: '/home/somebody/.local/state/holdfast',
    cache: '/home/somebody/.cache/holdfast',
  });
  expect(fallback.runtime).toMatch(/^\/tmp\/holdfast-1000-[0-9a-f]{12}$/);
});

test('HOLDFAST_HOME overrides the state folder only', () => {
  const paths = resolvePaths({ HOME: '/home/somebody', HOLDFAST_HOME: '/elsewhere/state' }, 1000);
  expect(paths).toMatchObject({ home: '/elsewhere/state', cache: '/home/somebody/.cache/holdfast' });
});

test('without HOME the answer is a usage error, not a guess', () => {
  expect(() => resolvePaths({}, 1000)).toThrow(expect.objectContaining({ code: 'usage' }));
});

test('two names of one folder are one installation, two folders are two', () => {
  const real = path.join(folder, 'real');
  mkdirSync(real);
  symlinkSync(real, path.join(folder, 'link'));
  const of = (home: string) => resolvePaths({ HOME: '/h', HOLDFAST_HOME: home }, 1000);
  expect(of(path.join(folder, 'link', 'state'))).toEqual(of(path.join(real, 'state')));
  expect(of(path.join(folder, 'one')).runtime).not.toBe(of(path.join(folder, 'two')).runtime);
});

test.each([0, 1000, 4_294_967_294])('sockets of user %i stay short however long the folders are', (user) => {
  const long = `/${'ö'.repeat(60)}`.repeat(3);
  const paths = resolvePaths(
    { HOME: long, HOLDFAST_HOME: long, XDG_RUNTIME_DIR: long, XDG_CACHE_HOME: long },
    user,
  );
  const socket = path.join(paths.runtime, 'postgres', '.s.PGSQL.65535.lock');
  expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(socketPathLimitBytes);
});

test.runIf(uid === 0)('a runtime folder that somebody else made is refused', () => {
  const runtime = path.join(folder, 'runtime');
  mkdirSync(runtime);
  const paths = { home: path.join(folder, 'home'), cache: folder, runtime };
  try {
    ensureFolders(paths, 1000);
    expect.unreachable();
  } catch (error) {
    expect(isFailure(error, 'folder_not_ours')).toBe(true);
  }
});

test.each(['/proc/1/none/state', '/proc/none/state', '/dev/null/state'])(
  'a state folder that cannot be made at %s is refused, and never tried for ever',
  (home) => {
    expect(() =>
      ensureFolders({ ...resolvePaths({ HOLDFAST_HOME: home, HOME: folder }, uid), runtime: folder }, uid),
    ).toThrow(expect.objectContaining({ code: 'folder_unusable' }));
  },
);

test('a link in the place of the runtime folder is refused', () => {
  const runtime = path.join(folder, 'runtime');
  mkdirSync(path.join(folder, 'target'));
  symlinkSync(path.join(folder, 'target'), runtime);
  const paths = { home: path.join(folder, 'home'), cache: folder, runtime };
  expect(() => ensureFolders(paths, uid)).toThrow(expect.objectContaining({ code: 'folder_not_ours' }));
});

test.runIf(uid === 0)('services under their own users get data where they can reach it', () => {
  const outer = path.join(folder, 'private');
  mkdirSync(outer, { mode: 0o700 });
  const user = { uid: 65_534, gid: 65_534 };
  const make = (home: string) => {
    const paths = { home, cache: folder, runtime: path.join(folder, 'run') };
    ensureFolders(paths, uid);
    return ensureServiceFolders(paths, 'tiny', user).data;
  };
  const hidden = make(path.join(outer, 'home'));
  expect(hidden).toMatch(/^\/var\/lib\/holdfast-data\/[0-9a-f]{12}\/tiny$/);
  expect(isPassable(path.dirname(hidden))).toBe(true);
  expect(make(path.join(outer, 'home'))).toBe(hidden);
  // A state folder made anew must not meet the data of the old one.
  rmSync(path.join(outer, 'home'), { recursive: true });
  const second = make(path.join(outer, 'home'));
  expect(second).not.toBe(hidden);
  for (const data of [hidden, second]) rmSync(path.dirname(data), { recursive: true });
});
