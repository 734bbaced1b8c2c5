import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { dueTotals, lateDetections, sealedToRecipients } from '../../src/catalog/rescan-query.ts';
import { catalogIndex } from '../../src/catalog/restore-query.ts';
import { Failure } from '../../src/domain/failures.ts';
import { newRunId } from '../../src/domain/ids.ts';
import type { SignatureSet } from '../../src/domain/records.ts';
import type { Settled } from '../../src/domain/steps.ts';
import type { PipelineContext } from '../../src/pipeline/context.ts';
import { type RescanDeps, type RescanRequest, rescan } from '../../src/rescan/rescan.ts';
import { ClamdScanner } from '../../src/scanner/clamd-client.ts';
import type { SignatureInfo } from '../../src/scanner/signatures.ts';
import { TokenBucket } from '../../src/throttle/token-bucket.ts';
import { knownBelow } from '../../src/watcher/compare-query.ts';
import { makeBatch } from '../batch/batches.ts';
import { Clamd } from '../scanner/clamd.ts';
import { makeWorld, noise, protectOnce, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
const clamd = new Clamd({ maxFileSize: '20M', streamMaxLength: '20M' });
/** What only later signatures know. */
const evil = 'this is what a new kind of malware looks like';

beforeAll(() => clamd.start(), 60_000);
afterAll(() => clamd.remove());

let signatures: SignatureInfo;
let scanner: ClamdScanner;
beforeEach(() => {
  signatures = { set: 'official', revision: '27000', at: today(-1) };
  scanner = openScanner();
});

const today = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();

function openScanner(): ClamdScanner {
  return new ClamdScanner({
    socketPath: clamd.socketPath,
    deadlineMs: () => 20_000,
    maxScanBytes: 20 * 1024 * 1024,
    maxSignatureAgeDays: 7,
    signatures: async () => signatures,
    prove,
  });
}

const prove = async () => ({ problems: [], takesBytes: 20 * 1024 * 1024 });

/** As freshclam does it: another signature lies there, and clamd loads it. */
async function learn(
  revision: string,
  known: boolean,
  set: SignatureSet = 'official',
  at = today(0),
): Promise<void> {
  const line = `New.Malware-1:0:*:${Buffer.from(known ? evil : 'nothing that lies anywhere').toString('hex')}\n`;
  writeFileSync(join(clamd.folder, 'db', 'new.ndb'), line);
  await clamd.kill();
  await clamd.start();
  signatures = { set, revision, at };
}

interface RescanWorld extends World {
  readonly real: PipelineContext;
  protect(path: string, content: string | Buffer): Promise<Settled>;
  look(path: string): Promise<Settled>;
  rescan(request?: Partial<RescanRequest>, deps?: Partial<RescanDeps>): ReturnType<typeof rescan>;
}

async function rescanWorld(): Promise<RescanWorld> {
  const world = await makeWorld(postgres());
  const { catalog, context, store } = world;
  const real = Object.create(context, {
    scanner: { get: () => scanner },
  }) as PipelineContext;
  const look = async (path: string) => (await protectOnce(real, await world.entry(path))) as Settled;
  return {
    ...world,
    real,
    look,
    async protect(path, content) {
      world.write(path, content);
      return look(path);
    },
    rescan: (request = {}, deps = {}) =>
      rescan(
        {
          ...{ catalog, ids: context.ids, hostId: context.hostId, keys: context.keys, scanner },
          stores: new Map([['primary', store]]),
          throttle: new TokenBucket(() => undefined),
          log: pino({ level: 'silent' }),
          retryPausesMs: [1, 1],
          ...deps,
        },
        {
          runId: newRunId(),
          actor: 'tester',
          until: new Date(Date.now() + 60_000),
          signal: new AbortController().signal,
          ...request,
        },
      ),
  };
}

const none = { rescanned: 0, bytes: 0, clean: 0, infected: 0, notScanned: 0, unreadable: 0 };

describe('content whose signatures came later', () => {
  test('is found: every version is marked, one incident tells it, and nothing is deleted', async () => {
    await learn('27000', false);
    const world = await rescanWorld();
    const first = await world.protect('a.doc', evil);
    const copy = await world.protect('copy.doc', evil);
    const large = await world.protect(
      'large.doc',
      Buffer.concat([noise(9 * 1024 * 1024), Buffer.from(evil)]),
    );
    await world.protect('good.doc', 'harmless');
    await world.protect('empty.doc', '');
    expect([first.outcome, copy.outcome, large.outcome]).toEqual(['uploaded', 'duplicate', 'uploaded']);
    expect(await world.rescan()).toEqual({ totals: none, isDone: true });
    await world.asOwner('update versions set journal = 1');

    await learn('27001', true);
    const runId = newRunId();
    const found = await world.rescan({ runId });
    const bytes = 9 * 1024 * 1024 + 2 * evil.length + 'harmless'.length;
    expect(found).toEqual({ totals: { ...none, rescanned: 4, bytes, clean: 2, infected: 2 }, isDone: true });
    const marked = await world.catalog.rows(
      `select v.id, late_signature as by, journal, sc.state from versions v join scans sc on sc.id = v.scan_id
       where late_signature is not null order by v.observed_at`,
    );
    const mark = { by: 'New.Malware-1.UNOFFICIAL', journal: null, state: 'infected' };
    expect(marked).toEqual([first, copy, large].map(({ versionId: id }) => ({ id, ...mark })));
    expect(await world.catalog.rows('select journal from versions where late_signature is null')).toEqual([
      { journal: 1 },
      { journal: 1 },
    ]);
    const incidents = await world.catalog.rows(
      `select kind, facts ->> 'versions' as versions from incidents order by versions`,
    );
    expect(incidents).toEqual([
      { kind: 'late_detection', versions: '1' },
      { kind: 'late_detection', versions: '2' },
    ]);
    // Each other verdict is an event of the run, and how it ended is one, with who asked for it.
    const events = await world.catalog.rows<{
      actor: string;
      state: string;
      versions: number;
      result: string;
    }>(
      `select event ->> 'actor' as actor, event -> 'facts' ->> 'state' as state, event -> 'facts' -> 'versions' as versions,
              event -> 'facts' ->> 'result' as result
       from audit_events where event ->> 'step' = 'rescan' and event ->> 'run' = $1 order by result nulls first, versions`,
      [runId],
    );
    expect(events).toEqual([
      { actor: 'holdfast', state: 'infected', versions: 1, result: null },
      { actor: 'holdfast', state: 'infected', versions: 2, result: null },
      { actor: 'tester', state: null, versions: null, result: 'complete with warnings' },
    ]);
    expect(await lateDetections(world.catalog)).toEqual({ openIncidents: 2, versions: 3 });
    expect(await world.versions()).toHaveLength(4);
    expect(await world.catalog.endedRun(runId)).toEqual({
      result: 'complete with warnings',
      totals: found.totals,
    });

    // Again by the same signatures: nothing to do.
    expect(await world.rescan()).toEqual({ totals: none, isDone: true });
    const rows: unknown[] = [];
    const sourceId = (await catalogIndex(world.catalog).sourceIdOf('docs')) ?? '';
    for await (const { version } of catalogIndex(world.catalog).rows(
      { sourceId, path: Buffer.from('a.doc') },
      'tree',
    ))
      rows.push(version);
    expect(rows).toMatchObject([{ id: first.versionId, infected: 'New.Malware-1.UNOFFICIAL' }]);

    // A sweep finds it due, and not the others that nobody touched either.
    const known: unknown[] = [];
    for await (const { path, isWell } of knownBelow(world.catalog, sourceId, [Buffer.alloc(0)]))
      if (/^(a|good)[.]doc$/.test(path.toString())) known.push([path.toString(), isWell]);
    expect(known).toEqual([
      ['a.doc', false],
      ['good.doc', true],
    ]);

    // Its original goes through quarantine at the next look, though nobody touched it.
    expect(await world.look('a.doc')).toMatchObject({ outcome: 'quarantined' });
    expect(await world.look('good.doc')).toMatchObject({ outcome: 'uploaded', unchanged: true });
  });

  test('that was a false alarm is no longer marked once later signatures say so', async () => {
    await learn('27001', false);
    const world = await rescanWorld();
    const { versionId } = await world.protect('a.doc', evil);
    await learn('27002', true);
    expect((await world.rescan()).totals).toMatchObject({ infected: 1 });
    await learn('27003', false);
    expect((await world.rescan()).totals).toMatchObject({ clean: 1 });
    expect(await lateDetections(world.catalog)).toEqual({ openIncidents: 1, versions: 0 });
    expect((await world.catalog.version(versionId ?? '')).verdict).toMatchObject({ state: 'clean' });
  });

  test('is found in what is stored too when only a new copy was scanned by them', async () => {
    await learn('27001', false);
    const world = await rescanWorld();
    await world.protect('a.doc', evil);
    await learn('27002', true);
    expect(await world.protect('copy.doc', evil)).toMatchObject({ outcome: 'quarantined' });
    expect((await world.rescan()).totals).toMatchObject({ rescanned: 1, infected: 1 });
    expect(await lateDetections(world.catalog)).toEqual({ openIncidents: 1, versions: 1 });
  });
});

test('content in packs is read out of them, one scan for each content', async () => {
  await learn('27001', false);
  const world = await rescanWorld();
  const contents = { 'a.doc': evil, 'b.doc': 'harmless', 'c.doc': 'harmless too', 'copy.doc': 'harmless' };
  for (const [path, content] of Object.entries(contents)) world.write(path, content);
  await (await makeBatch(world, Object.keys(contents))).run(world.real);
  expect(await world.versions()).toHaveLength(1);
  await learn('27002', true);
  expect((await world.rescan()).totals).toMatchObject({ rescanned: 3, clean: 2, infected: 1 });
  const rows = await world.catalog.rows<{ path: Buffer }>(
    'select e.path from versions v join entries e on e.id = v.entry_id where late_signature is not null',
  );
  expect(rows.map(({ path }) => path.toString())).toEqual(['a.doc']);
});

describe('what is due', () => {
  test('test signatures and older ones never look again at what better ones judged', async () => {
    await learn('27001', false);
    const world = await rescanWorld();
    await world.protect('a.doc', evil);
    for (const loaded of [
      { set: 'builtin-test', revision: 'test', at: today(0) },
      { set: 'official', revision: '26000', at: today(-2) },
    ] as const) {
      signatures = loaded;
      expect((await world.rescan()).totals).toEqual(none);
    }
    signatures = { set: 'official', revision: '25000', at: today(-30) };
    await expect(world.rescan()).rejects.toMatchObject({ code: 'signatures_stale' });
  });

  test('OpenPGP messages are not: nobody here can open them, and that is told', async () => {
    await learn('27001', false);
    const world = await rescanWorld();
    await world.protect('a.doc', 'one');
    await world.protect('b.doc', 'two');
    await world.asOwner(`update objects set format = 'openpgp' where id = (select min(id) from objects)`);
    await learn('27002', false);
    expect((await world.rescan()).totals).toMatchObject({ rescanned: 1, clean: 1, unreadable: 0 });
    expect(await sealedToRecipients(world.catalog)).toBe(1);
  });

  test('what had no verdict is tried again by the same signatures, and what keeps having none ends the run all the same', async () => {
    await learn('27001', false);
    const world = await rescanWorld();
    const { versionId } = await world.protect('a.doc', 'harmless');
    await world.asOwner(`update scans set state = 'not_scanned', reason = 'timeout'`);
    world.knobs.verdict = { ...(await scanner.facts()), state: 'not_scanned', reason: 'timeout' };
    const timesOut = world.context.scanner;
    expect((await world.rescan({}, { scanner: timesOut })).totals).toMatchObject({
      rescanned: 1,
      notScanned: 1,
    });
    expect((await world.catalog.version(versionId ?? '')).verdict).toMatchObject({ state: 'not_scanned' });
    expect((await world.rescan()).totals).toMatchObject({ rescanned: 1, clean: 1 });
    expect((await world.catalog.version(versionId ?? '')).verdict).toMatchObject({ state: 'clean' });
  });

  test('only what the source holds, the oldest verdict first, not more than asked for', async () => {
    await learn('27001', false);
    const world = await rescanWorld();
    for (const name of ['c', 'a', 'b']) await world.protect(name, `content of ${name}`);
    await learn('27002', false);
    expect((await world.rescan({ sourceId: 'another' })).totals).toEqual(none);
    expect((await world.rescan({ limit: 2 })).totals).toMatchObject({ rescanned: 2 });
    const done = await world.catalog.rows<{ path: Buffer }>(
      `select e.path from rescans r join versions v on v.sha512 = r.sha512 join entries e on e.id = v.entry_id order by 1`,
    );
    expect(done.map(({ path }) => path.toString())).toEqual(['a', 'c']);
    const loaded = await scanner.facts();
    expect(await dueTotals(world.catalog, { loaded, since: new Date() })).toEqual({ contents: 1, bytes: 12 });
  });
});

describe('a run', () => {
  test('that was cut off goes on where it stopped, and counts on', async () => {
    await learn('27001', false);
    const world = await rescanWorld();
    for (let n = 0; n < 12; n++) await world.protect(`f${n}`, `content ${n}`);
    await learn('27002', false);
    const runId = newRunId();
    let reads = 0;
    world.knobs.fault = ({ operation, moment }) => {
      if (operation === 'get' && moment === 'before' && ++reads > 6)
        throw new Failure('s3_unavailable', { destination: 'primary', reason: 'test' });
    };
    await expect(world.rescan({ runId })).rejects.toMatchObject({ code: 's3_unavailable' });
    world.knobs.fault = () => {};
    const before = world.calls.filter((call) => call === 'get').length;
    const ended = await world.rescan({ runId });
    expect(ended.isDone).toBe(true);
    const again = world.calls.filter((call) => call === 'get').length - before;
    // What was under way when one failed, at most three, is looked at once more.
    expect(again).toBeLessThanOrEqual(9);
    expect(ended.totals.rescanned).toBeGreaterThanOrEqual(again);
    expect(await world.catalog.rows('select count(*) as count from rescans')).toEqual([{ count: 12 }]);
  });

  test('whose time is up begins nothing more, and is not ended', async () => {
    await learn('27001', false);
    const world = await rescanWorld();
    await world.protect('a.doc', 'one');
    await learn('27002', false);
    const runId = newRunId();
    expect(await world.rescan({ runId, until: new Date(0) })).toEqual({ totals: none, isDone: false });
    expect(await world.catalog.endedRun(runId)).toBeUndefined();
    expect((await world.rescan({ runId })).isDone).toBe(true);
  });

  test('damaged, missing and unopenable content is told as such, and the rest is looked at', async () => {
    await learn('27001', false);
    const world = await rescanWorld();
    for (const name of ['damaged', 'missing', 'fine']) await world.protect(name, `content of ${name}`);
    const objects = await world.catalog.rows<{ key: string; versionId: string; path: Buffer }>(
      `select o.key, o.s3_version_id as "versionId", e.path from objects o join sealings s on s.id = o.sealing_id
       join versions v on v.id = s.version_id join entries e on e.id = v.entry_id`,
    );
    const of = (name: string) => objects.find(({ path }) => path.equals(Buffer.from(name)));
    const [damaged, missing] = [of('damaged'), of('missing')];
    if (damaged === undefined || missing === undefined) throw new Error('not there');
    world.store.damage(damaged, (body) => {
      body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
      return body;
    });
    world.store.lose(missing);
    await learn('27002', false);
    expect((await world.rescan()).totals).toMatchObject({ rescanned: 3, clean: 1, unreadable: 2 });
    expect(
      await world.catalog.rows(`select reason from rescans where result = 'unreadable' order by 1`),
    ).toEqual([{ reason: 'object_missing' }, { reason: 'tampered' }]);
  });

  test('lets no more through than its rate', async () => {
    await learn('27001', false);
    const world = await rescanWorld();
    await world.protect('a.bin', noise(600_000));
    await world.protect('b.bin', noise(600_000, 'b'));
    await learn('27002', false);
    const began = performance.now();
    await world.rescan({}, { throttle: new TokenBucket(() => 1_500_000) });
    const seconds = (performance.now() - began) / 1_000;
    expect(seconds).toBeGreaterThan(0.35);
    expect(seconds).toBeLessThan(20);
  });
});
