import { readFileSync } from 'node:fs';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { type DestinationConfig, parseConfig } from '../../src/config.ts';
import type { Patient } from '../../src/doctor/check.ts';
import { checkNames, examine, type NamedFinding } from '../../src/doctor/examine.ts';
import { Failure } from '../../src/domain/failures.ts';
import type { KeyringDocument } from '../../src/keys/keyring-files.ts';
import { publishKeyring } from '../../src/keys/publish.ts';
import { recordVerifiedKit } from '../../src/keys/verify-kit.ts';
import { limitSignatures } from '../../src/scanner/limits.ts';
import type { Endpoints } from '../../src/stack/endpoints.ts';
import { MemoryStore } from '../../src/storage/memory-store.ts';
import { speak } from '../../src/text/voice.ts';
import { damaged, keyringWithHistory, replanted } from '../keys/keyrings.ts';
import { Clamd } from '../scanner/clamd.ts';
import { makeWorld, protectOnce, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const server = usePostgres();
const dayMs = 86_400_000;
const mebibyte = 1024 * 1024;
const config = parseConfig(
  JSON.stringify({
    version: 1,
    repository: 'd'.repeat(32),
    host: { id: 'b'.repeat(32) },
    sources: [{ name: 'docs', path: '/tmp' }],
    destinations: [{ name: 'primary', bucket: 'some-bucket', lock: { days: 7 } }],
  }),
  'holdfast.yaml',
);
let world: World;
let store: MemoryStore;
let aheadMs: number;
let documents: KeyringDocument[];

beforeEach(async () => {
  world = await makeWorld(server());
  aheadMs = 0;
  store = new MemoryStore({ name: 'primary', now: () => new Date(Date.now() + aheadMs) });
  const made = await keyringWithHistory();
  documents = [made.documents.two, made.scopes.own, made.scopes.default1];
});

async function findings(
  changes: Partial<Patient> = {},
  only?: readonly string[],
): Promise<Map<string, NamedFinding[]>> {
  const [destination] = config.destinations;
  if (destination === undefined) throw new Error('no destination');
  const patient: Patient = {
    config,
    home: '/tmp',
    configPath: '/tmp/holdfast.yaml',
    hasPasswordInEnvironment: false,
    status: undefined,
    endpoints: endpointsWith('/nonexistent/clamd.sock'),
    documents,
    language: 'en',
    catalog: async () => world.catalog,
    destinations: async () => [{ config: destination, store }],
    ...changes,
  };
  const found = await Array.fromAsync(examine(patient, only));
  return Map.groupBy(found, ({ check }) => check);
}
/** Nothing but a scanner. */
const endpointsWith = (clamdSocket: string): Endpoints => {
  const away = (service: string): never => {
    throw new Failure('service_not_running', { service });
  };
  return {
    ...({ signatures: { set: 'builtin-test' }, clamdSocket, s3: () => away('s3') } as unknown as Endpoints),
    get temporal() {
      return away('temporal');
    },
    get opaSocket() {
      return away('opa');
    },
  };
};
const publish = () => publishKeyring(store, '', documents, { mode: 'GOVERNANCE', days: 7 });
const state = (found: Map<string, NamedFinding[]>, check: string) =>
  found.get(check)?.map((one) => one.state);

it('whatever is amiss is told with what it means and what to do', async () => {
  const found = [...(await findings()).values()].flat().filter((finding) => finding.state !== 'ok');
  expect(found.map(({ check }) => check)).toEqual(
    expect.arrayContaining(['services', 'recovery-kit', 'key-locks', 'signatures', 'same-machine']),
  );
  for (const { todo } of found) expect(todo).toMatch(/\S/);
});

it('a kit is warned about until its newest key was verified', async () => {
  const made = await keyringWithHistory();
  documents = [made.documents.two, replanted(made.documents.one, 3, 'recovery-kit')];
  expect(state(await findings(), 'recovery-kit')).toEqual(['warning']);
  await recordVerifiedKit(world.catalog, { generation: 1, keyId: 'a'.repeat(32) });
  expect(state(await findings(), 'recovery-kit')).toEqual(['warning']);
  await recordVerifiedKit(world.catalog, { generation: 3, keyId: 'a'.repeat(32) });
  expect(state(await findings(), 'recovery-kit')).toEqual(['ok']);
});

it('a holder from before a rotation is told', async () => {
  const { documents: all } = await keyringWithHistory();
  documents = [all.three, all.four];
  expect((await findings()).get('holders')).toMatchObject([
    { state: 'warning', todo: 'holdfast key add-holder officer' },
  ]);
});

it('scope keys with less than thirty days of lock, unlocked and missing documents are told', async () => {
  expect(state(await findings(), 'key-locks')).toEqual(['problem']);
  aheadMs = -29 * dayMs;
  await publish();
  // The root's week is over by now; scope keys have 31 days left.
  expect((await findings()).get('key-locks')).toMatchObject([
    { state: 'problem', what: expect.stringContaining('not locked') },
  ]);
  aheadMs = 0;
  await publish();
  expect(state(await findings(), 'key-locks')).toEqual(['ok']);
  const [version] = await store.versionsOf(documents[1]?.name ?? '');
  if (version === undefined) throw new Error('not published');
  store.relock(version, { mode: 'GOVERNANCE', retainUntil: new Date(Date.now() + 29.5 * dayMs) });
  expect((await findings()).get('key-locks')).toMatchObject([
    { state: 'warning', what: expect.stringContaining('29 more days') },
  ]);
});

it('a clock that is off by more than two minutes is told', async () => {
  await publish();
  aheadMs = 119_000;
  expect(state(await findings(), 'clock')).toEqual(['ok']);
  aheadMs = 125_000;
  expect((await findings()).get('clock')).toMatchObject([
    { state: 'problem', what: expect.stringContaining('behind') },
  ]);
});

it('a role of Postgres that may change the audit trail is told', async () => {
  expect((await findings()).get('postgres')).toMatchObject([
    { state: 'problem', what: expect.stringContaining('fsync') },
  ]);
  await world.asOwner('grant delete on audit_events to holdfast_writer');
  expect((await findings()).get('postgres')).toMatchObject([
    { what: expect.stringContaining('fsync') },
    {
      ...{ state: 'problem', what: "The program's role may DELETE audit_events." },
      todo: expect.stringContaining('revoke DELETE'),
    },
  ]);
});

it('what was stored last and is not locked is told', async () => {
  const destinations = async () => [
    { config: config.destinations[0] as DestinationConfig, store: world.store },
  ];
  expect(state(await findings({ destinations }), 'buckets')).toEqual(['ok']);
  world.write('a', 'content');
  await protectOnce(world.context, await world.entry('a'));
  expect((await findings({ destinations })).get('buckets')).toMatchObject([
    { state: 'ok', what: expect.stringContaining('locked (GOVERNANCE)') },
  ]);
  const [version] = await world.versions();
  if (version === undefined) throw new Error('nothing stored');
  world.store.lose(version);
  expect((await findings({ destinations })).get('buckets')).toMatchObject([
    { state: 'problem', what: expect.stringContaining('not there') },
  ]);
});

it('docs/operations.md tells of every check', () => {
  const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const [, part = ''] = /## What `doctor` looks at\n([\s\S]*?)\n## /.exec(text) ?? [];
  expect(checkNames.filter((name) => !part.includes(`\`${name}\``))).toEqual([]);
});

it('only what is named is looked at', async () => {
  expect([...(await findings({}, ['disk', 'holds'])).keys()]).toEqual(['holds', 'disk']);
});

it('manifests that lag are told', async () => {
  world.write('a', 'content');
  await protectOnce(world.context, await world.entry('a'));
  expect(state(await findings(), 'journal')).toEqual(['ok']);
  await world.asOwner(`update versions set settled_at = now() - interval '6 minutes'`);
  expect(state(await findings(), 'journal')).toEqual(['problem']);
});

it('what cannot be looked at is a problem, and keeps nothing else from being told', async () => {
  const found = await findings({
    catalog: async () => Promise.reject(new Failure('catalog_unavailable')),
    documents: [damaged(documents[0] as KeyringDocument)],
  });
  for (const check of ['recovery-kit', 'holders', 'journal'])
    expect(state(found, check)).toEqual(['problem']);
  expect(state(found, 'clock')).toEqual(['ok']);
  const noFolder = await findings({ home: '/nonexistent' }, ['disk', 'holds']);
  expect(noFolder.get('disk')).toMatchObject([{ state: 'problem', what: expect.stringContaining('ENOENT') }]);
  expect(state(noFolder, 'holds')).toEqual(['ok']);
});

it('a scanner whose OK cannot be believed is told, and what it was found to take', async () => {
  expect(state(await findings(), 'scanner')).toEqual(['problem']);
  const clamd = new Clamd({ maxFileSize: '1M', streamMaxLength: '2M' }, { AlertExceedsMax: 'no' });
  onTestFinished(() => clamd.remove());
  clamd.database('limits.cdb', limitSignatures(mebibyte));
  await clamd.start();
  const endpoints = endpointsWith(clamd.socketPath);
  expect((await findings({ endpoints })).get('scanner')).toMatchObject([
    { state: 'problem', todo: expect.stringContaining('AlertExceedsMax yes') },
    { state: 'warning', what: expect.stringContaining(`${2 * mebibyte}`) },
  ]);
});

it('infections, and what no scanner looked at, are told', async () => {
  expect(state(await findings(), 'malware')).toEqual(['ok']);
  if (typeof world.knobs.verdict === 'function') throw new Error('unreachable');
  const clean = world.knobs.verdict;
  world.knobs.verdict = { ...clean, state: 'infected', signature: 'Eicar-Test' };
  world.write('bad.exe', 'malware');
  await protectOnce(world.context, await world.entry('bad.exe'));
  world.knobs.verdict = { ...clean, state: 'not_scanned', reason: 'too_large' };
  world.write('large.iso', 'large');
  await protectOnce(world.context, await world.entry('large.iso'));
  expect((await findings()).get('malware')).toMatchObject([
    { state: 'warning', what: expect.stringContaining('1 file in quarantine') },
    { state: 'warning', what: expect.stringContaining('configuration or the scanner takes: 1)') },
  ]);
});

it('says in the language of whoever asks that nobody is told, and what waits to be notified', async () => {
  const look = () => findings({ language: 'fr' }, ['breaches', 'notifications']);
  const before = await look();
  expect(before.get('notifications')).toMatchObject([
    { state: 'warning', what: expect.stringContaining('Personne n’est prévenu') },
  ]);
  expect(before.get('breaches')).toMatchObject([{ state: 'ok' }]);
  await world.asOwner(`insert into incidents (id, kind, subject, run_id, facts, detected_at)
    values ('i', 'other', 's', 'r', '{}', now() - interval '80 hours')`);
  const found = (await look()).get('breaches') ?? [];
  expect(found.map(({ state }) => state)).toEqual(['problem', 'problem']);
  expect(found[0]?.what).toContain('devait être notifié');
  expect(found[1]?.what).toContain('n’est suivi par personne');
});

it('what cannot be looked at is told, with what to do, in the language of whoever asks', async () => {
  onTestFinished(() => speak('en'));
  await speak('fr');
  const catalog = async () => Promise.reject(new Failure('catalog_unavailable'));
  const [{ what, todo } = { what: '' }] = (await findings({ catalog }, ['holds'])).get('holds') ?? [];
  expect(what).toContain('Le catalogue (Postgres) ne répond pas');
  expect(todo).toContain('Lancez `holdfast status`');
});
