import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { exportAudit } from '../../src/audit/export.ts';
import { auditSigners } from '../../src/audit/keys.ts';
import { sequenceAudit } from '../../src/audit/sequencer.ts';
import { breaches } from '../../src/audit/verify.ts';
import { isFailure } from '../../src/domain/failures.ts';
import { drawSecrets } from '../../src/sealed/keyring.ts';
import { usePostgres } from '../support/postgres.ts';
import { newEvents, newSteps, openTrail, repository, type Trail } from './trail.ts';

const postgres = usePostgres();

/** Two heads over four events of their own rows and two rows of twenty, all anchored. */
async function signedTrail(): Promise<Trail> {
  const trail = await openTrail(postgres());
  const [first, ...others] = newEvents(4).map(({ id, at, event }) => ({ id, at, event }));
  if (first === undefined) throw new Error('unreachable');
  const long = { ...first, event: { ...first.event, facts: { bytes: 2 ** 53 - 1, text: 'é 1.5 \u2028' } } };
  await trail.catalog.write({ events: [long, ...others] });
  await sequenceAudit(trail);
  await trail.anchors.write('all');
  for (let row = 0; row < 2; row++) await trail.catalog.write({ events: newSteps(20) });
  await sequenceAudit(trail);
  await trail.anchors.write('all');
  expect((await trail.verify()).findings).toEqual([]);
  return trail;
}

/** What checks and types of the tables keep even their owner from, until they take them away. */
const unchecked = `do $$ declare c record; begin
    for c in select conrelid::regclass as owner, conname from pg_constraint
      where contype = 'c' and conrelid in ('audit_events'::regclass, 'audit_heads'::regclass)
    loop execute format('alter table %s drop constraint %I', c.owner, c.conname); end loop;
  end $$;
  alter table audit_anchors drop constraint audit_anchors_number_fkey;
  alter table audit_events drop constraint audit_events_pkey, alter id drop not null, alter at drop not null,
    alter number drop identity;
  alter table audit_heads alter head drop not null, alter signature drop not null, alter peaks drop not null,
    alter last_event drop not null, alter at drop not null`;

const tables = ['audit_events', 'audit_heads', 'audit_anchors'];

/** A change of the events of the first row of many. */
const repacked = (change: (lines: string[]) => string[]) => async (trail: Trail) => {
  const { rows } = await trail.owner.query('select number, events from audit_events where number = 5');
  const [{ events }] = rows as [{ events: Buffer }];
  const told = zstdDecompressSync(events).toString().trimEnd().split('\n');
  await trail.owner.query('update audit_events set events = $1 where number = 5', [
    zstdCompressSync(`${change(told).join('\n')}\n`),
  ]);
};
const first =
  (change: (line: string) => string) =>
  ([line = '', ...rest]: string[]): string[] => [change(line), ...rest];
const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

/** What somebody does to the tables, and what is found. */
const attacks: Record<
  string,
  { readonly with: string | ((trail: Trail) => Promise<void>); readonly finds: string[] }
