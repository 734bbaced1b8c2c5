import { describe, expect, test } from 'vitest';
import { cleanScans } from '../../src/catalog/clean-scans.ts';
import type { Verdict } from '../../src/domain/records.ts';
import { makeBatch, outcomes } from '../batch/batches.ts';
import { makeWorld, protectOnce, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const server = usePostgres();

/** A file on its own, and one in a batch. */
const lanes: Readonly<Record<string, (world: World, path: string) => Promise<void>>> = {
  'a file on its own': async ({ context, entry }, path) => {
    await protectOnce(context, await entry(path));
  },
  'a file in a batch': async (world, path) => {
    const batch = await makeBatch(world, [path]);
    await batch.run();
    // What is not clean goes its own way.
    for (const _ of batch.passedOn) await protectOnce(world.context, await world.entry(path));
  },
};

function scannerSays(world: World, change: Partial<Verdict>): void {
  if (typeof world.knobs.verdict === 'function') throw new Error('unreachable');
  world.knobs.verdict = { ...world.knobs.verdict, ...change };
}

const infected = { state: 'infected', signature: 'Late.Worm' } as const;

describe.each(Object.entries(lanes))('%s', (_, protect) => {
  test('of content that these signatures found clean is not scanned again', async () => {
    const world = await makeWorld(server());
    for (const path of ['first', 'second']) world.write(path, 'the same');
    await protect(world, 'first');
    await protect(world, 'second');
    expect(await outcomes(world)).toEqual({ first: 'uploaded', second: 'duplicate' });
    expect(world.scannedBytes).toHaveLength(1);
    scannerSays(world, { signatureRevision: 'r2' });
    world.write('third', 'the same');
    await protect(world, 'third');
    expect(world.scannedBytes).toHaveLength(2);
  });

  test('invariant 2: is scanned where signatures were loaded a moment ago, whatever older ones said of its content', async () => {
    const world = await makeWorld(server());
    world.write('first', 'the same');
    await protect(world, 'first');
    // What is remembered of the scanner still names the older ones.
    scannerSays(world, { ...infected, signatureRevision: 'r2' });
    world.write('second', 'the same');
    await protect(world, 'second');
    expect(await outcomes(world)).toEqual({ first: 'uploaded', second: 'quarantined' });
  });

  test('invariant 2: is scanned where its content was ever found infected, though these signatures found it clean', async () => {
    const world = await makeWorld(server());
    world.write('first', 'the same');
    await protect(world, 'first');
    // As a rescan records it, here by a scanner that was told to look for more.
    await world.asOwner(`insert into scans (id, version_id, sha512, state, signature, engine, signature_revision, signatures_at, signature_set)
      select 'looked again', version_id, sha512, 'infected', 'Late.Worm', engine, signature_revision, signatures_at, signature_set from scans`);
    scannerSays(world, infected);
    world.write('second', 'the same');
    await protect(world, 'second');
    expect(await outcomes(world)).toEqual({ first: 'uploaded', second: 'quarantined' });
  });
});

test('content that thousands of files share costs no more to look up than any other', async () => {
  const world = await makeWorld(server());
  world.write('first', 'the same');
  const { versionId = '' } = (await protectOnce(world.context, await world.entry('first'))) as {
    versionId?: string;
  };
  await world.asOwner(`insert into scans (id, version_id, sha512, state, engine, signature_revision, signatures_at, signature_set, reused_from)
    select 'again ' || n, version_id, sha512, state, engine, signature_revision, signatures_at, signature_set, id
    from scans, generate_series(1, 20000) n`);
  await world.asOwner('analyze scans');
  const { content } = await world.catalog.version(versionId);
  if (content === undefined) throw new Error('no content');
  const scanner = await world.context.scanner.facts();
  const before = await rowsRead(world);
  expect((await cleanScans(world.catalog, scanner, [content.sha512])).size).toBe(1);
  expect((await rowsRead(world)) - before).toBeLessThan(100);
});

/** How many rows of `scans` were read so far; a backend tells that when it has nothing else to do. */
async function rowsRead(world: World): Promise<number> {
  await world.catalog.rows('select pg_stat_force_next_flush()');
  const [row] = await world.catalog.rows<{ count: number }>(
    `select coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0) as count from pg_stat_user_tables where relname = 'scans'`,
  );
  return row?.count ?? 0;
}
