import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { exportAudit } from '../../src/audit/export.ts';
import { leafHash } from '../../src/audit/merkle.ts';
import { sequenceAudit } from '../../src/audit/sequencer.ts';
import { nextLeaves, rowsAfter } from '../../src/catalog/audit-query.ts';
import type { AuditRow } from '../../src/catalog/rows.ts';
import { canonical } from '../../src/domain/canonical.ts';
import { isFailure } from '../../src/domain/failures.ts';
import { usePostgres } from '../support/postgres.ts';
import { newEvents, newSteps, openTrail, repository, type Trail } from './trail.ts';

const postgres = usePostgres();

const rowsOf = async ({ owner }: Trail) =>
  (
    await owner.query(
      'select events is not null as many, length(leaves) / 32 as size from audit_events order by number',
    )
  ).rows;

const storedIn = async (catalog: Trail['catalog']) =>
  (await rowsAfter(catalog, undefined, 10_000)).flatMap(({ events }) => events);

const idsIn = async ({ catalog }: Trail): Promise<unknown[]> =>
  (await storedIn(catalog)).map(({ event }) => event.id);

/** The same, told a second time: with other facts where some are given. */
const again = (events: readonly AuditRow[], facts?: object): AuditRow[] =>
  events.map(({ id, event, at }) => ({ id, at, event: facts === undefined ? event : { ...event, facts } }));

test('what is told of many versions of one workflow together is one row, and each event one leaf', async () => {
  const trail = await openTrail(postgres());
  const [few, many, run] = [newSteps(15), newSteps(16), newEvents(20)];
  await trail.catalog.write({ events: few });
  await trail.catalog.applyTogether([{ events: many.slice(0, 3) }, { events: many.slice(3) }]);
  await trail.catalog.write({ events: run });
  expect((await rowsOf(trail)).filter(({ many }) => many)).toEqual([{ many: true, size: 16 }]);
  const found = await storedIn(trail.catalog);
  expect(found.map(({ event }) => event.id)).toEqual([...few, ...many, ...run].map(({ id }) => id));
  for (const { event, leaf } of found) expect(leaf).toEqual(leafHash(canonical(event)));
  await sequenceAudit(trail);
  expect((await trail.verify()).summary).toMatchObject({ events: 51, heads: 1, unsigned: 0, findings: {} });
});

test('is told once, however often and in whatever company it is told again', async () => {
  const trail = await openTrail(postgres());
  const [many, few] = [newSteps(40), newSteps(12)];
  await trail.catalog.write({ events: many });
  await trail.catalog.write({ events: few });
  const before = await idsIn(trail);
  for (const events of [many, many.slice(3, 5), few])
    await trail.catalog.applyTogether([{ events: again(events) }]);
  expect(await idsIn(trail)).toEqual(before);
  // More of the same workflow than before, of which some was told in a row of its own.
  const [first] = few;
  const workflow = { workflow: first?.event.workflow, run: first?.event.run };
  const later = newSteps(20).map(({ id, at, event }) => ({ id, at, event: { ...event, ...workflow } }));
  await trail.catalog.applyTogether([{ events: [...again(few), ...later] }]);
  expect(await idsIn(trail)).toEqual([...before, ...later.map(({ id }) => id)]);
});

test('is refused where it was told otherwise, in one row or in another', async () => {
  const trail = await openTrail(postgres());
  const [many, few] = [newSteps(40), newSteps(12)];
  await trail.catalog.write({ events: many });
  await trail.catalog.write({ events: few });
  const more = newSteps(8).map(({ id, at, event }) => ({
    id,
    at,
    event: { ...event, workflow: few[0]?.event.workflow },
  }));
  for (const events of [
    again(many.slice(0, 1), { allow: false }),
    again(many, { allow: false }),
    [...again(few, { allow: false }), ...more],
  ]) {
    const refusal = await trail.catalog.applyTogether([{ events }]).catch((error: unknown) => error);
    expect(isFailure(refusal, 'audit_conflict')).toBe(true);
  }
  expect(await idsIn(trail)).toHaveLength(52);
});

test('is found changed, whatever of its row is', async () => {
  const trail = await openTrail(postgres());
  await trail.catalog.write({ events: newSteps(20) });
  await sequenceAudit(trail);
  expect((await trail.verify()).findings).toEqual([]);
  const { rows } = await trail.owner.query('select * from audit_events');
  const [kept] = rows as [{ events: Buffer; ids: Buffer; leaves: Buffer }];
  const lines = zstdDecompressSync(kept.events).toString().trimEnd().split('\n');
  const packed = (changed: readonly string[]) => zstdCompressSync(`${changed.join('\n')}\n`);
  const denied = packed(lines.map((line, index) => (index === 7 ? line.replace('true', 'false') : line)));
  const unreadable = { event: 1, events: 1 };
  for (const [column, value, findings] of [
    ['events', denied, { event: 1, events: 1 }],
    ['events', Buffer.from('nothing'), unreadable],
    ['events', packed(lines.slice(1)), { event: 19, events: 1 }],
    ['events', packed([...lines, ...lines.slice(0, 1)]), { event: 1, events: 1 }],
    ['events', packed([...lines].reverse()), { event: 20, events: 1 }],
    ['leaves', Buffer.concat([kept.leaves.subarray(32), kept.leaves.subarray(0, 32)]), { event: 20 }],
    ['ids', Buffer.concat([kept.ids.subarray(16), kept.ids.subarray(0, 16)]), { event: 1 }],
    ['workflow', 'batch:other', { event: 1 }],
    ['first_at', new Date(0), { event: 1 }],
    ['at', new Date(0), { event: 1 }],
  ] as const) {
    await trail.owner.query(`update audit_events set ${column} = $1`, [value]);
    expect((await trail.verify()).summary.findings, column).toEqual(findings);
    const back = rows[0] as Record<string, unknown>;
    await trail.owner.query(`update audit_events set ${column} = $1`, [back[column]]);
  }
  expect((await trail.verify()).findings).toEqual([]);
});

test('is exported by the moment at which each event was told', async () => {
  const trail = await openTrail(postgres());
  const events = newSteps(20).map(({ id, event }, index) => {
    const at = new Date(Date.UTC(2026, 0, 1, 0, 0, index)).toISOString();
    return { id, at, event: { ...event, at } };
  });
  await trail.catalog.write({ events });
  const [from, to] = [new Date(Date.UTC(2026, 0, 1, 0, 0, 5)), new Date(Date.UTC(2026, 0, 1, 0, 0, 7))];
  const lines: { event?: { id: string } }[] = [];
  const request = { repository, from, to, signal: new AbortController().signal };
  for await (const line of exportAudit(trail.catalog, trail.signer, request)) lines.push(JSON.parse(line));
  expect(lines.flatMap(({ event }) => event?.id ?? [])).toEqual(events.slice(5, 8).map(({ id }) => id));
});

test('goes under one head with all of its row', async () => {
  const trail = await openTrail(postgres());
  for (let row = 0; row < 3; row++) await trail.catalog.write({ events: newSteps(20) });
  const sizes = async (most: number, after?: number) => {
    const range = { after, upTo: Number.MAX_SAFE_INTEGER, most };
    return trail.catalog.transaction(async (rows) => (await nextLeaves(rows, range))?.leaves.length);
  };
  expect(await Promise.all([20, 21, 60].map((most) => sizes(most)))).toEqual([20, 40, 60]);
  const [{ number = 0 } = {}] = await storedIn(trail.catalog);
  expect(await sizes(20, number)).toBe(20);
});