> = {
  // A reader that takes numbers as JavaScript does sees the same as before.
  'a digit that JavaScript does not hold': {
    with: `update audit_events set event = jsonb_set(event, '{facts,bytes}', '9007199254740991.0000000001') where number = 1`,
    finds: ['event 1', 'events 1'],
  },
  'a number beyond all numbers': {
    with: `update audit_events set event = jsonb_set(event, '{facts,ordinal}', '1e400') where number = 2`,
    finds: ['event 1', 'events 1'],
  },
  'an event that is no object': {
    with: `update audit_events set event = 'null' where number = 2`,
    finds: ['event 1', 'events 1'],
  },
  'another form of the same letter': {
    with: `update audit_events set event = jsonb_set(event, '{facts,text}', to_jsonb(normalize(event #>> '{facts,text}', NFD))) where number = 1`,
    finds: ['event 1', 'events 1'],
  },
  'a second account beside a row of many': {
    with: `update audit_events set event = '{"step":"approval"}' where number = 5`,
    finds: ['event 2'],
  },
  'a row of many beside an event': {
    with: `update audit_events set workflow = 'batch:other' where number = 2`,
    finds: ['event 1'],
  },
  'moments that no calendar has': {
    with: `update audit_events set at = 'infinity' where number = 2; update audit_events set first_at = '-infinity' where number = 5`,
    finds: ['event 1', 'event 2'],
  },
  'nothing where something must be': {
    with: `update audit_events set id = null, at = null, leaf = null where number = 2;
      update audit_events set leaves = null, ids = null, workflow = null where number = 5`,
    finds: ['event 1', 'event 2'],
  },
  'rows with numbers beyond 2^53': {
    with: `insert into audit_events (number, id, leaf, event, at) select 9223372036854775807, 'added', leaf, event, at from audit_events where number = 2`,
    finds: ['event'],
  },
  'a name twice in a packed event': {
    with: repacked(first((line) => line.replace('{"actor":', '{"actor":"mallory","actor":'))),
    finds: ['event 2', 'events 2'],
  },
  'a blank in a packed event': {
    with: repacked(first((line) => line.replace(':', ': '))),
    finds: ['event 2', 'events 2'],
  },
  'half a character in a packed event': {
    with: repacked(first((line) => line.replace('"holdfast"', '"\\ud800"'))),
    finds: ['event 2', 'events 2'],
  },
  'brackets without end': {
    with: repacked(first((line) => line.replace('"holdfast"', nested))),
    finds: ['event 2', 'events 2'],
  },
  'a row without events': { with: repacked(() => []), finds: ['event 2', 'events 2'] },
  'one right leaf and a wrong one': {
    with: `update audit_events set leaves = overlay(leaves placing '\\x00' from 33 for 1) where number = 5`,
    finds: ['event 2'],
  },
  'two rows of many swapped': {
    with: `update audit_events set number = -number where number in (5, 6); update audit_events set number = 11 + number where number < 0`,
    finds: ['events 2'],
  },
  'one event of a row in the other': {
    with: `update audit_events e set (events, leaves, ids, id, first_at, at) = (select events, leaves, ids, 'x' || id, first_at, at from audit_events where number = 6) where number = 5`,
    finds: ['event 2', 'events 2'],
  },
  'a frame of some kilobytes that becomes a hundred megabytes': {
    with: async ({ owner }) => {
      await owner.query('update audit_events set events = $1 where number = 5', [
        zstdCompressSync(Buffer.alloc(100 * 1024 ** 2, '\n')),
      ]);
    },
    finds: ['event 2', 'events 2'],
  },
  'an event of two megabytes': {
    with: `update audit_events set event = jsonb_set(event, '{facts,text}', to_jsonb(repeat('x', 2000000))) where number = 1`,
    finds: ['event 1', 'events 1'],
  },
  'heads of valid form that nobody signed, and their anchors forgotten': {
    with: async (trail) => {
      const [other] = auditSigners(drawSecrets());
      if (other === undefined) throw new Error('unreachable');
      await trail.owner.query(`delete from audit_anchors; delete from audit_heads;
        update audit_events set event = jsonb_set(event, '{facts,ordinal}', '9') where number = 2`);
      await sequenceAudit({ ...trail, signer: other, firstNumber: async () => 1 });
    },
    finds: ['cut 2', 'event 1', 'head 1'],
  },
  'a head that is none': {
    with: `update audit_heads set head = '', signature = '', peaks = null, last_event = null where number = 1`,
    finds: ['events 2', 'head 1', 'head 2'],
  },
  'a head without end': {
    with: `update audit_heads set head = decode(repeat('5b', 2000000), 'hex') where number = 1`,
    finds: ['head 1', 'head 2'],
  },
  'a head with a number beyond 2^53': {
    with: `insert into audit_heads select 9223372036854775807, last_event, head, signature, peaks, at from audit_heads where number = 2`,
    finds: ['events 9223372036854776000', 'head 9223372036854776000'],
  },
  'what the next head is computed from': {
    with: `update audit_heads set peaks = overlay(peaks placing '\\x00' from 1 for 1) where number = 2`,
    finds: ['head 2'],
  },
  'when a head was signed': {
    with: `update audit_heads set at = at - interval '1 day' where number = 2`,
    finds: ['head 2'],
  },
  'all heads and what is known of anchors taken away': {
    with: 'delete from audit_anchors; delete from audit_heads',
    finds: ['cut 1'],
  },
};

test("the database's owner can put anything into the tables: it is found, with a sentence, and since when", async () => {
  const trail = await signedTrail();
  await trail.owner.query(unchecked);
  for (const table of tables) await trail.owner.query(`create table kept_${table} as select * from ${table}`);
  const found: Record<string, string[]> = {};
  for (const [name, { with: attack }] of Object.entries(attacks)) {
    if (typeof attack === 'string') await trail.owner.query(attack);
    else await attack(trail);
    const { findings, summary } = await trail.verify();
    const met = findings.map(({ kind, head }) => `${kind} ${head ?? ''}`.trim());
    found[name] = [...new Set(met)].sort();
    expect(breaches(summary), name).toBe(findings.length);
    for (const { detail } of findings) expect(detail, name).toMatch(/^[^{}]{10,}$/);
    // Before the first head that is touched all is as it was signed, and is said to be.
    const touched = findings.map(({ head = 3 }) => Math.min(head, 3));
    expect(summary.sound?.number ?? 0, name).toBe(Math.min(...touched) - 1);
    for (const table of tables)
      await trail.owner.query(`delete from ${table}; insert into ${table} select * from kept_${table}`);
  }
  expect(found).toEqual(
    Object.fromEntries(Object.entries(attacks).map(([name, { finds }]) => [name, finds])),
  );
  expect((await trail.verify()).findings).toEqual([]);
}, 60_000);

