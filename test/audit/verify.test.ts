import { createHash, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { recordBeginning } from '../../src/audit/beginning.ts';
import { numberAfterAnchors } from '../../src/audit/found-anchors.ts';
import { auditSigners } from '../../src/audit/keys.ts';
import { leafHash } from '../../src/audit/merkle.ts';
import { readAuditVerifyFact, recordedAuditVerify } from '../../src/audit/recorded-run.ts';
import { sequenceAudit } from '../../src/audit/sequencer.ts';
import { auditStanding } from '../../src/audit/standing.ts';
import { breaches, verifyAudit } from '../../src/audit/verify.ts';
import { writeFact } from '../../src/catalog/installation-fact.ts';
import { canonical } from '../../src/domain/canonical.ts';
import { Failure } from '../../src/domain/failures.ts';
import { Ids, newRunId } from '../../src/domain/ids.ts';
import { drawSecrets } from '../../src/sealed/keyring.ts';
import type { VersionName } from '../../src/storage/object-store.ts';
import { scriptedS3 } from '../storage/scripted-s3.ts';
import { usePostgres } from '../support/postgres.ts';
import { newEvents, openTrail, repository, type Trail } from './trail.ts';

const postgres = usePostgres();

/** Three heads, the second and third anchored, and one event after them. */
let trail: Trail;
beforeEach(async () => {
  trail = await openTrail(postgres());
  await trail.add(4);
  await trail.add(3);
  await trail.anchors.write('all');
  await trail.add(2);
  await trail.anchors.write('all');
  await trail.catalog.write({ events: newEvents(1) });
});

const kinds = async (request?: Parameters<Trail['verify']>[0]) => {
  const { findings, summary } = await trail.verify(request);
  expect(breaches(summary)).toBe(findings.filter(({ kind }) => kind !== 'planted').length);
  return [...new Set(findings.map(({ kind, head }) => `${kind} ${head ?? ''}`.trim()))].sort();
};

/** As the tables' owner. */
const tamper = (sql: string, values: unknown[] = []) => trail.owner.query(sql, values);

test('a whole trail is found whole, with the window that no anchor covers yet', async () => {
  const { findings, summary } = await trail.verify();
  expect(findings).toEqual([]);
  expect(summary).toMatchObject({
    ...{ events: 10, heads: 3, anchors: 2, sinceAnchor: 1, unsigned: 1, away: [], refused: [] },
    anchored: { number: 3, destination: 'here' },
  });
});

describe("the database's owner", () => {
  test('edits an event', async () => {
    await tamper(`update audit_events set event = jsonb_set(event, '{facts,ordinal}', '7') where number = 2`);
    expect(await kinds()).toEqual(['event 1', 'events 1']);
  });

  test('edits an event and its leaf', async () => {
    const { rows } = await tamper('select event from audit_events where number = 2');
    const event = { ...rows[0].event, actor: 'somebody else' };
    await tamper('update audit_events set event = $1, leaf = $2 where number = 2', [
      event,
      leafHash(canonical(event)),
    ]);
    expect(await kinds()).toEqual(['events 1']);
  });

  test('edits what stands beside an event', async () => {
    await tamper(`update audit_events set at = at + interval '1 day' where number = 2`);
    expect(await kinds()).toEqual(['event 1']);
  });

  test('deletes an event', async () => {
    await tamper('delete from audit_events where number = 3');
    expect(await kinds()).toEqual(['events 1']);
  });

  test('inserts an event among those that are signed', async () => {
    const [added] = newEvents(1);
    await tamper(
      `insert into audit_events (number, id, leaf, event, at) overriding system value values (0, $1, $2, $3, $4)`,
      [added?.id, leafHash(canonical(added?.event)), added?.event, added?.at],
    );
    expect(await kinds()).toEqual(['events 1']);
  });

  test('swaps two events', async () => {
    await tamper(`alter table audit_events alter number drop identity;
      update audit_events set number = -1 where number = 1; update audit_events set number = 1 where number = 2;
      update audit_events set number = 2 where number = -1`);
    expect(await kinds()).toEqual(['events 1']);
  });

  test('cuts off the end: events, heads and what is known of anchors together', async () => {
    await tamper(`delete from audit_anchors where number = 3; delete from audit_heads where number = 3;
      delete from audit_events where number > 7`);
    expect(await kinds()).toEqual(['cut 3']);
  });

  test('cuts off the end, and the program goes on writing', async () => {
    await tamper(`delete from audit_anchors where number = 3; delete from audit_heads where number = 3;
      delete from audit_events where number > 7`);
    await trail.add(2);
    await trail.anchors.write('all');
    await trail.add(2);
    await trail.anchors.write('all');
    expect(await kinds()).toEqual(['anchor 3']);
    expect((await trail.verify()).summary.anchored).toMatchObject({ number: 4 });
    // Who knows why may go on from there.
    expect(await kinds({ begin: 4 })).toEqual([]);
  });

  test('cuts off the beginning', async () => {
    await tamper('delete from audit_heads where number = 1; delete from audit_events where number <= 4');
    expect(await kinds()).toEqual(['head 2', 'head 3']);
  });

  test('empties everything, and the program begins anew', async () => {
    await tamper('truncate audit_events, audit_heads, audit_anchors');
    await trail.add(2);
    expect(await kinds()).toEqual(['lost 3']);
    const { rows } = await tamper('select number from audit_heads');
    expect(rows).toEqual([{ number: 4 }]);
    expect(await kinds({ begin: 4 })).toEqual([]);
  });

  test('signs with a key of their own', async () => {
    const [other] = auditSigners(drawSecrets());
    if (other === undefined) throw new Error('unreachable');
    await tamper(`delete from audit_anchors where number = 3; delete from audit_heads where number = 3;
      update audit_events set event = event || '{"actor":"nobody"}' where number = 8`);
    const { rows } = await tamper('select event from audit_events where number = 8');
    await tamper('update audit_events set leaf = $1 where number = 8', [leafHash(canonical(rows[0].event))]);
    await sequenceAudit({ ...trail, signer: other });
    expect(await kinds()).toEqual(['head 3']);
  });

  test('takes a head away in the middle', async () => {
    await tamper('delete from audit_anchors where number = 2; delete from audit_heads where number = 2');
    expect(await kinds()).toContain('head 3');
  });

  test('changes the row of a head', async () => {
    await tamper('update audit_heads set last_event = last_event - 1 where number = 2');
    expect(await kinds()).toEqual(expect.arrayContaining(['head 2', 'events 2', 'events 3']));
  });
});

test('an anchor that the bucket lost is told, and one that somebody planted is no breach', async () => {
  const key = 'p/audit/000000000009';
  const body = randomBytes(50);
  const sha256 = createHash('sha256').update(body).digest();
  await trail.store.put({ key, body, sha256, lock: { mode: 'GOVERNANCE', days: 1 } });
  expect(await kinds()).toEqual(['planted 9']);
  await tamper(`update audit_anchors set s3_version_id = 'gone' where number = 2`);
  expect(await kinds()).toEqual(['missing_anchor 2', 'planted 9']);
});

describe('an object under the name of an anchor that cannot be read', () => {
  const planted = 'p/audit/000000000009';

  /** What a bucket says of an object that it does not hand out, as the store tells it. */
  async function answer(status: number, code: string): Promise<unknown> {
    const server = await scriptedS3(() => ({ status, code }));
    onTestFinished(() => server.stop());
    return server.store.get({ key: 'k', versionId: 'v' }).catch((error: unknown) => error);
  }

  /** Of this key the store answers so. */
  function refuse(key: string, error: unknown, operations: readonly ('get' | 'head')[] = ['get']): void {
    const { store } = trail;
    for (const operation of operations) {
      const ask = store[operation].bind(store) as (object: VersionName) => Promise<never>;
      store[operation] = async (object: VersionName) => {
        if (object.key === key) throw error;
        return ask(object);
      };
    }
  }

  const told = async () => {
    const { findings, summary } = await trail.verify();
    const { refused, away } = summary;
    return { found: findings.map(({ kind, head }) => `${kind} ${head}`), refused, away };
  };

  test.each([
    ['encrypted with a key that only its author has', 400, 'InvalidRequest'],
    ['archived, or encrypted with a key that we may not use', 403, 'InvalidObjectState'],
  ])('%s is planted, and keeps the trail from nothing', async (_, status, code) => {
    const next = 'p/audit/000000000004';
    const error = await answer(status, code);
    for (const key of [planted, next]) {
      trail.store.plantVersion(key, randomBytes(50));
      refuse(key, error);
    }
    expect(await told()).toEqual({ found: ['planted 4', 'planted 9'], refused: [], away: [] });
    const place = { store: trail.store, prefix: 'p', repository, keys: trail.keys };
    expect(await numberAfterAnchors([place])).toBe(4);
    await trail.add(1);
    await trail.anchors.write('all');
    expect(await trail.store.versionsOf(next)).toHaveLength(2);
  });

  test("for want of rights may be anybody's: nothing is counted on", async () => {
    const denied = await answer(403, 'AccessDenied');
    trail.store.plantVersion(planted, randomBytes(50));
    refuse(planted, denied, ['get', 'head']);
    expect(await told()).toEqual({ found: ['planted 9'], refused: ['here'], away: [] });
    const place = { store: trail.store, prefix: 'p', repository, keys: trail.keys };
    await expect(numberAfterAnchors([place])).rejects.toBe(denied);
  });

  test('is no finding where the catalog knows it as ours: the destination is told', async () => {
    refuse('p/audit/000000000002', await answer(403, 'InvalidObjectState'));
    expect(await told()).toEqual({ found: [], refused: ['here'], away: [] });
  });

  test('because the server is away is no finding either', async () => {
    trail.store.plantVersion(planted, randomBytes(50));
    refuse(planted, await answer(503, 'SlowDown'));
    expect(await told()).toEqual({ found: [], refused: [], away: ['here'] });
  });
});

test('what is anchored while the bucket is listed is neither cut off nor missing', async () => {
  const { store } = trail;
  const list = store.listVersions.bind(store);
  const anchorAnother = async () => {
    await trail.add(1);
    await trail.anchors.write('all');
  };
  store.listVersions = async function* (prefix) {
    await anchorAnother();
    yield* list(prefix);
    await anchorAnother();
  };
  expect(await kinds()).toEqual([]);
});

test('a key that was not pinned is no key', async () => {
  const others = auditSigners(drawSecrets());
  const walk = verifyAudit(
    { catalog: trail.catalog, repository, keys: others, destinations: new Map() },
    { begin: 1, signal: new AbortController().signal },
  );
  const found = [];
  for await (const { kind, head } of walk) found.push(`${kind} ${head}`);
  expect(found).toEqual(['head 1', 'head 2', 'head 3']);
});

test('a destination that is away is told, and leaves the rest to be verified', async () => {
  trail.store.listVersions = () => {
    throw new Failure('s3_unavailable');
  };
  const { findings, summary } = await trail.verify();
  expect({ findings, away: summary.away, anchored: summary.anchored }).toEqual({
    findings: [],
    away: ['here'],
    anchored: null,
  });
});

test('a verification on record opens one incident for each breach, however often it meets it; one that only reads opens none', async () => {
  const ids = new Ids(randomBytes(64));
  const { catalog, signer, store } = trail;
  const deps = {
    ...{ catalog, repository, keys: [signer], ids, hostId: 'h' },
    destinations: new Map([['here', { store, prefix: 'p' }]]),
  };
  const incidents = () => catalog.rows(`select kind, subject from incidents order by subject`);
  await tamper('delete from audit_events where number = 3');
  await trail.verify();
  expect(await incidents()).toEqual([]);
  for (const actor of ['holdfast', 'claire']) {
    const signal = new AbortController().signal;
    await recordedAuditVerify(deps, { runId: newRunId(), actor, signal });
  }
  expect(await incidents()).toEqual([{ kind: 'audit_mismatch', subject: 'audit/000000000001' }]);
  const { verified } = await auditStanding(catalog, [{ name: 'here' }]);
  expect(verified).toMatchObject({ breaches: 1, heads: 3, anchors: 2 });
  expect(
    await catalog.rows(`select actor, result from run_log where kind = 'audit-verify' order by started_at`),
  ).toEqual([
    { actor: 'holdfast', result: 'complete with warnings' },
    { actor: 'claire', result: 'complete with warnings' },
  ]);
});

describe('a catalog that was rebuilt', () => {
  const run = newRunId();
  const signal = new AbortController().signal;
  const emptied = () =>
    tamper('truncate audit_events, audit_heads, audit_anchors, incidents, installation_facts cascade');
  const scheduled = async () => {
    const { catalog, keys, store } = trail;
    const destinations = new Map([['here', { store, prefix: 'p' }]]);
    const deps = { catalog, repository, keys, destinations, ids: new Ids(randomBytes(64)), hostId: 'h' };
    const summary = await recordedAuditVerify(deps, { runId: newRunId(), actor: 'holdfast', signal });
    return { found: Object.keys(summary.findings), fact: await readAuditVerifyFact(catalog) };
  };
  const begin = () =>
    recordBeginning(trail.catalog, trail.signer, [{ ...trail, prefix: 'p' }], { repository, run });

  test('goes on behind its anchors, and the schedule says since when', async () => {
    await emptied();
    const { at } = await begin();
    await trail.add(2);
    await trail.anchors.write('all');
    expect(await scheduled()).toMatchObject({
      ...{ found: [], fact: { breaches: 0, beginning: { head: 4, at } } },
    });
    // Whoever verifies by themselves is told nevertheless.
    expect(await kinds()).toEqual(['lost 3']);
  });

  test('without a rebuild, or with a beginning that nobody signed, it is lost', async () => {
    await emptied();
    await trail.add(1);
    expect((await scheduled()).found).toEqual(['lost']);
    const beginning = await begin();
    await writeFact(trail.catalog, 'audit_beginning', { ...beginning, begin: 9 });
    expect((await scheduled()).found).toEqual(['lost']);
  });

  test('whose trail is lost once more is found, also with the old beginning put back', async () => {
    await emptied();
    const beginning = await begin();
    await trail.add(2);
    await trail.anchors.write('all');
    await emptied();
    await writeFact(trail.catalog, 'audit_beginning', beginning);
    await trail.add(1);
    expect((await scheduled()).found).toEqual(['lost']);
  });
});
