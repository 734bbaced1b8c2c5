import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { noteDeed, tellDeeds } from '../../src/audit/deeds.ts';
import { refusalOf } from '../../src/audit/refusals.ts';
import { RefusedAccess } from '../../src/audit/refused-access.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { burstsOf } from '../../src/domain/bursts.ts';
import { Failure } from '../../src/domain/failures.ts';
import { Ids } from '../../src/domain/ids.ts';
import { openCatalog } from '../catalog/world.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
const ids = new Ids(randomBytes(64));
const minute = 60_000;
let home: string;
let gateFolder: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'holdfast-refusals-'));
  gateFolder = join(home, 'gate');
  mkdirSync(gateFolder);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const tell = (catalog: Catalog) =>
  tellDeeds({
    ...{ catalog, ids, hostId: 'h', home, gateFolder },
    limit: { count: 5, withinMs: 10 * minute },
  });

const incidents = (catalog: Catalog) =>
  catalog.rows<{ kind: string; facts: Record<string, unknown> }>('select kind, facts from incidents');

const notedIn = (folder: string): { facts: Record<string, unknown> }[] =>
  readdirSync(join(folder, 'deeds')).map((name) =>
    JSON.parse(readFileSync(join(folder, 'deeds', name), 'utf8')),
  );

/** A refusal as a command noted it down some minutes ago. */
function refusedAgo(
  minutes: number,
  facts: Record<string, string> = { what: 'wrong_password', command: 'cat' },
) {
  mkdirSync(join(home, 'deeds'), { recursive: true });
  const id = randomBytes(16).toString('hex');
  const at = new Date(Date.now() - minutes * minute).toISOString();
  writeFileSync(
    join(home, 'deeds', `${id}.json`),
    JSON.stringify({ id, at, step: 'access', actor: 'bob', facts }),
  );
}

test('five refusals within ten minutes are an incident, once a day, also told bit by bit; four are none', async () => {
  const catalog = await openCatalog(postgres());
  for (const minutes of [19, 15, 12, 8]) refusedAgo(minutes);
  await tell(catalog);
  expect(await incidents(catalog)).toEqual([]);
  for (const minutes of [7, 6]) refusedAgo(minutes, { what: 's3_denied', command: 'restore' });
  await tell(catalog);
  const [incident, ...others] = await incidents(catalog);
  expect(others).toEqual([]);
  expect(incident).toMatchObject({
    kind: 'unauthorised_access',
    facts: { what: 's3_denied,wrong_password', count: 5 },
  });
  expect(incident?.facts).toMatchObject({ who: 'bob' });
  for (const minutes of [5, 4]) refusedAgo(minutes);
  await tell(catalog);
  expect(await incidents(catalog)).toHaveLength(1);

  // Somebody closes it, and it goes on: that is another one, of what came since.
  await catalog.rows(
    `update incidents set state = 'closed', closed_at = now() - interval '4 minutes', close_reason = 'it was me'`,
  );
  for (const minutes of [3.5, 3, 2.5, 2]) refusedAgo(minutes);
  await tell(catalog);
  expect(await incidents(catalog)).toHaveLength(1);
  for (const minutes of [1.5, 1, 0.5]) refusedAgo(minutes);
  await tell(catalog);
  await tell(catalog);
  expect((await incidents(catalog)).map(({ facts }) => facts.count).sort()).toEqual([5, 7]);
});

