import { expect, onTestFinished, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.ts';
import { openPool } from '../../src/catalog/database.ts';
import {
  announceEpoch,
  beginEpoch,
  policyEpochs,
  revisionsAlike,
  withdrawEpoch,
} from '../../src/catalog/policy-query.ts';
import { Ids } from '../../src/domain/ids.ts';
import { PolicyEpoch } from '../../src/policy/epoch.ts';
import { usePostgres } from '../support/postgres.ts';

const ids = new Ids(Buffer.alloc(64, 1));
const hostId = 'f'.repeat(32);
const [a, b, c] = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [string, string, string];

/** What bundles say of two sources: all agree about the first. */
const termsOf = (revision: string) =>
  new Map([
    ['docs', 'the same'],
    ['letters', revision],
  ]);

const server = usePostgres();

async function catalogOfOurs(): Promise<Catalog> {
  const { writerUri } = await server().database();
  const catalog = new Catalog(await openPool({ uri: writerUri }));
  onTestFinished(() => catalog.close());
  return catalog;
}

const switches = (catalog: Catalog) =>
  catalog.rows<{ actor: string; facts: object }>(
    `select event ->> 'actor' as actor, event -> 'facts' as facts from audit_events
     where event ->> 'step' = 'policy_switch' order by at`,
  );

test('a worker begins in the epoch of what OPA has loaded, and says so once', async () => {
  const catalog = await catalogOfOurs();
  expect((await PolicyEpoch.begin({ catalog, ids, hostId, termsOf }, a)).revision).toBe(a);
  expect((await PolicyEpoch.begin({ catalog, ids, hostId, termsOf }, a)).revision).toBe(a);
  expect(await switches(catalog)).toEqual([{ actor: 'holdfast', facts: { to: a } }]);
  await PolicyEpoch.begin({ catalog, ids, hostId, termsOf }, b);
  expect(await policyEpochs(catalog, hostId, 9)).toMatchObject([
    { number: 2, revision: b },
    { number: 1, revision: a },
  ]);
  expect((await switches(catalog))[1]).toEqual({ actor: 'holdfast', facts: { from: a, to: b } });
});

test('it moves on to what was announced, with who announced it, and to nothing else', async () => {
  const catalog = await catalogOfOurs();
  const epoch = await PolicyEpoch.begin({ catalog, ids, hostId, termsOf }, a);
  expect(await epoch.accepts(b)).toBe(false);
  await announceEpoch(catalog, { hostId, revision: b, actor: 'amina' });
  expect(epoch.revision).toBe(a);
  expect(await epoch.accepts(a)).toBe(true);
  // What was asked about a moment ago is asked about again a second later.
  await expect.poll(() => epoch.accepts(b), { timeout: 3_000 }).toBe(true);
  expect(epoch.revision).toBe(b);
  expect(await switches(catalog)).toContainEqual({ actor: 'amina', facts: { from: a, to: b } });
});

test('answers of an older bundle never count again', async () => {
  const catalog = await catalogOfOurs();
  const epoch = await PolicyEpoch.begin({ catalog, ids, hostId, termsOf }, a);
  await announceEpoch(catalog, { hostId, revision: b, actor: 'amina' });
  expect(await epoch.accepts(b)).toBe(true);
  expect(await epoch.accepts(a)).toBe(false);
  expect(epoch.revision).toBe(b);
});

test('of two that are announced only the later one counts', async () => {
  const catalog = await catalogOfOurs();
  const epoch = await PolicyEpoch.begin({ catalog, ids, hostId, termsOf }, a);
  await announceEpoch(catalog, { hostId, revision: b, actor: 'amina' });
  await announceEpoch(catalog, { hostId, revision: c, actor: 'jean' });
  expect(await epoch.accepts(b)).toBe(false);
  expect(await epoch.accepts(c)).toBe(true);
});

test('one that was withdrawn never counts, and one that counts is not withdrawn', async () => {
  const catalog = await catalogOfOurs();
  const epoch = await PolicyEpoch.begin({ catalog, ids, hostId, termsOf }, a);
  const number = await announceEpoch(catalog, { hostId, revision: b, actor: 'amina' });
  expect(await withdrawEpoch(catalog, hostId, number)).toBe(true);
  expect(await epoch.accepts(b)).toBe(false);
  expect(await beginEpoch(catalog, hostId, number)).toBe(false);
  expect(await withdrawEpoch(catalog, hostId, 1)).toBe(false);
  expect(epoch.revision).toBe(a);
});

test('a worker that died before it told of its epoch tells when it starts', async () => {
  const catalog = await catalogOfOurs();
  await PolicyEpoch.begin({ catalog, ids, hostId, termsOf }, a);
  const number = await announceEpoch(catalog, { hostId, revision: b, actor: 'amina' });
  await beginEpoch(catalog, hostId, number);
  await PolicyEpoch.begin({ catalog, ids, hostId, termsOf }, b);
  expect(await switches(catalog)).toContainEqual({ actor: 'amina', facts: { from: a, to: b } });
});

test('many answers of a new bundle that come together move it once', async () => {
  const catalog = await catalogOfOurs();
  const epoch = await PolicyEpoch.begin({ catalog, ids, hostId, termsOf }, a);
  await announceEpoch(catalog, { hostId, revision: b, actor: 'amina' });
  expect(await Promise.all(Array.from({ length: 20 }, () => epoch.accepts(b)))).toEqual(Array(20).fill(true));
  expect(await switches(catalog)).toHaveLength(2);
});

test('an epoch of another host is none of ours', async () => {
  const catalog = await catalogOfOurs();
  const epoch = await PolicyEpoch.begin({ catalog, ids, hostId, termsOf }, a);
  await announceEpoch(catalog, { hostId: 'e'.repeat(32), revision: b, actor: 'amina' });
  expect(await epoch.accepts(b)).toBe(false);
});

test('what the bundles of several hosts say of a source tells which of them judge it alike', async () => {
  const catalog = await catalogOfOurs();
  await PolicyEpoch.begin({ catalog, ids, hostId, termsOf }, a);
  await PolicyEpoch.begin({ catalog, ids, hostId: 'e'.repeat(32), termsOf }, b);
  // An OPA of the operator's own: nobody knows what its bundle says.
  await PolicyEpoch.begin({ catalog, ids, hostId: 'd'.repeat(32), termsOf: () => new Map() }, c);
  const alike = async (source: string, revision: string) =>
    [...(await revisionsAlike(catalog, source, revision))].sort();
  expect(await alike('docs', a)).toEqual([a, b]);
  expect(await alike('docs', b)).toEqual([a, b]);
  expect(await alike('letters', a)).toEqual([a]);
  expect(await alike('docs', c)).toEqual([c]);
});
