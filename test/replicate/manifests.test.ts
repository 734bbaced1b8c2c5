import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { journalLags } from '../../src/catalog/journal-query.ts';
import { destinationsToFill, manifestsToPlan, planManifests } from '../../src/catalog/replicate-query.ts';
import { Failure } from '../../src/domain/failures.ts';
import type { RepositoryKeys } from '../../src/keys/repository-keys.ts';
import { keyedManifests } from '../../src/manifest/format.ts';
import { ManifestWriter } from '../../src/manifest/journal.ts';
import { manifestName } from '../../src/manifest/names.ts';
import type { MemoryStore } from '../../src/storage/memory-store.ts';
import { protectOnce } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { type TwoDestinations, twoDestinations } from './two-destinations.ts';

const postgres = usePostgres();

async function journal() {
  const world = await twoDestinations(postgres());
  const { context, catalog } = world;
  const headsFolder = mkdtempSync(join(tmpdir(), 'holdfast-heads-'));
  onTestFinished(() => rmSync(headsFolder, { recursive: true, force: true }));
  const [source] = [...context.sources.values()].map(({ id, config }) => ({ id, name: config.name }));
  if (source === undefined) throw new Error('no source');
  const format = keyedManifests(context.keys as RepositoryKeys);
  const { destinations, failPoints, log } = context;
  const writer = new ManifestWriter({ catalog, destinations, format, headsFolder, failPoints, log });
  const write = async (name: string): Promise<void> => {
    world.write(name, name);
    await protectOnce(context, await world.entry(name));
    await writer.writeJournals(source);
  };
  return { world, source, write };
}

/** Numbers of the manifests in a store that open, oldest first. */
async function numbers({ context }: TwoDestinations, store: MemoryStore, source: string): Promise<number[]> {
  const found: number[] = [];
  for await (const version of store.listVersions('')) {
    const name = /manifests\/.*$/.exec(version.key)?.[0];
    if (name === undefined) continue;
    const opened = await keyedManifests(context.keys as RepositoryKeys).open(await store.get(version), name);
    expect(name).toBe(manifestName(source, opened?.head.number ?? 0));
    found.push(opened?.head.number ?? 0);
  }
  return found;
}

test('one destination that is away keeps no manifest from the other, and gets it later under its own number', async () => {
  const { world, source, write } = await journal();
  await write('a');
  world.secondFault = () => {
    throw new Failure('s3_unavailable', { destination: 'second', reason: 'ECONNREFUSED' });
  };
  await write('b');
  await write('c');
  expect((await journalLags(world.catalog))[0]?.versions).toBe(0);
  expect(await numbers(world, world.primary, source.id)).toEqual([1, 2, 3]);
  world.heal();
  await write('d');
  expect(await numbers(world, world.second, source.id)).toEqual([1, 4]);
  expect(await destinationsToFill(world.catalog)).toEqual(['second']);
  expect(await world.fill('second')).toMatchObject({ copied: 2, manifests: 2, isDone: true });
  expect(await numbers(world, world.second, source.id)).toEqual([1, 2, 3, 4]);
  for await (const version of world.second.listVersions('far/away/manifests'))
    expect((await world.second.head(version))?.lock).toBeDefined();
});

test('replicate takes manifests along that were written before the destination was there', async () => {
  const { world, source, write } = await journal();
  await write('a');
  await world.asOwner(`delete from manifests where destination = 'second'`);
  for (const version of await Array.fromAsync(world.second.listVersions('far/away/manifests')))
    world.second.lose(version);
  const wanted = await manifestsToPlan(world.catalog, { from: 'primary', to: 'second', sourceId: source.id });
  expect(wanted).toHaveLength(1);
  const objectKey = `far/away/${manifestName(source.id, 1)}`;
  await planManifests(
    world.catalog,
    wanted.map((one) => ({ ...one, destination: 'second', objectKey })),
  );
  expect(await world.fill('second')).toMatchObject({ manifests: 1 });
  expect(await numbers(world, world.second, source.id)).toEqual([1]);
});

test('a name that somebody else took is given up, and no other waits for it', async () => {
  const { world, source, write } = await journal();
  world.secondFault = () => {
    throw new Failure('s3_unavailable', { destination: 'second', reason: 'ECONNREFUSED' });
  };
  await write('a');
  world.heal();
  world.second.plantVersion(`far/away/${manifestName(source.id, 1)}`, Buffer.from('planted'));
  expect(await world.fill('second')).toMatchObject({ manifests: 0, isDone: true });
  expect(await destinationsToFill(world.catalog)).toEqual([]);
});
