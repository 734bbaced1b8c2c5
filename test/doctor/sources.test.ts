import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { judgeWatches } from '../../src/doctor/inotify.ts';
import { lookAtSource } from '../../src/doctor/sources.ts';
import { asOrdinaryUser, tempFolder, writeTree } from '../files/temp-tree.ts';

/** A source of which one folder is shut to an ordinary user, as a server shuts it to root. */
function shutTree() {
  const folder = tempFolder();
  chmodSync(folder, 0o755);
  writeTree(folder, { 'open/x': '', 'shut/x': '' });
  chmodSync(join(folder, 'shut'), 0);
  onTestFinished(() => chmodSync(join(folder, 'shut'), 0o700));
  return { name: 'docs', path: folder, watch: 'auto', pollEvery: 60_000, oneFileSystem: false } as const;
}
const on = (path: string, type: string) => [
  { path: Buffer.alloc(0), type: 'ext4' },
  { path: Buffer.from(path), type },
];

test('a folder that the file server shuts to root is explained by root_squash', async () => {
  const source = shutTree();
  const [found] = await asOrdinaryUser(() => lookAtSource(source, on(source.path, 'nfs4'), 0));
  expect(found).toMatchObject({ state: 'problem', what: expect.stringContaining('shut of the source docs') });
  expect(found?.what).toContain('EACCES, on nfs4');
  expect(`${found?.means} ${found?.todo}`).toMatch(/root_squash.*no_root_squash/);
  const [mine] = await asOrdinaryUser(() => lookAtSource(source, on('/elsewhere', 'nfs4'), 1_000));
  expect(mine?.todo).toContain('setfacl');
});

test('how a source is watched is told, and warned about where changes are missed', async () => {
  const source = { ...shutTree() };
  const states = async (watch: 'auto' | 'events' | 'off', type: string) => {
    const found = await lookAtSource({ ...source, watch }, on(source.path, type), 0);
    return found.map(({ state, what }) => `${state}: ${what}`).join();
  };
  chmodSync(join(source.path, 'shut'), 0o755);
  expect(await states('auto', 'xfs')).toMatch(/^ok: .* can be read and is watched/);
  expect(await states('auto', 'cifs')).toMatch(/^ok: .*cifs.*every 60 s/);
  expect(await states('events', 'cifs')).toMatch(/^warning: .*sweeps only/);
  expect(await states('off', 'xfs')).toMatch(/^ok: .*not watched/);
});

test('a source that is not there says so, and what to do', async () => {
  const gone = { ...shutTree(), path: '/nowhere/at/all' };
  const [found] = await lookAtSource(gone, [], 0);
  expect(found).toMatchObject({ state: 'problem', todo: expect.stringContaining('Mount it') });
});

test('watches are judged before they run out', () => {
  expect(judgeWatches(2_500, 8_192).state).toBe('ok');
  expect(judgeWatches(7_000, 8_192)).toMatchObject({ state: 'warning' });
  const tooMany = judgeWatches(1_000_000, 8_192);
  expect(tooMany.state).toBe('problem');
  expect(tooMany.todo).toContain('sysctl fs.inotify.max_user_watches=2097152');
});

test('a folder that took the place of the source is no source', async () => {
  const folder = tempFolder();
  const source = {
    name: 'docs',
    path: folder,
    watch: 'auto',
    pollEvery: 60_000,
    oneFileSystem: false,
  } as const;
  const { ino } = statSync(folder, { bigint: true });
  const look = async (recorded: bigint) => (await lookAtSource(source, [], 0, recorded))[0];
  expect(await look(ino)).toMatchObject({ state: 'ok' });
  expect(await look(0n)).toMatchObject({ state: 'ok' });
  const found = await look(ino + 1n);
  expect(found).toMatchObject({ state: 'problem', what: expect.stringContaining('another folder') });
  expect(found?.todo).toContain('a new name under `sources`');
});
