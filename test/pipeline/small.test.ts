import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { pipelineSteps } from '../../src/audit/event.ts';
import { Failure } from '../../src/domain/failures.ts';
import { type SystemCalls, systemCalls } from '../../src/files/system-calls.ts';
import { admit } from '../../src/pipeline/admit.ts';
import { fingerprint } from '../../src/pipeline/fingerprint.ts';
import { scan } from '../../src/pipeline/scan.ts';
import { openBytes } from '../../src/sealed/open.ts';
import { needsAttributes } from '../support/attributes.ts';
import {
  denied,
  makeWorld,
  noise,
  protectOnce,
  stepRun,
  untilScanned,
  untilUploaded,
  type World,
} from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
const newWorld = (): Promise<World> => makeWorld(postgres());

/** Runs `when` the first time the store is about to do `operation`. */
function before(world: World, operation: string, when: () => void): void {
  world.knobs.fault = (call) => {
    if (call.operation !== operation || call.moment !== 'before') return;
    world.knobs.fault = () => {};
    when();
  };
}

describe('a small file', () => {
  test('goes through nine steps, each with its event, and decrypts to what it was', async () => {
    const world = await newWorld();
    world.write('letter.txt', 'hello');
    const settled = await protectOnce(world.context, await world.entry('letter.txt'));
    expect(settled).toMatchObject({ next: 'settled', outcome: 'uploaded' });
    if (settled.next !== 'settled' || settled.versionId === undefined) throw new Error('unreachable');

    const events = await world.events(settled.versionId);
    expect(events.map((event) => event.step)).toEqual(pipelineSteps);
    const [version, ...others] = await world.versions();
    expect(others).toEqual([]);
    expect((await world.open(version as never)).toString()).toBe('hello');
    expect(world.calls).toEqual(['put', 'head', ...world.calls.slice(2)]);

    const rows = await world.catalog.rows(
      `select p.state, o.key, o.s3_version_id as version, o.lock_mode as mode, i.state as intent, i.closed_reason as reason
       from placements p join objects o on o.id = p.object_id join intents i on i.sealing_id = o.sealing_id`,
    );
    expect(rows).toEqual([
      {
        state: 'committed',
        key: version?.key,
        version: version?.versionId,
        mode: 'GOVERNANCE',
        intent: 'committed',
        reason: 'uploaded',
      },
    ]);
    expect(await world.catalog.rows('select 1 from reservations')).toEqual([]);
  });

  test('invariant 5: its intent is durable before the first byte is sent, with the length and hash of what is sent', async () => {
    const world = await newWorld();
    world.write('a', 'hello');
    const scanned = await untilScanned(world.context, await world.entry('a'));
    if ('next' in scanned) throw new Error('unreachable');
    // A catalog that takes its time: a PUT that does not wait for it comes first.
    const slow = world.another({
      catalog: new Proxy(world.catalog, {
        get:
          (catalog, name) =>
          async (...given: never[]) => {
            if (name === 'write') await sleep(200);
            return Reflect.get(catalog, name).apply(catalog, given);
          },
      }),
    });
    let intents: Promise<Record<string, unknown>[]> | undefined;
    before(world, 'put', () => {
      intents = world.catalog.rows(
        `select i.state, i.object_key as key, i.sealed_length as length, p.state as placement, d.allow
         from intents i join sealings s on s.id = i.sealing_id join placements p on p.version_id = s.version_id
         join decisions d on d.version_id = s.version_id and d.gate = 'release'`,
      );
      throw new Failure('s3_unavailable', { destination: 'primary', reason: 'test' });
    });
    await expect(untilUploaded(slow, scanned)).rejects.toThrow('primary');
    expect(await world.versions()).toEqual([]);
    const found = await intents;
    await untilUploaded(world.context, scanned);
    const [version] = await world.versions();
    expect(found).toEqual([
      { state: 'open', key: version?.key, length: version?.lengthBytes, placement: 'uploading', allow: true },
    ]);
  });

  test('that is empty is uploaded like any other', async () => {
    const world = await newWorld();
    world.write('empty', '');
    expect(await protectOnce(world.context, await world.entry('empty'))).toMatchObject({
      outcome: 'uploaded',
    });
    const [version] = await world.versions();
    expect((await world.open(version as never)).length).toBe(0);
  });

  test('of exactly 8 MiB still goes in one PUT', async () => {
    const world = await newWorld();
    world.write('limit', noise(8 * 1024 * 1024));
    expect(await protectOnce(world.context, await world.entry('limit'))).toMatchObject({
      outcome: 'uploaded',
    });
    expect(world.calls).toContain('put');
    expect(world.calls).not.toContain('createMultipart');
  });

  test('seen again unchanged makes no version and asks nobody', async () => {
    const world = await newWorld();
    world.write('a', 'hello');
    const first = await protectOnce(world.context, await world.entry('a'));
    world.calls.length = 0;
    const second = await protectOnce(world.context, await world.entry('a'));
    expect(second).toMatchObject({ outcome: 'uploaded', unchanged: true });
    expect(second).toMatchObject({ versionId: first.next === 'settled' ? first.versionId : '' });
    expect(world.calls).toEqual([]);
    expect(world.releaseInputs).toHaveLength(1);
  });

  test('seen again unchanged under another policy bundle is judged again', async () => {
    const world = await newWorld();
    world.write('a', 'hello');
    await protectOnce(world.context, await world.entry('a'));
    world.knobs.bundleRevision = 'c'.repeat(64);
    expect(await protectOnce(world.context, await world.entry('a'))).toMatchObject({ outcome: 'duplicate' });
    expect(world.releaseInputs).toHaveLength(2);
  });

  test('is read by the independent reader before release is asked', async () => {
    const world = await newWorld();
    world.write('a', 'hello');
    await protectOnce(world.context, await world.entry('a'));
    expect(world.releaseInputs).toMatchObject([
      {
        sealing: {
          basis: 'sealed-bytes',
          contentMatches: true,
          scope: 'default',
          keyScope: 'default',
          keyId: '08'.repeat(16),
        },
        lock: { mode: 'GOVERNANCE', days: 7 },
        verdict: { state: 'clean' },
      },
    ]);
  });
});