test('what processes of ours are refused is told and no attempt to get in', async () => {
  const catalog = await openCatalog(postgres());
  const refused = new RefusedAccess(home, 'worker');
  for (let i = 0; i < 20; i++)
    refused.note(refusalOf(new Failure('s3_denied', { destination: 'primary', reason: 'AccessDenied' })));
  for (let i = 0; i < 6; i++) refused.note({ what: 's3_denied', destination: `other-${i}` });
  refused.tell('all');
  await tell(catalog);
  const events = await catalog.rows<{ facts: object }>(
    `select event -> 'facts' as facts from audit_events where event ->> 'step' = 'access' and event -> 'facts' ->> 'destination' = 'primary' order by event -> 'facts' -> 'count'`,
  );
  expect(events.map(({ facts }) => facts)).toMatchObject([
    { what: 's3_denied', destination: 'primary', process: 'worker', count: 1 },
    { what: 's3_denied', destination: 'primary', process: 'worker', count: 19 },
  ]);
  expect(await incidents(catalog)).toEqual([]);
});

test('of many refusals the first is told at once, the others as a number an hour later', () => {
  let now = 0;
  const refused = new RefusedAccess(home, 'worker', () => now);
  const denied = { what: 's3_denied', destination: 'primary' };
  for (let i = 0; i < 1_000; i++) refused.note(denied);
  refused.note({ what: 's3_denied', destination: 'second' });
  now = 59 * minute;
  refused.tell('due');
  expect(notedIn(home)).toHaveLength(2);
  now = 60 * minute;
  refused.tell('due');
  const counts = notedIn(home).map(({ facts: { destination, count } }) => `${destination} ${count}`);
  expect(counts.sort()).toEqual(['primary 1', 'primary 999', 'second 1']);
  now = 121 * minute;
  refused.tell('due');
  refused.note(denied);
  expect(notedIn(home)).toHaveLength(4);
});

test('a revoked host that comes again is an incident; whoever has the gate can tell nothing else', async () => {
  const catalog = await openCatalog(postgres());
  const gate = new RefusedAccess(gateFolder, 'gate');
  gate.note({ what: 'host_unknown', service: 's3' });
  noteDeed(gateFolder, { step: 'keyring', actor: 'ana', facts: { action: 'unlock' } });
  writeFileSync(join(home, 'secret'), '{}');
  symlinkSync(join(home, 'secret'), join(gateFolder, 'deeds', `${'0'.repeat(32)}.json`));
  expect(await tell(catalog)).toBe(1);
  expect(await incidents(catalog)).toEqual([]);
  gate.note({ what: 'host_revoked', host: 'aa', service: 'postgres' });
  gate.note({ what: 'host_revoked', host: 'aa', service: 's3' });
  expect(await tell(catalog)).toBe(2);
  expect(await incidents(catalog)).toMatchObject([
    { kind: 'unauthorised_access', facts: { what: 'host_revoked', host: 'aa' } },
  ]);
  expect(readdirSync(join(gateFolder, 'deeds'))).toEqual([]);
});

test('what counts as refused: rights and passwords, not what is away', () => {
  expect(refusalOf(new Failure('s3_denied', { destination: 'x' }))).toEqual({
    what: 's3_denied',
    destination: 'x',
  });
  expect(refusalOf(new Failure('catalog_unready', { code: '28P01' }))).toEqual({ what: 'catalog_unready' });
  expect(refusalOf(new Failure('policy_unavailable', { detail: 'EACCES' }))).toBeDefined();
  expect(refusalOf(new Failure('policy_unavailable', { detail: 'ECONNREFUSED' }))).toBeUndefined();
  expect(refusalOf(new Failure('catalog_unready', { code: '42P01' }))).toBeUndefined();
  expect(refusalOf(new Failure('s3_unavailable'))).toBeUndefined();
  expect(refusalOf(new Error('AccessDenied'))).toBeUndefined();
});

test('bursts: stretches in which so many lie within the time, each once', () => {
  const limit = { count: 3, withinMs: 10 };
  expect(burstsOf([], limit)).toEqual([]);
  expect(burstsOf([0, 6, 12, 18], limit)).toEqual([]);
  expect(burstsOf([30, 0, 5, 10, 12, 33, 36, 90], limit)).toEqual([
    { firstMs: 0, lastMs: 12, count: 4 },
    { firstMs: 30, lastMs: 36, count: 3 },
  ]);
});
