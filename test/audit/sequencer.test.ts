import { expect, test } from 'vitest';
import { type Head, openHead } from '../../src/audit/head.ts';
import { leafHash, treeRoot } from '../../src/audit/merkle.ts';
import { sequenceAudit } from '../../src/audit/sequencer.ts';
import { canonical } from '../../src/domain/canonical.ts';
import { isFailure } from '../../src/domain/failures.ts';
import { usePostgres } from '../support/postgres.ts';
import { newEvents, openTrail, repository, type Trail } from './trail.ts';

const postgres = usePostgres();

const heads = (trail: Trail) =>
  trail.catalog.rows<{ head: Buffer; signature: Buffer }>(
    'select head, signature from audit_heads order by number',
  );

test('each head covers what was written since the one before, in the order of writing, and all heads before it', async () => {
  const trail = await openTrail(postgres());
  const first = newEvents(3);
  const second = newEvents(2);
  await trail.catalog.write({ events: first });
  expect(await sequenceAudit(trail)).toBe(3);
  expect(await sequenceAudit(trail)).toBe(0);
  await trail.catalog.write({ events: second });
  expect(await sequenceAudit(trail)).toBe(2);
  const rows = await heads(trail);
  const opened = rows.map(
    ({ head, signature }) => openHead(head, signature, repository, [trail.signer])?.head,
  );
  const root = (events: typeof first) =>
    treeRoot(events.map(({ event }) => leafHash(canonical(event)))).toString('hex');
  expect(opened).toMatchObject([
    { number: 1, first: 1, size: 3, root: root(first), history: treeRoot([]).toString('hex') },
    { number: 2, first: 1, size: 2, root: root(second) },
  ]);
  expect(opened[1]?.history).toBe(treeRoot([leafHash(rows[0]?.head ?? Buffer.alloc(0))]).toString('hex'));
});

test('many workers at once leave no event out and cover none twice', async () => {
  const trail = await openTrail(postgres());
  await Promise.all(
    Array.from({ length: 30 }, async () => {
      await trail.catalog.write({ events: newEvents(5) });
      await sequenceAudit(trail);
    }),
  );
  await sequenceAudit(trail);
  const sizes = (await heads(trail)).map(({ head }) => (JSON.parse(head.toString()) as Head).size);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(150);
  const { findings, summary } = await trail.verify();
  expect({ findings, events: summary.events, unsigned: summary.unsigned }).toEqual({
    findings: [],
    events: 150,
    unsigned: 0,
  });
});

test('no head passes over an event whose transaction is still open', async () => {
  const trail = await openTrail(postgres());
  const client = await trail.owner.connect();
  try {
    const [late] = newEvents(1);
    await client.query('begin');
    await client.query('insert into audit_events (id, leaf, event, at) values ($1, $2, $3, $4)', [
      late?.id,
      leafHash(canonical(late?.event)),
      late?.event,
      late?.at,
    ]);
    // A later number, visible earlier.
    await trail.catalog.write({ events: newEvents(1) });
    expect(await sequenceAudit(trail)).toBe(0);
    await client.query('commit');
  } finally {
    client.release();
  }
  expect(await sequenceAudit(trail)).toBe(2);
  expect((await trail.verify()).findings).toEqual([]);
});

test('nothing is signed on top of a head that this repository did not sign', async () => {
  const trail = await openTrail(postgres());
  await trail.add(2);
  await trail.catalog.rows(
    `insert into audit_heads (number, last_event, head, signature, peaks, at)
     select number + 1, last_event + 5, head, signature, peaks, at from audit_heads`,
  );
  await trail.catalog.write({ events: newEvents(9) });
  const refusal = await sequenceAudit(trail).catch((error: unknown) => error);
  expect(isFailure(refusal, 'audit_mismatch')).toBe(true);
  expect((await trail.verify()).findings).toMatchObject([{ kind: 'head', head: 2 }, { kind: 'events' }]);
});