describe('a refusal', () => {
  test('by admission: ignored with the rule, and neither scanned nor sent', async () => {
    const world = await newWorld();
    const { knobs } = world;
    if (typeof knobs.admission === 'function') throw new Error('unreachable');
    knobs.admission = {
      ...knobs.admission,
      allow: false,
      reasons: [{ id: 'no_dumps', text: '' }],
      destinations: [],
    };
    world.write('a', 'hello');
    expect(await protectOnce(world.context, await world.entry('a'))).toMatchObject({
      outcome: 'ignored',
      reason: 'no_dumps',
    });
    expect(world.calls).toEqual([]);
    expect(world.scannedBytes).toEqual([]);
  });

  test('invariant 1: denied by release, nothing is ever sent; staged bytes open to the content; a hold waits', async () => {
    const world = await newWorld();
    world.knobs.release = denied('wrong_place');
    world.write('a', 'secret');
    const settled = await protectOnce(world.context, await world.entry('a'));
    expect(settled).toMatchObject({ outcome: 'held', reason: 'wrong_place' });
    expect(world.calls).toEqual([]);
    expect(await world.versions()).toEqual([]);
    expect(await world.catalog.rows('select 1 from intents')).toEqual([]);

    const [held] = await world.catalog.rows<{
      id: string;
      sealingId: string;
      length: number;
      sha256: Buffer;
    }>(
      `select id, sealing_id as "sealingId", sealed_length as length, sealed_sha256 as sha256 from holds where state = 'open'`,
    );
    expect(settled).toMatchObject({ holdId: held?.id });
    const file = world.context.staging.path(held?.sealingId ?? '');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(world.stagingDir).mode & 0o777).toBe(0o700);
    expect(readdirSync(world.stagingDir)).toEqual([`${held?.sealingId}.sealed`]);
    expect(await world.context.staging.measure(held?.sealingId ?? '')).toEqual({
      length: held?.length,
      sha256: held?.sha256,
    });
    const opened = await openBytes(readFileSync(file), {
      keys: (id) => world.context.keys.byId(id),
      purpose: 'content',
    });
    expect(opened.content().toString()).toBe('secret');
  });

  test('invariant 1: no part of a large file leaves before release allowed it', async () => {
    const world = await newWorld();
    world.knobs.release = denied('wrong_place');
    world.write('big', noise(9 * 1024 * 1024));
    expect(await protectOnce(world.context, await world.entry('big'))).toMatchObject({ outcome: 'held' });
    expect(world.calls).toEqual([]);
  });

  test('invariant 2: infected content is not sent, and its original leaves the source for the quarantine', async () => {
    const world = await newWorld();
    if (typeof world.knobs.verdict === 'function') throw new Error('unreachable');
    world.knobs.verdict = { ...world.knobs.verdict, state: 'infected', signature: 'Eicar-Test' };
    world.write('bad.exe', 'malware');
    const settled = await protectOnce(world.context, await world.entry('bad.exe'));
    expect(settled).toMatchObject({ outcome: 'quarantined', reason: 'Eicar-Test' });
    expect(world.calls).toEqual([]);
    expect(world.releaseInputs).toEqual([]);
    expect(readdirSync(world.folder)).toEqual([]);
    const [row] = await world.catalog.rows<{ id: string; action: string }>(
      'select id, action from quarantine',
    );
    expect(row?.action).toBe('moved');
    expect(readdirSync(world.quarantineDir)).toEqual([expect.stringContaining(row?.id ?? '')]);
  });

  test('invariant 11: under `report` infected content stays where it is, and is not sent', async () => {
    const world = await newWorld();
    if (typeof world.knobs.verdict === 'function') throw new Error('unreachable');
    world.knobs.verdict = { ...world.knobs.verdict, state: 'infected', signature: 'Eicar-Test' };
    world.knobs.quarantine = 'report';
    world.write('bad.exe', 'malware');
    expect(await protectOnce(world.context, await world.entry('bad.exe'))).toMatchObject({
      outcome: 'quarantined',
    });
    expect(readdirSync(world.folder)).toEqual(['bad.exe']);
    expect(await world.catalog.rows('select action from quarantine')).toEqual([{ action: 'reported' }]);
    expect(world.calls).toEqual([]);
  });

  test('a worker that dies between moving an infected file and recording it still records it', async () => {
    const world = await newWorld();
    if (typeof world.knobs.verdict === 'function') throw new Error('unreachable');
    world.knobs.verdict = { ...world.knobs.verdict, state: 'infected', signature: 'Eicar-Test' };
    world.write('bad.exe', 'malware');
    const entry = await world.entry('bad.exe');
    const dying = world.another({
      catalog: new Proxy(world.catalog, {
        get: (catalog, name) =>
          name === 'write'
            ? (change: { settle?: object }) => {
                if (change.settle) throw new Failure('catalog_unavailable');
                return catalog.write(change as never);
              }
            : Reflect.get(catalog, name).bind(catalog),
      }),
    });
    const run = stepRun();
    await expect(protectOnce(dying, entry, run)).rejects.toThrow('catalog');
    expect(readdirSync(world.folder)).toEqual([]);
    expect(await protectOnce(world.context, entry, run)).toMatchObject({
      outcome: 'quarantined',
      reason: 'Eicar-Test',
    });
    expect(await world.catalog.rows('select action from quarantine')).toEqual([{ action: 'moved' }]);
  });

  test.each([
    ['encrypted', 'hold', 'held', 'not_scanned_encrypted'],
    ['too_large', 'allow', 'uploaded', undefined],
    ['timeout', 'retry', 'held', 'not_scanned_timeout'],
  ] as const)('not scanned because %s, where policy says %s: %s', async (reason, _policy, outcome, why) => {
    const world = await newWorld();
    if (typeof world.knobs.verdict === 'function') throw new Error('unreachable');
    world.knobs.verdict = { ...world.knobs.verdict, state: 'not_scanned', reason };
    world.write('a', 'hello');
    const settled = await protectOnce(world.context, await world.entry('a'));
    expect(settled).toMatchObject({ outcome, ...(why === undefined ? {} : { reason: why }) });
    expect(await world.versions()).toHaveLength(outcome === 'uploaded' ? 1 : 0);
  });

  test('invariant 2: what policy has not scanned is uploaded unscanned, and its release is asked as such', async () => {
    const world = await newWorld();
    if (typeof world.knobs.admission === 'function') throw new Error('unreachable');
    const { scan: terms } = world.knobs.admission;
    world.knobs.admission = { ...world.knobs.admission, scan: { ...terms, required: false } };
    world.write('a.txt', 'never scanned');
    const settled = await protectOnce(world.context, await world.entry('a.txt'));
    expect(settled).toMatchObject({ outcome: 'uploaded' });
    expect(world.scannedBytes).toEqual([]);
    expect(world.releaseInputs[0]?.verdict).toEqual({
      state: 'not_scanned',
      reason: 'not_required',
      signatureSet: 'custom',
    });
    const scanned = (await world.events('versionId' in settled ? (settled.versionId ?? '') : '')).find(
      ({ step }) => step === 'scan',
    );
    expect(scanned?.facts).toMatchObject({ state: 'not_scanned', reason: 'not_required', engine: 'none' });
  });

  test('invariant 2: clean by test signatures is not clean unless policy says so', async () => {
    const world = await newWorld();
    if (typeof world.knobs.verdict === 'function') throw new Error('unreachable');
    world.knobs.verdict = { ...world.knobs.verdict, signatureSet: 'builtin-test' };
    world.write('a', 'hello');
    expect(await protectOnce(world.context, await world.entry('a'))).toMatchObject({
      outcome: 'held',
      reason: 'not_scanned_stale_signatures',
    });
    expect(await world.versions()).toEqual([]);
  });
});

