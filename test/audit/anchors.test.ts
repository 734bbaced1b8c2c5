import { createHash, randomBytes } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { AnchorWriter } from '../../src/audit/anchors.ts';
import { openAnchor } from '../../src/audit/head.ts';
import { sequenceAudit } from '../../src/audit/sequencer.ts';
import { auditLag } from '../../src/catalog/audit-query.ts';
import { Failure } from '../../src/domain/failures.ts';
import { usePostgres } from '../support/postgres.ts';
import { newEvents, openTrail, repository, type Trail } from './trail.ts';

const postgres = usePostgres();
let trail: Trail;
beforeEach(async () => {
  trail = await openTrail(postgres());
  await trail.add(3);
});

const stored = () => Array.fromAsync(trail.store.listVersions('p/audit/'));
const recorded = () =>
  trail.catalog.rows('select number, s3_version_id as "versionId" from audit_anchors order by number');

test('an anchor is the signed head in plain text, locked for as long as the longest lock of what lies there', async () => {
  const longest = new Date(Date.now() + 200 * 86_400_000);
  await trail.catalog.write({
    events: [],
    object: {
      ...{
        id: 'o',
        destination: 'here',
        key: 'k',
        s3VersionId: 'v',
        length: 1,
        sealingId: null,
        sha512: null,
      },
      ...{ packId: 'pack', scope: 's', format: 'sealed-v1', lockMode: 'GOVERNANCE', retainUntil: longest },
      ...{ state: 'live', sealedSha256: null },
    },
  });
  await trail.anchors.write('due');
  const [anchor] = await stored();
  if (anchor === undefined) throw new Error('no anchor');
  expect(anchor.key).toBe('p/audit/000000000001');
  const bytes = await trail.store.get(anchor);
  expect(openAnchor(bytes, 1, repository, [trail.signer])?.head.size).toBe(3);
  expect(openAnchor(bytes, 2, repository, [trail.signer])).toBeUndefined();
  const facts = await trail.store.head(anchor);
  expect(facts?.lock?.mode).toBe('GOVERNANCE');
  expect(facts?.lock?.retainUntil.getTime()).toBeGreaterThanOrEqual(longest.getTime());
});

test('only the newest head is anchored, when its time has come or everything ends', async () => {
  await trail.anchors.write('due');
  await trail.add(1);
  await trail.add(1);
  await trail.anchors.write('due');
  expect(await recorded()).toMatchObject([{ number: 1 }]);
  await trail.anchors.write('all');
  await trail.anchors.write('all');
  expect(await recorded()).toMatchObject([{ number: 1 }, { number: 3 }]);
  expect(await stored()).toHaveLength(2);
});

test('an anchor that arrived before its writer died is found again, and not written twice', async () => {
  await trail.anchors.write('all');
  await trail.owner.query('delete from audit_anchors');
  await trail.anchors.write('all');
  expect(await stored()).toHaveLength(1);
  const [only] = await stored();
  expect(await recorded()).toEqual([{ number: 1, versionId: only?.versionId }]);
});

test('what somebody planted under the name of an anchor keeps none from being written', async () => {
  const body = randomBytes(40);
  const sha256 = createHash('sha256').update(body).digest();
  const lock = { mode: 'GOVERNANCE', days: 1 } as const;
  await trail.store.put({ key: 'p/audit/000000000001', body, sha256, lock });
  await trail.anchors.write('all');
  expect(await stored()).toHaveLength(2);
  const { findings, summary } = await trail.verify();
  expect(findings).toMatchObject([{ kind: 'planted', head: 1 }]);
  expect(summary.anchored).toMatchObject({ number: 1 });
});

test('another head of ours under that name is never written over, and is told', async () => {
  await trail.anchors.write('all');
  // An older state of the database is put back, and goes on otherwise.
  await trail.owner.query('delete from audit_anchors; delete from audit_heads; delete from audit_events');
  await trail.catalog.write({ events: newEvents(1) });
  await sequenceAudit({ ...trail, firstNumber: async () => 1 });
  await trail.anchors.write('all');
  expect(await stored()).toHaveLength(1);
  expect(await recorded()).toEqual([{ number: 1, versionId: null }]);
  expect((await auditLag(trail.catalog, ['here'])).destinations).toMatchObject([{ conflicts: 1 }]);
});

test('a destination that is away keeps no other waiting, and how far it is behind is known', async () => {
  const { store, catalog, signer } = trail;
  const config = { prefix: 'p', lock: { mode: 'GOVERNANCE', days: 30 } } as never;
  const away = Object.create(store, {
    put: { value: () => Promise.reject(new Failure('s3_unavailable')) },
  }) as typeof store;
  const told: unknown[] = [];
  const writer = new AnchorWriter({
    ...{ catalog, repository, keys: [signer], everyMs: 0, failPoints: { reach: () => {} } },
    destinations: new Map([
      ['away', { store: away, config }],
      ['here', { store, config }],
    ]),
    log: { warn: (facts: unknown) => told.push(facts) } as never,
  });
  await writer.write('all');
  await writer.write('all');
  expect(told).toMatchObject([{ destination: 'away' }]);
  expect((await auditLag(catalog, ['away', 'here'])).destinations).toMatchObject([
    { destination: 'away', unanchored: 1 },
    { destination: 'here', unanchored: 0 },
  ]);
});
