import { chmodSync, existsSync, lstatSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Outcome } from '../../src/domain/records.ts';
import { compileFilter } from '../../src/files/filter.ts';
import { openRoot } from '../../src/files/root.ts';
import { statFacts } from '../../src/pipeline/file.ts';
import { type Compared, compareTree, type Place } from '../../src/watcher/compare.ts';
import { asOrdinaryUser, bytes, tempFolder, writeTree } from '../files/temp-tree.ts';
import { makeWorld } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { recordStanding } from '../support/standing.ts';

const server = usePostgres();

const told = (found: Compared): string =>
  `${(found.is === 'unreachable' ? found.path : found.entry.path).toString('latin1')} ${found.is}`;

/** A source whose catalog says what is given: outcomes of what is there (with its stat), and of what never was. */
async function knownSource(tree: Readonly<Record<string, string>>, known: Readonly<Record<string, string>>) {
  const { context, catalog } = await makeWorld(server());
  const [sourceId = ''] = [...context.sources.keys()];
  const folder = tempFolder();
  chmodSync(folder, 0o755);
  writeTree(folder, tree);
  const entries = Object.entries(known).map(([path, outcome]) => {
    const isThere = existsSync(join(folder, path));
    const stat = lstatSync(isThere ? join(folder, path) : folder, { bigint: true });
    const facts = statFacts(stat.isFile() ? 'file' : 'dir', stat);
    return { path: bytes(path), facts, outcome: outcome as Outcome };
  });
  await recordStanding(catalog, context.ids, sourceId, entries);
  const root = await openRoot(folder);
  const config = context.sources.get(sourceId)?.config;
  if (config === undefined) throw new Error('no source');
  const source = {
    id: sourceId,
    config,
    root,
    filter: compileFilter(root, { exclude: ['left-out', '*.tmp'] }),
  };
  const compare = (only?: readonly string[], place?: Place) =>
    compareTree(source, catalog, context.ids, only?.map(bytes), place);
  const list = async (only?: readonly string[]) => (await Array.fromAsync(compare(only))).map(told);
  return { folder, compare, list, world: { context, catalog, sourceId } };
}

const tree = {
  'a/1': 'one',
  'a/2': 'two',
  'a-b/new': 'new',
  'a.c': 'c',
  'left-out/in/x': 'x',
  'left-out-not': '',
  'shut/x': 'x',
  'shut-not': '',
  'x.tmp': '',
  z: 'z',
};
const known = {
  a: 'uploaded',
  'a/1': 'uploaded',
  'a/2': 'failed',
  'a/gone': 'uploaded',
  'a/gone-before': 'deleted',
  'a-b': 'uploaded',
  'a-gone': 'uploaded',
  'a-gone/below': 'uploaded',
  'a.c': 'duplicate',
  infected: 'quarantined',
  'left-out/in/x': 'uploaded',
  'left-out-gone': 'uploaded',
  'left-out-not': 'uploaded',
  shut: 'uploaded',
  'shut-gone': 'uploaded',
  'shut-not': 'uploaded',
  'shut/x': 'uploaded',
  'shut/y': 'uploaded',
  'x.tmp': 'uploaded',
  'x.tmp/was-a-folder': 'uploaded',
  z: 'uploaded',
  zz: 'uploaded',
};
const expected = [
  'a unchanged',
  'a-b unchanged',
  'a-b/new due',
  'a-gone gone',
  'a-gone/below gone',
  'a.c unchanged',
  'a/1 unchanged',
  'a/2 due',
  'a/gone gone',
  'infected unchanged',
  'left-out skipped',
  'left-out-gone gone',
  'left-out-not unchanged',
  'shut unchanged',
  'shut-gone gone',
  'shut-not unchanged',
  'shut unreachable',
  'x.tmp skipped',
  'z unchanged',
  'zz gone',
];

test('tells apart what is new, changed, unchanged, left out, gone, and not to be looked at', async () => {
  const { folder, list, compare } = await knownSource(tree, known);
  chmodSync(join(folder, 'shut'), 0);
  onTestFinished(() => chmodSync(join(folder, 'shut'), 0o700));
  const found = await asOrdinaryUser(() => list());
  // The folder itself has another mode now.
  expect(found).toEqual(expected.map((line) => (line === 'shut unchanged' ? 'shut due' : line)));

  // From each place that a comparison came to, another one says what is left, and nothing twice.
  await asOrdinaryUser(async () => {
    let places = 0;
    const place: Place = { after: undefined, isHere: true };
    let index = 0;
    for await (const _ of compare(undefined, place)) {
      const { after, isHere } = place;
      if (isHere && after !== undefined) {
        places++;
        const rest = await Array.fromAsync(compare(undefined, { after, isHere }));
        expect(rest.map(told)).toEqual(found.slice(index));
      }
      index++;
    }
    expect(places).toBeGreaterThan(10);
  });
});

test('of single paths, those and what is below them', async () => {
  const { list } = await knownSource(tree, known);
  expect(await list(['a'])).toEqual(expected.filter((line) => /^a( |\/)/.test(line)));
  expect(await list(['a-gone', 'nothing'])).toEqual(['a-gone gone', 'a-gone/below gone']);
  expect(await list(['zz', 'a/1', 'a', 'left-out/in/x'])).toEqual([
    ...expected.filter((line) => /^a( |\/)/.test(line)),
    ...['left-out/in/x skipped', 'zz gone'],
  ]);
});

test('reads the catalog a page at a time, whatever lies between its pages', async () => {
  const { folder, compare, world } = await knownSource({}, {});
  const { catalog, context, sourceId } = world;
  const there = Array.from({ length: 4_100 }, (_, index) => `f${index}`).filter((_, index) => index % 50 > 0);
  for (const name of there) writeFileSync(join(folder, name), '');
  const facts = (name: string) => statFacts('file', lstatSync(join(folder, name), { bigint: true }));
  const [first = ''] = there;
  const names = Array.from({ length: 4_100 }, (_, index) => `f${index}`).filter((_, index) => index % 41 > 0);
  await recordStanding(
    catalog,
    context.ids,
    sourceId,
    names.map((name) => ({ path: bytes(name), facts: facts(there.includes(name) ? name : first) })),
  );
  const found = await Array.fromAsync(compare());
  const of = (is: string) => found.filter((item) => item.is === is).length;
  expect({ unchanged: of('unchanged'), due: of('due'), gone: of('gone') }).toEqual({
    unchanged: there.filter((name) => names.includes(name)).length,
    due: there.filter((name) => !names.includes(name)).length,
    gone: names.filter((name) => !there.includes(name)).length,
  });
});