describe('invariant 8: a dependency that is away', () => {
  const away = [
    ['admission', 'policy_unavailable'],
    ['scan', 'scanner_unavailable'],
    ['release', 'policy_unavailable'],
    ['store', 's3_unavailable'],
  ] as const;

  test.each(away)('at %s is said so, changes nothing, and the step succeeds later', async (where, code) => {
    const world = await newWorld();
    const fail = (): never => {
      throw new Failure(code, { detail: 'test', destination: 'primary', reason: 'test' });
    };
    const { admission, verdict, release } = world.knobs;
    if (where === 'admission') world.knobs.admission = fail;
    if (where === 'scan') world.knobs.verdict = fail;
    if (where === 'release') world.knobs.release = fail;
    if (where === 'store') world.knobs.fault = fail;
    world.write('a', 'hello');
    const entry = await world.entry('a');
    const run = stepRun();
    await expect(protectOnce(world.context, entry, run)).rejects.toMatchObject({ code });
    await expect(protectOnce(world.context, entry, run)).rejects.toMatchObject({ code });
    expect(await world.catalog.rows('select 1 from versions where outcome is not null')).toEqual([]);
    expect(await world.versions()).toEqual([]);

    Object.assign(world.knobs, { admission, verdict, release, fault: () => {} });
    const settled = await protectOnce(world.context, entry, run);
    expect(settled).toMatchObject({ outcome: 'uploaded' });
    expect(await world.versions()).toHaveLength(1);
    expect(await world.catalog.rows('select count(*) as n from versions')).toEqual([{ n: 1 }]);
  });
});

