import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { newScopeKeys, type OpenKeyring } from '../../src/keys/change-keyring.ts';
import { scopeDocument } from '../../src/keys/create-keyring.ts';
import { keepKeyring } from '../../src/keys/keep-keyring.ts';
import { keyringDocuments, writeDocument } from '../../src/keys/keyring-files.ts';
import type { Keyring } from '../../src/keys/open-keyring.ts';
import { publishedDocuments } from '../../src/keys/publish.ts';
import { RepositoryKeys } from '../../src/keys/repository-keys.ts';
import { retireDocuments, retiredDocuments } from '../../src/keys/retire.ts';
import { cancelShredding, planShredding, requestShredding } from '../../src/keys/shred.ts';
import { shreddings } from '../../src/keys/shreddings.ts';
import type { PipelineContext } from '../../src/pipeline/context.ts';
import { drawSecrets, openScopeKey, type RootKeys, type ScopeKey } from '../../src/sealed/keyring.ts';
import { MemoryStore } from '../../src/storage/memory-store.ts';
import { refusalOf } from '../sealed/samples.ts';
import { makeWorld, protectOnce, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { repositoryId } from './keyrings.ts';

const server = usePostgres();
const dayMs = 86_400_000;
let world: World;
let second: MemoryStore;
let context: PipelineContext;
let keys: RepositoryKeys;
let keyring: Keyring;
let home: string;

beforeEach(async () => {
  world = await makeWorld(server());
  home = mkdtempSync(join(tmpdir(), 'holdfast-shred-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  second = new MemoryStore({ name: 'second', now: () => new Date(Date.now() + world.knobs.storeAheadMs) });
  const root: RootKeys = { repositoryId, generation: 1, holder: 'owner', ...drawSecrets() };
  const scopes = ['holdfast', 'default', 'customer'];
  const documents = [
    ...scopes.map((scope) => scopeDocument(root, scope, 1)),
    ...newScopeKeys({ scopes: new Map([['customer', [{ number: 1 } as ScopeKey]]]) }, root, ['customer'])
      .added,
  ];
  for (const document of documents) await writeDocument(home, document);
  const opened = documents.map(({ bytes }) => openScopeKey(root, bytes) as ScopeKey);
  keyring = {
    root,
    scopes: new Map(scopes.map((scope) => [scope, opened.filter(({ name }) => name === scope)])),
    holder: 'owner',
    openedGeneration: 1,
    newestGeneration: 1,
    standing: 'current',
    problems: [],
  };
  keys = new RepositoryKeys(keyring);
  context = world.another({ keys });
  await keep();
});

const places = () =>
  [world.store, second].map((store) => ({
    store,
    deleting: store,
    prefix: 'backup',
    lock: { mode: 'GOVERNANCE', days: 7 } as const,
  }));
const keep = () => keepKeyring({ catalog: world.catalog, home, places: places() });
const openNow = async (): Promise<OpenKeyring & { catalog: World['catalog'] }> => ({
  home,
  keyring,
  documents: await keyringDocuments(home),
  places: places(),
  catalog: world.catalog,
});
const plan = async (scope = 'customer') => planShredding(scope, await openNow());
const customerLocks = async () => {
  const documents = (await keyringDocuments(home)).filter(({ name }) => name.includes(scopeFolder()));
  const published = await Promise.all(
    places().map(({ store }) => publishedDocuments(store, 'backup', documents)),
  );
  return published
    .flat()
    .map(({ lock }) => Math.round(((lock?.retainUntil.getTime() ?? 0) - Date.now()) / dayMs));
};
const scopeFolder = () => keyring.scopes.get('customer')?.[0]?.scopeId ?? '?';
const inBuckets = async () => {
  const found = await Promise.all(
    [world.store, second].map(async (store) =>
      Array.fromAsync(store.listVersions(`backup/keys/scope/${scopeFolder()}/`)),
    ),
  );
  return found.flat().length;
};

/** Tables in whose rows one of these stands, as text, hex or base64. */
async function tablesWith(secrets: readonly Buffer[]): Promise<string[]> {
  const forms = secrets.flatMap((secret) => [
    secret.toString('latin1'),
    hex(secret),
    secret.toString('base64'),
  ]);
  const tables = await world.catalog.rows<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'schema_migrations'`,
  );
  const found = [];
  for (const { name } of tables) {
    const rows = await world.catalog.rows<{ row: string }>(`select t::text as row from ${name} t`);
    if (rows.some(({ row }) => forms.some((form) => row.includes(form)))) found.push(name);
  }
  return found;
}
const hex = (bytes: Buffer | string) => Buffer.from(bytes).toString('hex');

/** Protects a file under a scope. */
async function protect(path: string, content: string, scope = 'customer') {
  const { knobs } = world;
  if (typeof knobs.admission !== 'function') knobs.admission = { ...knobs.admission, scope };
  world.write(path, content);
  return protectOnce(context, await world.entry(path));
}
async function removeFile(path: string) {
  world.remove(path);
  await protectOnce(context, await world.entry(path));
}

it('says what becomes unreadable, when, and which copies it cannot reach', async () => {
  await protect('a', 'content of a');
  await protect('a', 'content of a, changed');
  await protect('b', 'content of b');
  await protect('other', 'elsewhere', 'default');
  await removeFile('b');
  await world.catalog.rows(`insert into key_exports (id, kind, actor) values ('x', 'export', 'ada')`);
  const told = await plan();
  expect(told.shares).toEqual([{ source: 'docs', files: 2, versions: 3, bytes: 12 + 21 + 12, inSource: 1 }]);
  expect(told.keys).toBe(2);
  expect(told.copies).toMatchObject([{ kind: 'export', actor: 'ada' }]);
  expect(Math.round((told.pendingUntil.getTime() - Date.now()) / dayMs)).toBe(60);
});

it('what the repository itself needs is not shredded, nor what is not there', async () => {
  expect(await refusalOf(() => plan('holdfast'))).toBe('scope_needed');
  expect(await refusalOf(() => plan('default'))).toBe('scope_needed');
  expect(await refusalOf(() => plan('nothing'))).toBe('unknown_scope');
});

it('once asked for: nothing more is sealed, locks are not renewed, nothing is deleted early', async () => {
  await protect('a', 'content of a');
  await requestShredding(world.catalog, await plan(), 'ada');
  keys.refuseSealing(new Set((await shreddings(world.catalog)).map(({ scope }) => scope)));
  expect(await refusalOf(() => protect('c', 'new content'))).toBe('scope_shredding');
  expect(keys.byId(keyring.scopes.get('customer')?.[0]?.key.id ?? Buffer.alloc(0))).toBeDefined();
  world.knobs.storeAheadMs = 20 * dayMs;
  const { shredded } = await keep();
  expect(shredded).toMatchObject([{ scope: 'customer', isDone: false, deleted: 0, locked: 4 }]);
  expect(await customerLocks()).toEqual([60, 60, 60, 60]);
});

it('taken back: locks are renewed at once and all goes on', async () => {
  await requestShredding(world.catalog, await plan(), 'ada');
  world.knobs.storeAheadMs = 20 * dayMs;
  await keep();
  await cancelShredding('customer', await openNow());
  expect(await customerLocks()).toEqual([80, 80, 80, 80]);
  expect(await shreddings(world.catalog)).toEqual([]);
  expect(await refusalOf(async () => cancelShredding('customer', await openNow()))).toBe('no_shredding');
});

it('when the locks have ended: gone everywhere, and the catalog forgets', async () => {
  await protect('secret-name', 'secret content');
  await protect('kept', 'kept content', 'default');
  await protect('shared-1', 'shared content');
  await protect('shared-2', 'shared content', 'default');
  await protect('present', 'present content');
  await removeFile('secret-name');
  await requestShredding(world.catalog, await plan(), 'ada');
  expect(await tablesWith([Buffer.from('secret-name')])).toContain('entries');
  world.knobs.storeAheadMs = 61 * dayMs;
  const { shredded } = await keep();
  expect(shredded).toMatchObject([{ isDone: true, deleted: 4, locked: 0 }]);
  expect(await inBuckets()).toBe(0);
  expect((await keyringDocuments(home)).filter(({ name }) => name.includes(scopeFolder()))).toEqual([]);

  const content = Buffer.from('secret content');
  expect(await tablesWith([Buffer.from('secret-name')])).toEqual([]);
  // The audit trail is a chain: what stands in it cannot be taken out.
  const contentHashes = [hash('sha512', content, 'buffer'), hash('sha256', content, 'buffer')];
  expect(await tablesWith(contentHashes)).toEqual(['audit_events']);

  const paths = (await world.catalog.rows<{ path: Buffer }>('select path from entries')).map(({ path }) =>
    path.toString('hex'),
  );
  expect(paths).not.toContain(hex('secret-name'));
  for (const kept of ['kept', 'shared-1', 'shared-2', 'present']) expect(paths).toContain(hex(kept));

  const hashes = async (content: string) => {
    const rows = await world.catalog.rows('select 1 from contents where sha512 = sha512($1)', [
      Buffer.from(content),
    ]);
    return rows.length;
  };
  expect(await hashes('secret content')).toBe(0);
  expect(await hashes('present content')).toBe(0);
  expect(await hashes('kept content')).toBe(1);
  // Another scope knows it too.
  expect(await hashes('shared content')).toBe(1);
  const counts = 'select count(*)::int as n, sum(size_bytes)::int as bytes from versions where outcome = $1';
  expect(await world.catalog.rows(counts, ['uploaded'])).toMatchObject([{ n: 5 }]);
});

it('a file that still lay in its source is forgotten when it is gone; one that comes back is known again', async () => {
  await protect('present', 'present content');
  await requestShredding(world.catalog, await plan(), 'ada');
  world.knobs.storeAheadMs = 61 * dayMs;
  await keep();
  await removeFile('present');
  await keep();
  const names = async () =>
    (await world.catalog.rows<{ path: Buffer }>('select path from entries')).map(({ path }) =>
      path.toString('latin1'),
    );
  expect(await names()).not.toContain('present');
  expect(await protect('present', 'other content', 'default')).toMatchObject({ outcome: 'uploaded' });
  expect(await names()).toContain('present');
});

it('garbage and delete markers among the keys go too; a server that refuses leaves it pending', async () => {
  const [document] = (await keyringDocuments(home)).filter(({ name }) => name.includes(scopeFolder()));
  world.store.plantVersion(`backup/${document?.name}`, Buffer.from('garbage'));
  second.plantDeleteMarker(`backup/${document?.name}`);
  await requestShredding(world.catalog, await plan(), 'ada');
  world.knobs.storeAheadMs = 61 * dayMs;
  const refusing = places().map((place) => ({
    ...place,
    deleting: Object.assign(Object.create(place.store), { deleteVersion: async () => 'refused' as const }),
  }));
  const denied = await keepKeyring({ catalog: world.catalog, home, places: refusing });
  expect(denied.shredded).toMatchObject([{ isDone: false, deleted: 0, denied: 6 }]);
  expect((await keep()).shredded).toMatchObject([{ isDone: true, deleted: 6 }]);
  expect(await inBuckets()).toBe(0);
});

it('documents that were replaced are deleted when their locks have ended, never one that is live', async () => {
  const [live] = await keyringDocuments(home);
  const replaced = 'keys/root/00000001';
  await world.store.putSmallDocument({
    key: `backup/${replaced}`,
    body: Buffer.from('old'),
    lock: { mode: 'GOVERNANCE', days: 7 },
  });
  await retireDocuments(world.catalog, [replaced, live?.name ?? '']);
  expect((await keep()).retired).toEqual({ deleted: 0, locked: 1, denied: 0 });
  world.knobs.storeAheadMs = 8 * dayMs;
  expect((await keep()).retired).toEqual({ deleted: 1, locked: 0, denied: 0 });
  expect(await retiredDocuments(world.catalog)).toEqual([live?.name]);
});
