import { mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FileRow } from '../../src/cli/rows.ts';
import { TestInstallation, until } from '../support/installation.ts';

let installation: TestInstallation;

beforeAll(async () => {
  installation = await TestInstallation.create({
    sources: { docs: undefined, many: undefined, away: undefined, storm: undefined },
    configure: (config) => {
      for (const source of config.sources) if (source.name === 'docs') source.exclude = ['*.tmp'];
      // A source that holds the installation's own state, and nothing of the other sources.
      const all = path.dirname(path.dirname(config.sources[0]?.path ?? ''));
      config.sources.push({ name: 'all', path: all, exclude: ['/sources/'] });
    },
  });
  await installation.up();
});

afterAll(() => installation?.remove());

async function rowsOf(target: string, ...flags: string[]): Promise<ReadonlyMap<string, FileRow>> {
  const { rows } = await installation.run('files', target, '--json', ...flags);
  return new Map(rows.map((row) => [row.path, row]));
}

/** Waits until the watcher had these paths of a source protected (or gone), as the catalog tells. */
function untilOutcome(source: string, wanted: Readonly<Record<string, string>>, timeoutMs = 30_000) {
  return until(
    `${JSON.stringify(wanted)} in ${source}`,
    async () => {
      const found = await installation.query<{ path: Buffer; outcome: string }>(
        `select e.path, v.outcome from entries e join sources s on s.id = e.source_id
         join versions v on v.id = e.head_version_id where s.name = $1`,
        [source],
      );
      const outcomes = new Map(found.map((row) => [row.path.toString(), row.outcome]));
      return Object.entries(wanted).every(([name, outcome]) => outcomes.get(name) === outcome);
    },
    timeoutMs,
  );
}

test('new, changed, deleted and renamed files are protected by themselves', async () => {
  installation.write('docs', 'new.txt', 'one');
  await untilOutcome('docs', { 'new.txt': 'uploaded' });
  const first = (await rowsOf('docs')).get('new.txt');
  installation.write('docs', 'new.txt', 'two');
  await until('the change is a version of its own', async () => {
    const now = (await rowsOf('docs')).get('new.txt');
    return now?.outcome === 'uploaded' && now.versionId !== first?.versionId;
  });
  renameSync(installation.path('docs', 'new.txt'), installation.path('docs', 'renamed.txt'));
  await untilOutcome('docs', { 'new.txt': 'deleted', 'renamed.txt': 'duplicate' });
  rmSync(installation.path('docs', 'renamed.txt'));
  await untilOutcome('docs', { 'renamed.txt': 'deleted' });
  expect([...(await rowsOf('docs')).keys()]).not.toContain('renamed.txt');
  expect((await rowsOf('docs', '--deleted')).get('renamed.txt')).toMatchObject({ outcome: 'deleted' });
}, 120_000);

test('a folder moved in is protected with all below it; moved out, all below it is a tombstone', async () => {
  const outside = path.join(installation.folder, 'sources', 'no source');
  const folder = path.join(outside, 'album');
  mkdirSync(path.join(folder, 'inner'), { recursive: true });
  installation.write(folder, 'inner/a.jpg', 'a picture');
  installation.write(folder, 'b.jpg', 'another picture');
  renameSync(folder, installation.path('docs', 'album'));
  await untilOutcome('docs', {
    album: 'uploaded',
    'album/inner': 'uploaded',
    'album/inner/a.jpg': 'uploaded',
    'album/b.jpg': 'uploaded',
  });
  renameSync(installation.path('docs', 'album'), path.join(outside, 'album'));
  await untilOutcome('docs', {
    album: 'deleted',
    'album/inner': 'deleted',
    'album/inner/a.jpg': 'deleted',
    'album/b.jpg': 'deleted',
  });
}, 120_000);

test('what a rule leaves out is not taken, and the skip is an audit event of the watcher', async () => {
  installation.write('docs', 'left-out.tmp', 'no');
  const told = await until('the skip is told', async () => {
    const found = await installation.query<{ facts: object; kind: string }>(
      `select a.event -> 'facts' as facts, r.kind from audit_events a
       join entries e on e.id = a.event ->> 'entry' join sources s on s.id = e.source_id
       join run_log r on r.id = a.event ->> 'run'
       where a.event ->> 'step' = 'skip' and e.path = 'left-out.tmp' and s.name = 'docs'`,
    );
    return found.length > 0 && found;
  });
  expect(told).toEqual([
    { facts: { outcome: 'ignored', reason: 'excluded', rule: 'exclude:1' }, kind: 'watch' },
  ]);
  expect((await rowsOf('docs')).has('left-out.tmp')).toBe(false);
});