describe('a file that changes', () => {
  test('between fingerprint and seal: the version is cancelled, nothing is sent, and the next look has it', async () => {
    const world = await newWorld();
    world.write('a', 'before');
    const entry = await world.entry('a');
    const scanned = await untilScanned(world.context, entry);
    if ('next' in scanned) throw new Error('unreachable');
    world.write('a', 'after!');
    expect(await untilUploaded(world.context, scanned)).toEqual({ next: 'changed' });
    expect(world.calls).toEqual([]);
    const [version] = await world.catalog.rows<{ outcome: string }>('select outcome from versions');
    expect(version?.outcome).toBe('cancelled');
    expect(await world.catalog.unsettled(new Map([[entry.id, 1]]))).toEqual([entry.id]);

    expect(await protectOnce(world.context, entry)).toMatchObject({ outcome: 'uploaded' });
    const [object] = await world.versions();
    expect((await world.open(object as never)).toString()).toBe('after!');
  });

  test('with an equal stat is still noticed by its hash, before a byte is sent', async () => {
    const world = await newWorld();
    world.write('a', 'before');
    const entry = await world.entry('a');
    const scanned = await untilScanned(world.context, entry);
    if ('next' in scanned) throw new Error('unreachable');
    world.write('a', 'after!');
    await world.pretendUntouched(scanned.versionId, 'a');
    expect(await untilUploaded(world.context, scanned)).toEqual({ next: 'changed' });
    expect(world.calls).toEqual([]);
  });

  test('between fingerprint and scan is not scanned for what it was', async () => {
    const world = await newWorld();
    world.write('a', 'before');
    const entry = await world.entry('a');
    const seen = await fingerprint(world.context, { entryId: entry.id, runId: 'r', round: 0 }, stepRun());
    if (seen.next !== 'admit') throw new Error('unreachable');
    await admit(world.context, seen);
    world.write('a', 'after!');
    await world.pretendUntouched(seen.versionId, 'a');
    expect(await scan(world.context, { ...seen, last: true }, stepRun())).toEqual({ next: 'changed' });
    expect(await world.catalog.rows('select 1 from scans')).toEqual([]);
  });
});

