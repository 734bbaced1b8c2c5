import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tellConfiguration } from '../../src/audit/configuration.ts';
import { noteDeed, tellDeeds } from '../../src/audit/deeds.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { parseConfig } from '../../src/config.ts';
import { Ids } from '../../src/domain/ids.ts';
import { openCatalog } from '../catalog/world.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
const ids = new Ids(randomBytes(64));
let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'holdfast-deeds-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const limit = { count: 5, withinMs: 600_000 };
const tellIn = (catalog: Catalog, from: string) =>
  tellDeeds({ catalog, ids, hostId: 'h', home: from, limit });

const told = (catalog: Catalog) =>
  catalog.rows<{ event: { step: string; actor: string; facts: object } }>(
    'select event from audit_events order by number',
  );

test('whoever opened the keyring or was refused is told once, also after nothing ran for a while', async () => {
  const catalog = await openCatalog(postgres());
  noteDeed(home, {
    step: 'keyring',
    actor: 'ana',
    facts: { action: 'unlock', command: 'cat', generation: 1 },
  });
  noteDeed(home, { step: 'access', actor: 'bob', facts: { what: 'wrong_password', command: 'key rotate' } });
  expect(statSync(join(home, 'deeds')).mode & 0o777).toBe(0o700);
  expect(await tellIn(catalog, home)).toBe(2);
  expect(readdirSync(join(home, 'deeds'))).toEqual([]);
  expect(await tellIn(catalog, home)).toBe(0);
  const events = (await told(catalog)).map(({ event }) => event).sort((a, b) => (a.actor < b.actor ? -1 : 1));
  expect(events).toMatchObject([
    { step: 'keyring', actor: 'ana', facts: { action: 'unlock', command: 'cat', at: expect.any(String) } },
    { step: 'access', actor: 'bob', facts: { what: 'wrong_password', command: 'key rotate' } },
  ]);
});

test('one that was told before its file could go is not told twice', async () => {
  const catalog = await openCatalog(postgres());
  noteDeed(home, { step: 'access', actor: 'bob', facts: { what: 'wrong_password', command: 'cat' } });
  const [name = ''] = readdirSync(join(home, 'deeds'));
  const bytes = readFileSync(join(home, 'deeds', name));
  await tellIn(catalog, home);
  writeFileSync(join(home, 'deeds', name), bytes);
  await tellIn(catalog, home);
  expect(await told(catalog)).toHaveLength(1);
});

test('nobody is kept from working by a folder that cannot be written, nor the worker by what is no deed', async () => {
  const catalog = await openCatalog(postgres());
  expect(await tellIn(catalog, join(home, 'none'))).toBe(0);
  noteDeed(join(home, 'none'), { step: 'access', actor: 'bob', facts: {} });
  noteDeed(home, { step: 'access', actor: 'bob', facts: {} });
  writeFileSync(join(home, 'deeds', `${'0'.repeat(32)}.json`), '{"step":"admission"}');
  expect(await tellIn(catalog, home)).toBe(1);
});

test('a configuration that changed is told when the worker starts, by its hash, and then no more', async () => {
  const catalog = await openCatalog(postgres());
  const config = (days: number) =>
    parseConfig(
      JSON.stringify({
        version: 1,
        repository: 'a'.repeat(32),
        host: { id: 'b'.repeat(32) },
        sources: [{ name: 'docs', path: '/docs' }],
        destinations: [{ name: 'primary', bucket: 'bucket', lock: { days } }],
      }),
      'holdfast.yaml',
    );
  for (const days of [7, 7, 8, 8]) await tellConfiguration(catalog, { ids, config: config(days) });
  const facts = (await told(catalog)).map(({ event }) => event.facts as { sha256: string; before?: string });
  expect(facts).toHaveLength(2);
  expect(facts[0]?.before).toBeUndefined();
  expect(facts[1]?.before).toBe(facts[0]?.sha256);
  expect(JSON.stringify(facts)).not.toContain('docs');
});
