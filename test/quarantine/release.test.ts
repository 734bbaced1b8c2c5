import { chmodSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Verdict } from '../../src/domain/records.ts';
import { itemOf, type KeptItem, listItems, requireKept } from '../../src/quarantine/items.ts';
import {
  deleteItem,
  type ReleaseDeps,
  release,
  rescan,
  revokeException,
} from '../../src/quarantine/release.ts';
import { makeWorld, protectOnce, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
const content = 'looks like malware';
let world: World;
let clean: Verdict;
let infected: Verdict;
let runs = 0;

beforeEach(async () => {
  world = await makeWorld(postgres());
  if (typeof world.knobs.verdict === 'function') throw new Error('unreachable');
  clean = world.knobs.verdict;
  infected = { ...clean, state: 'infected', signature: 'Eicar-Test' };
  world.knobs.verdict = infected;
});

function deps(): ReleaseDeps {
  const { catalog, ids, scanner, keys, quarantineDir } = world.context;
  return {
    ...{ catalog, ids, scanner, hostId: 'host', folder: quarantineDir, actor: 'ana' },
    ...{ runId: `run-${runs++}`, allowTestSignatures: false, signal: new AbortController().signal },
    keys: { byId: (id) => keys.byId(id) },
  };
}

async function quarantined(path = 'tool.exe'): Promise<KeptItem> {
  world.write(path, content);
  chmodSync(join(world.folder, path), 0o750);
  utimesSync(join(world.folder, path), 1_600_000_000, 1_600_000_000);
  await protectOnce(world.context, await world.entry(path));
  return kept();
}

async function kept(): Promise<KeptItem> {
  const [item] = await listItems(world.catalog, { all: false });
  if (item === undefined) throw new Error('nothing is kept');
  return requireKept(item, 'host');
}

const original = { reason: 'false positive', evenIfInfected: false, toOriginal: true };
const insisting = { ...original, evenIfInfected: true };

const releaseHere = async (item: KeptItem, wish = original, using = deps()) =>
  release(using, item, await rescan(using, item), wish, { path: Buffer.from(world.folder) });

const events = () =>
  world.catalog.rows<{ action: string; actor: string; reason: string | null }>(
    `select event -> 'facts' ->> 'action' as action, event ->> 'actor' as actor, event -> 'facts' ->> 'reason' as reason
     from audit_events where event ->> 'step' = 'quarantine' and event ->> 'actor' = 'ana' order by at`,
  );

describe('a false positive', () => {
  test('that other signatures find clean comes back as it was, and is protected', async () => {
    const item = await quarantined();
    world.knobs.verdict = clean;
    expect(await releaseHere(item)).toMatchObject({ verdict: { state: 'clean' }, excepted: undefined });
    const back = join(world.folder, 'tool.exe');
    expect(readFileSync(back, 'utf8')).toBe(content);
    expect(statSync(back)).toMatchObject({ mtimeMs: 1_600_000_000_000, nlink: 1 });
    expect(statSync(back).mode & 0o7777).toBe(0o750);
    expect(readdirSync(world.folder)).toEqual(['tool.exe']);
    expect(readdirSync(world.quarantineDir)).toEqual([]);
    expect(await itemOf(world.catalog, item.id)).toMatchObject({
      state: 'released',
      ended: { actor: 'ana', reason: 'false positive' },
    });
    expect(await events()).toEqual([{ action: 'released', actor: 'ana', reason: 'false positive' }]);
    expect(await protectOnce(world.context, await world.entry('tool.exe'))).toMatchObject({
      outcome: 'uploaded',
    });
  });

  test('that is still found stays', async () => {
    const item = await quarantined();
    await expect(releaseHere(item)).rejects.toMatchObject({
      code: 'still_infected',
      facts: { signature: 'Eicar-Test' },
    });
    expect(readdirSync(world.folder)).toEqual([]);
    expect(await kept()).toMatchObject({ id: item.id });
    expect(await events()).toEqual([]);
  });

  test.each<[string, Partial<Verdict>]>([
    ['could not be scanned', { state: 'not_scanned', reason: 'timeout' }],
    ['is clean by signatures that know only the test file', { state: 'clean', signatureSet: 'builtin-test' }],
  ])('that %s stays', async (_, verdict) => {
    const item = await quarantined();
    world.knobs.verdict = { ...clean, ...verdict };
    await expect(releaseHere(item)).rejects.toMatchObject({ code: 'release_unscanned' });
    expect(readdirSync(world.folder)).toEqual([]);
  });
});

describe('what a person insists on', () => {
  test('comes back, is left alone, is never uploaded, and is told as an incident', async () => {
    const item = await quarantined();
    expect(await releaseHere(item, insisting)).toMatchObject({ excepted: 'Eicar-Test' });
    const entry = await world.entry('tool.exe');
    const settled = { outcome: 'ignored', reason: 'infected_exception' };
    expect(await protectOnce(world.context, entry)).toMatchObject(settled);
    expect(await protectOnce(world.context, entry)).toMatchObject(settled);
    expect(readFileSync(join(world.folder, 'tool.exe'), 'utf8')).toBe(content);
    expect(world.calls).toEqual([]);
    const incidents = await world.catalog.rows('select kind, subject from incidents order by kind');
    expect(incidents).toEqual([
      { kind: 'infection', subject: item.versionId },
      { kind: 'policy_bypass', subject: item.id },
    ]);
    expect(await itemOf(world.catalog, item.id)).toMatchObject({
      exception: { signature: 'Eicar-Test', actor: 'ana', reason: 'false positive', revokedAt: null },
    });
  });

  test('goes elsewhere without being left alone', async () => {
    const item = await quarantined();
    const lab = { ...insisting, toOriginal: false };
    expect(await releaseHere(item, lab)).toMatchObject({ excepted: undefined });
    expect(await world.catalog.rows("select id from incidents where kind = 'policy_bypass'")).toHaveLength(1);
    expect(await protectOnce(world.context, await world.entry('tool.exe'))).toMatchObject({
      outcome: 'quarantined',
    });
  });

  test('is quarantined all the same when another signature finds it, or its content changes', async () => {
    await releaseHere(await quarantined(), insisting);
    world.knobs.verdict = { ...infected, signature: 'Win.Trojan.Other' };
    const entry = await world.entry('tool.exe');
    expect(await protectOnce(world.context, entry)).toMatchObject({ outcome: 'quarantined' });
    world.knobs.verdict = infected;
    world.write('tool.exe', `${content} and more`);
    await world.entry('tool.exe');
    expect(await protectOnce(world.context, entry)).toMatchObject({ outcome: 'quarantined' });
  });

  test('is quarantined again once that is revoked, and protected once it is found clean', async () => {
    const item = await quarantined();
    await releaseHere(item, insisting);
    const entry = await world.entry('tool.exe');
    await protectOnce(world.context, entry);
    expect(await revokeException(deps(), item.id)).toBe(true);
    expect(await revokeException(deps(), item.id)).toBe(false);
    expect(await protectOnce(world.context, entry)).toMatchObject({ outcome: 'quarantined' });
    await releaseHere(await kept(), insisting);
    world.knobs.verdict = clean;
    expect(await protectOnce(world.context, entry)).toMatchObject({ outcome: 'uploaded' });
  });
});

describe('a release', () => {
  test('overwrites nothing', async () => {
    const item = await quarantined();
    world.knobs.verdict = clean;
    writeFileSync(join(world.folder, 'tool.exe'), 'something else');
    await expect(releaseHere(item)).rejects.toMatchObject({ code: 'release_occupied' });
    expect(readFileSync(join(world.folder, 'tool.exe'), 'utf8')).toBe('something else');
    expect(readdirSync(world.folder)).toEqual(['tool.exe']);
    expect(await kept()).toMatchObject({ id: item.id });
  });

  test('that was cut off after the file was back ends the second time', async () => {
    const item = await quarantined();
    world.knobs.verdict = infected;
    const dying = deps();
    const cutOff = {
      ...dying,
      catalog: new Proxy(dying.catalog, {
        get: (catalog, name) =>
          name === 'write'
            ? async (change: { quarantineEnd?: object }) => {
                if (change.quarantineEnd) throw new Error('died');
                return catalog.write(change as never);
              }
            : Reflect.get(catalog, name).bind(catalog),
      }),
    };
    await expect(releaseHere(item, insisting, cutOff)).rejects.toThrow('died');
    expect(await kept()).toMatchObject({ state: 'kept' });
    expect(await releaseHere(await kept(), insisting)).toMatchObject({ excepted: 'Eicar-Test' });
    expect(await itemOf(world.catalog, item.id)).toMatchObject({ state: 'released' });
    expect(readdirSync(world.folder)).toEqual(['tool.exe']);
  });

  test('gives out nothing of a copy that was changed or is missing', async () => {
    const item = await quarantined();
    const [name = ''] = readdirSync(world.quarantineDir);
    const file = join(world.quarantineDir, name);
    const bytes = readFileSync(file);
    const changed = Buffer.from(bytes);
    changed[40] = (changed[40] ?? 0) ^ 1;
    writeFileSync(file, changed);
    await expect(rescan(deps(), item)).rejects.toMatchObject({ code: 'tampered', exitCode: 4 });
    const verdict = clean;
    await expect(
      release(deps(), item, verdict, original, { path: Buffer.from(world.folder) }),
    ).rejects.toMatchObject({ code: 'tampered' });
    expect(readdirSync(world.folder)).toEqual([]);
  });

  test('is refused for what is not kept, or lies on another host', async () => {
    const item = await quarantined();
    expect(() => requireKept(item, 'elsewhere')).toThrow('lies on the host');
    await deleteItem(deps(), item, 'malware');
    const ended = await itemOf(world.catalog, item.id);
    expect(() => requireKept(ended as never, 'host')).toThrow('it was deleted');
  });
});

test('deleting leaves the record and nothing else', async () => {
  const item = await quarantined();
  await deleteItem(deps(), item, 'malware');
  expect(readdirSync(world.quarantineDir)).toEqual([]);
  expect(await itemOf(world.catalog, item.id)).toMatchObject({
    state: 'deleted',
    ended: { actor: 'ana', reason: 'malware' },
  });
  expect(await listItems(world.catalog, { all: false })).toEqual([]);
  expect(await listItems(world.catalog, { all: true })).toMatchObject([{ id: item.id }]);
  expect(await events()).toEqual([{ action: 'deleted', actor: 'ana', reason: 'malware' }]);
});

test('what was only reported is listed while it lies there', async () => {
  world.knobs.quarantine = 'report';
  world.write('bad.exe', content);
  const entry = await world.entry('bad.exe');
  await protectOnce(world.context, entry);
  expect(await listItems(world.catalog, { all: false })).toMatchObject([
    { state: 'reported', action: 'reported' },
  ]);
  world.knobs.verdict = clean;
  expect(await protectOnce(world.context, entry)).toMatchObject({ outcome: 'uploaded' });
  expect(await listItems(world.catalog, { all: false })).toEqual([]);
});