describe('what a destination cannot store as one object', () => {
  const limited = (world: World, maxObjectSize: number) => {
    const [name, destination] = [...world.context.destinations][0] ?? expect.unreachable();
    const config = { ...destination.config, maxObjectSize };
    return world.another({ destinations: new Map([[name, { ...destination, config }]]) });
  };

  test('is refused by what it may grow to, before it is scanned and before a byte is sent', async () => {
    const world = await newWorld();
    world.write('a', noise(50_000));
    const context = limited(world, 50_500);
    const refused = await protectOnce(context, await world.entry('a'));
    expect(refused).toMatchObject({ outcome: 'failed', reason: 'object_too_large' });
    expect(world.scannedBytes).toEqual([]);
    expect(world.calls).toEqual([]);
    // The content alone is over the limit: it is not even read.
    world.write('b', noise(50_501));
    const unread = await protectOnce(context, await world.entry('b'));
    expect(unread).toMatchObject({ outcome: 'failed', reason: 'object_too_large' });
    expect(await world.catalog.rows('select size_bytes as size from contents')).toEqual([{ size: 50_000 }]);
  });

  test('is judged by its exact length where it is not compressed', async () => {
    const world = await newWorld();
    for (const path of ['a', 'b']) world.write(path, noise(50_000, path));
    await protectOnce(world.context, await world.entry('a'));
    const [version] = await world.versions();
    const lengthBytes = version?.lengthBytes ?? 0;
    const over = limited(world, lengthBytes - 1);
    expect(await protectOnce(over, await world.entry('b'))).toMatchObject({ reason: 'object_too_large' });
    const fits = limited(world, lengthBytes);
    expect(await protectOnce(fits, await world.entry('b'))).toMatchObject({ outcome: 'uploaded' });
  });
});