test('what was changed so that it cannot be read is not exported either: it is told', async () => {
  const trail = await signedTrail();
  await repacked(first((line) => line.replace('"holdfast"', '"\\ud800"')))(trail);
  const [from, to] = [new Date(0), new Date()];
  const request = { repository, from, to, signal: new AbortController().signal };
  const refusal = await Array.fromAsync(exportAudit(trail.catalog, trail.signer, request)).catch(
    (error: unknown) => error,
  );
  expect(isFailure(refusal, 'audit_mismatch')).toBe(true);
});

test('tables that are not those of the program are told as such', async () => {
  const trail = await signedTrail();
  await trail.owner.query('alter table audit_events drop column leaf cascade');
  const refusal = await trail.verify().catch((error: unknown) => error);
  expect(isFailure(refusal, 'audit_mismatch')).toBe(true);
  await trail.owner.query('drop table audit_heads cascade');
  expect(await trail.verify().catch((error: unknown) => error)).toMatchObject({ exitCode: 4 });
});

test('who may write into the bucket hides, doubles or imitates anchors in vain', async () => {
  const trail = await signedTrail();
  const { store } = trail;
  const [first, second] = ['p/audit/000000000001', 'p/audit/000000000002'];
  const told = async () => {
    const { findings, summary } = await trail.verify();
    const kinds = findings.map(({ kind, head }) => `${kind} ${head}`).sort();
    return { kinds, anchored: summary.anchored?.number };
  };
  const bytesOf = async (key: string): Promise<Buffer> => {
    const [version] = await store.versionsOf(key);
    return store.get({ key, versionId: version?.versionId ?? '' });
  };
  const [older, newer] = [await bytesOf(first), await bytesOf(second)];
  // A delete marker hides nothing: versions are named.
  store.plantDeleteMarker(second);
  expect(await told()).toEqual({ kinds: [], anchored: 2 });
  // A copy of an anchor is as good as the anchor; that of another head is none.
  store.plantVersion(second, newer);
  expect(await told()).toEqual({ kinds: [], anchored: 2 });
  store.plantVersion(second, older);
  store.plantVersion(first, Buffer.concat([older, Buffer.from('\n')]));
  store.plantVersion(first, Buffer.from('['.repeat(4_000)));
  store.plantVersion(first, Buffer.alloc(100_000));
  expect(await told()).toEqual({
    kinds: ['planted 1', 'planted 1', 'planted 1', 'planted 2'],
    anchored: 2,
  });
});

test('an older state of the database that is put back is found, and so is what goes on from it', async () => {
  const trail = await signedTrail();
  for (const table of tables) await trail.owner.query(`create table kept_${table} as select * from ${table}`);
  await trail.add(3);
  await trail.anchors.write('all');
  await trail.owner.query(`truncate ${tables.join(', ')}`);
  for (const table of tables) {
    const numbers = table === 'audit_events' ? 'overriding system value' : '';
    await trail.owner.query(`insert into ${table} ${numbers} select * from kept_${table}`);
  }
  const findings = async () =>
    (await trail.verify()).findings.map(({ kind, head, at }) => ({ kind, head, isTimed: at !== undefined }));
  expect(await findings()).toEqual([{ kind: 'cut', head: 3, isTimed: true }]);
  await trail.add(1);
  await trail.anchors.write('all');
  expect(await findings()).toEqual([{ kind: 'anchor', head: 3, isTimed: true }]);
});

test('a clock that goes back or far ahead leaves the trail as good as it was', async () => {
  const trail = await signedTrail();
  for (const at of ['1999-01-01T00:00:00.000Z', '2126-01-01T00:00:00.000Z']) {
    vi.useFakeTimers({ now: new Date(at), toFake: ['Date'] });
    try {
      await trail.add(2);
    } finally {
      vi.useRealTimers();
    }
  }
  await trail.add(1);
  await trail.anchors.write('all');
  expect((await trail.verify()).findings).toEqual([]);
});
