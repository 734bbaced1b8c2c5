import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { auditEvent } from '../../src/audit/event.ts';
import { sequenceAudit } from '../../src/audit/sequencer.ts';
import { canonical } from '../../src/domain/canonical.ts';
import { Ids, newRunId } from '../../src/domain/ids.ts';
import { openCatalog, openCatalogs } from '../catalog/world.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
const ids = new Ids(randomBytes(64));

const events = (count: number) => {
  const run = newRunId();
  return Array.from({ length: count }, (_, ordinal) =>
    auditEvent(ids, { subject: run, step: 'run', run, host: 'h', ordinal, facts: { ordinal } }),
  );
};

test('each event gets one place, in the order of writing, and its leaf is the hash of what it says', async () => {
  const catalog = await openCatalog(postgres());
  const first = events(3);
  await catalog.write({ events: first });
  expect(await sequenceAudit(catalog)).toBe(3);
  expect(await sequenceAudit(catalog)).toBe(0);
  await catalog.write({ events: events(2) });
  expect(await sequenceAudit(catalog)).toBe(2);
  const leaves = await catalog.rows<{
    batch: number;
    index: number;
    leaf: Buffer;
    event: unknown;
    stored: Buffer;
  }>(
    `select l.batch, l.index, l.leaf, e.event, e.leaf as stored from audit_leaves l
     join audit_events e on e.id = l.event_id order by l.batch, l.index`,
  );
  expect(leaves.map(({ batch, index }) => [batch, index])).toEqual([
    [1, 0],
    [1, 1],
    [1, 2],
    [2, 0],
    [2, 1],
  ]);
  for (const { leaf, stored, event } of leaves) {
    const hash = createHash('sha256')
      .update(Buffer.from([0]))
      .update(canonical(event))
      .digest();
    expect(leaf).toEqual(hash);
    expect(stored).toEqual(hash);
  }
  expect(leaves.slice(0, 3).map(({ event }) => (event as { id: string }).id)).toEqual(
    first.map(({ id }) => id),
  );
});

test('many workers at once give no event two places and no batch a hole', async () => {
  const catalogs = await openCatalogs(postgres(), 4);
  const [catalog] = catalogs;
  await Promise.all(
    Array.from({ length: 20 }, async (_, turn) => {
      await catalog?.write({ events: events(5) });
      const own = catalogs[turn % catalogs.length];
      if (own) await sequenceAudit(own);
    }),
  );
  while (catalog && (await sequenceAudit(catalog)) > 0);
  const batches = await catalog?.rows<{ size: number; last: number }>(
    'select count(*) as size, max(index) + 1 as last from audit_leaves group by batch',
  );
  expect(batches?.every(({ size, last }) => size === last)).toBe(true);
  expect(batches?.reduce((sum, { size }) => sum + size, 0)).toBe(100);
});