test('a signal storm on one file: one version per distinct state that rested, the last one protected', async () => {
  const states = 30;
  for (let i = 0; i < states; i++) {
    installation.write('storm', 'busy.txt', `state ${i}`);
    await sleep(100);
  }
  const last = `state ${states - 1}`;
  const lastHash = await sha512(last);
  const versions = await until('the last state is protected', async () => {
    const found = await installation.query<{ sha512: Buffer; outcome: string; observation: string }>(
      `select v.sha512, v.outcome, v.observation from versions v join entries e on e.id = v.entry_id
       join sources s on s.id = e.source_id
       where s.name = 'storm' and e.path = 'busy.txt' and v.outcome is distinct from 'cancelled' order by v.observation`,
    );
    const head = found.at(-1);
    return head?.outcome === 'uploaded' && head.sha512.equals(lastHash) && found;
  });
  const hashes = versions.map((row) => row.sha512.toString('hex'));
  expect(new Set(hashes).size).toBe(hashes.length);
  const written = new Set(
    await Promise.all(
      Array.from({ length: states }, async (_, i) => (await sha512(`state ${i}`)).toString('hex')),
    ),
  );
  for (const hash of hashes) expect(written.has(hash)).toBe(true);
  for (const { outcome } of versions) expect(outcome).toBe('uploaded');
}, 120_000);

async function sha512(text: string): Promise<Buffer> {
  return Buffer.from(await crypto.subtle.digest('SHA-512', Buffer.from(text)));
}

test('of 100 files, 60 deleted at once make no more tombstones than the guard allows', async () => {
  for (let i = 0; i < 100; i++) installation.write('many', `${i}.txt`, `file ${i}`);
  const all = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${i}.txt`, 'uploaded']));
  await untilOutcome('many', all, 90_000);
  for (let i = 0; i < 60; i++) rmSync(installation.path('many', `${i}.txt`));
  await until('all deletions are settled', async () => {
    const [row] = await installation.query<{ open: number; hints: number }>(
      `select count(*) filter (where e.settled_hint < e.hint)::int as open, sum(e.hint)::int as hints
       from entries e join sources s on s.id = e.source_id where s.name = 'many' and e.path like '%.txt'`,
    );
    return row?.open === 0 && row.hints >= 160;
  });
  const [{ gone } = { gone: -1 }] = await installation.query<{ gone: number }>(
    `select count(*)::int as gone from entries e join sources s on s.id = e.source_id
     join versions v on v.id = e.head_version_id where s.name = 'many' and v.outcome = 'deleted'`,
  );
  // Fewer than 50 always may go; with 50 or more it must not be over a tenth.
  expect(gone).toBe(49);
}, 180_000);

test('a source that vanishes and returns: nothing is a tombstone, and what changed meanwhile is found', async () => {
  installation.write('away', 'kept.txt', 'kept');
  installation.write('away', 'other.txt', 'other');
  await untilOutcome('away', { 'kept.txt': 'uploaded', 'other.txt': 'uploaded' });
  const root = installation.path('away');
  renameSync(root, `${root}-unmounted`);
  await sleep(5_000);
  installation.write(`${root}-unmounted`, 'meanwhile.txt', 'written while away');
  renameSync(`${root}-unmounted`, root);
  await untilOutcome('away', {
    'meanwhile.txt': 'uploaded',
    'kept.txt': 'uploaded',
    'other.txt': 'uploaded',
  });
  const outcomes = await installation.query<{ outcome: string }>(
    `select distinct v.outcome from versions v join entries e on e.id = v.entry_id
     join sources s on s.id = e.source_id where s.name = 'away'`,
  );
  expect(outcomes.map((row) => row.outcome)).toEqual(['uploaded']);
}, 120_000);

test('what changed while everything was down is caught up with at the start', async () => {
  installation.write('docs', 'stays.txt', 'stays');
  installation.write('docs', 'goes.txt', 'goes');
  await untilOutcome('docs', { 'stays.txt': 'uploaded', 'goes.txt': 'uploaded' });
  const before = (await rowsOf('docs')).get('stays.txt');
  await installation.down();
  installation.write('docs', 'later.txt', 'new while down');
  rmSync(installation.path('docs', 'goes.txt'));
  await installation.up();
  await untilOutcome('docs', { 'later.txt': 'uploaded', 'goes.txt': 'deleted' });
  expect((await rowsOf('docs')).get('stays.txt')?.versionId).toBe(before?.versionId);
}, 120_000);

test('the state of the installation itself is never taken, even where a source holds it', async () => {
  installation.write(installation.folder, 'beside.txt', 'beside the state folder');
  await untilOutcome('all', { home: 'uploaded', 'beside.txt': 'uploaded' });
  const paths = [...(await rowsOf('all')).keys()];
  const own = paths.filter((name) =>
    /^home\/(keys|logs|run|secrets|data|staging|quarantine|holdfast\.yaml)/.test(name),
  );
  expect(own).toEqual([]);
});