describe('extended attributes', () => {
  const calls = systemCalls() as SystemCalls;
  const set = (world: World, path: string, name: string, value: string): void =>
    calls.setAttribute(
      Buffer.from(join(world.folder, path)),
      Buffer.from(name, 'latin1'),
      Buffer.from(value),
    );
  const recorded = (world: World) =>
    world.catalog.rows(
      `select v.kind, v.xattrs, v.xattrs_dropped as dropped, v.outcome from versions v join entries e on e.id = v.entry_id
       order by e.path, v.observation`,
    );

  test('of a file are in the catalog and under its seal', async (context) => {
    const world = await newWorld();
    needsAttributes(context, world.folder);
    world.write('a', 'hello');
    set(world, 'a', 'user.colour', 'blue');
    set(world, 'a', 'user.\xff', 'no text');
    await protectOnce(world.context, await world.entry('a'));
    const xattrs = { 'user.colour': Buffer.from('blue').toString('base64') };
    expect(await recorded(world)).toEqual([{ kind: 'file', xattrs, dropped: 1, outcome: 'uploaded' }]);
    const [version] = await world.versions();
    const opened = openBytes(await world.store.get(version as never), {
      keys: (id) => world.context.keys.byId(id),
      purpose: 'content',
    });
    expect(opened.metadata).toMatchObject({ xattrs, xattrsDropped: 1 });
  });

  test('that change make a new version, which rests on the same object', async (context) => {
    const world = await newWorld();
    needsAttributes(context, world.folder);
    world.write('a', 'hello');
    set(world, 'a', 'user.colour', 'blue');
    await protectOnce(world.context, await world.entry('a'));
    expect(await protectOnce(world.context, await world.entry('a'))).toMatchObject({ unchanged: true });
    set(world, 'a', 'user.colour', 'green');
    expect(await protectOnce(world.context, await world.entry('a'))).toMatchObject({ outcome: 'duplicate' });
    calls.removeAttribute(Buffer.from(join(world.folder, 'a')), Buffer.from('user.colour'));
    expect(await protectOnce(world.context, await world.entry('a'))).toMatchObject({ outcome: 'duplicate' });
    expect(await world.versions()).toHaveLength(1);
    expect((await recorded(world)).map((row) => (row as { xattrs: object }).xattrs)).toEqual([
      { 'user.colour': 'Ymx1ZQ==' },
      { 'user.colour': 'Z3JlZW4=' },
      null,
    ]);
  });

  test('of folders and links are recorded, and looked at again', async (context) => {
    const world = await newWorld();
    needsAttributes(context, world.folder);
    mkdirSync(join(world.folder, 'dir'));
    symlinkSync('dir', join(world.folder, 'link'));
    set(world, 'dir', 'user.a', '1');
    const look = async (path: string) => protectOnce(world.context, await world.entry(path));
    await look('dir');
    await look('link');
    expect(await look('dir')).toMatchObject({ unchanged: true });
    expect(await look('link')).toMatchObject({ unchanged: true });
    set(world, 'dir', 'user.a', '2');
    expect(await look('dir')).not.toHaveProperty('unchanged');
    expect(await recorded(world)).toMatchObject([
      { kind: 'dir', xattrs: { 'user.a': 'MQ==' }, outcome: 'uploaded' },
      { kind: 'dir', xattrs: { 'user.a': 'Mg==' }, outcome: 'uploaded' },
      { kind: 'link', xattrs: null, outcome: 'uploaded' },
    ]);
  });
});

test('times before 1970 and after 2262, nanoseconds and set-id bits are recorded as they are', async () => {
  const world = await newWorld();
  const last = 2n ** 63n - 1n;
  const times = [-86_400_000_000_001n, -2_147_483_648_000_000_000n, 7_258_118_400_000_000_001n, last + 5n];
  for (const mtimeNs of times) {
    const name = String(mtimeNs);
    world.write(name, name);
    const path = join(world.folder, name);
    chmodSync(path, 0o4751);
    systemCalls()?.setMtime(Buffer.from(path), mtimeNs);
    // A file system may end earlier; the catalog ends with 64 bits.
    const held = statSync(path, { bigint: true }).mtimeNs;
    const settled = await protectOnce(world.context, await world.entry(name));
    expect(settled).toMatchObject({ outcome: 'uploaded' });
    expect(await protectOnce(world.context, await world.entry(name))).toMatchObject({ unchanged: true });
    expect(
      await world.catalog.rows(
        'select mtime_ns::text as "mtimeNs", mode from versions order by observed_at desc limit 1',
      ),
    ).toEqual([{ mtimeNs: String(held > last ? last : held), mode: 0o4751 }]);
  }
});
