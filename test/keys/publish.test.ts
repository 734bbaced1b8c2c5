import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { KeyringDocument } from '../../src/keys/keyring-files.ts';
import { documentsToKeep, publishedDocuments, publishKeyring, scopeIdOf } from '../../src/keys/publish.ts';
import { MemoryStore } from '../../src/storage/memory-store.ts';
import { refusalOf } from '../sealed/samples.ts';
import { keyringWithHistory } from './keyrings.ts';

const dayMs = 86_400_000;
const dataLock = { mode: 'COMPLIANCE', days: 365 } as const;
const start = Date.UTC(2026, 0, 1);
let made: Awaited<ReturnType<typeof keyringWithHistory>>;
let root: KeyringDocument;
let scope: KeyringDocument;
let now: number;
let store: MemoryStore;

beforeAll(async () => {
  made = await keyringWithHistory();
  ({ four: root } = made.documents);
  ({ own: scope } = made.scopes);
});
beforeEach(() => {
  now = start;
  store = new MemoryStore({ name: 'memory', now: () => new Date(now) });
});

const publish = () => publishKeyring(store, 'p', [root, scope], dataLock);
const days = async () =>
  (await publishedDocuments(store, 'p', [root, scope])).map(({ lock }) =>
    Math.round(((lock?.retainUntil.getTime() ?? 0) - start) / dayMs),
  );

it('locks the root like data, and scope keys for sixty days that anybody with the right may end', async () => {
  await publish();
  const [rootFacts, scopeFacts] = await publishedDocuments(store, 'p', [root, scope]);
  expect(rootFacts?.lock?.mode).toBe('COMPLIANCE');
  expect(scopeFacts?.lock?.mode).toBe('GOVERNANCE');
  expect(await days()).toEqual([365, 60]);
});

it('rolls both forward weekly, and never publishes a second version', async () => {
  await publish();
  now += 6 * dayMs;
  await publish();
  expect(await days()).toEqual([365, 60]);
  now += 2 * dayMs;
  await publish();
  expect(await days()).toEqual([373, 68]);
  expect(await store.versionsOf(`p/${scope.name}`)).toHaveLength(1);
});

it('short locks are rolled forward before they end', async () => {
  const short = { mode: 'GOVERNANCE', days: 1 } as const;
  await publishKeyring(store, 'p', [root], short);
  now += dayMs / 4;
  await publishKeyring(store, 'p', [root], short);
  const [facts] = await publishedDocuments(store, 'p', [root]);
  expect(facts?.lock?.retainUntil.getTime()).toBe(now + dayMs);
});

it('garbage and delete markers on top change nothing', async () => {
  await publish();
  store.plantVersion(`p/${root.name}`, Buffer.from('garbage'));
  store.plantDeleteMarker(`p/${scope.name}`);
  const before = await publishedDocuments(store, 'p', [root, scope]);
  now += 8 * dayMs;
  await publish();
  expect((await publishedDocuments(store, 'p', [root, scope])).map(({ versionId }) => versionId)).toEqual(
    before.map(({ versionId }) => versionId),
  );
});

it('something else under the name of a document that is not there yet is not taken for it', async () => {
  store.plantVersion(`p/${root.name}`, Buffer.alloc(root.bytes.length));
  expect(await refusalOf(publish)).toBe('keyring_name_taken');
  expect((await publishedDocuments(store, 'p', [root]))[0]?.versionId).toBe(undefined);
});

it('keeps each holder’s newest root, and no key of a scope that is being shredded', () => {
  const { one, two, three, four } = made.documents;
  const { own, default1, default2, default3 } = made.scopes;
  const all = [one, two, three, four, own, default1, default2, default3];
  expect(documentsToKeep(all, new Set())).toEqual([three, four, own, default1, default2, default3]);
  expect(documentsToKeep(all, new Set([scopeIdOf(default1.name)]))).toEqual([three, four, own]);
});
