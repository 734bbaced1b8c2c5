import { expect, test } from 'vitest';
import type { Output } from '../../src/cli/output.ts';
import { ReportLines } from '../../src/cli/report-lines.ts';
import { Failure } from '../../src/domain/failures.ts';
import { csvRecord } from '../../src/report/csv.ts';
import { missingRows } from '../../src/report/missing.ts';
import {
  failureRows,
  holdRows,
  type ReportRow,
  reportColumns,
  runRows,
  unprotectedRows,
} from '../../src/report/rows.ts';
import { denied, makeWorld, protectOnce, stepRun, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();

async function protect(world: World, path: string, content: string) {
  world.write(path, content);
  return protectOnce(world.context, await world.entry(path), stepRun());
}

/** Paths of a report, with what else is asked for. */
async function told(rows: AsyncGenerator<ReportRow>, ...columns: string[]): Promise<string[]> {
  const all = await Array.fromAsync(rows);
  return all.map((row) => ['path', ...columns].map((name) => String(row[name])).join(' '));
}

const missing = (world: World, away: string[] = []) =>
  missingRows(world.catalog, {
    sources: world.context.sources.values(),
    destinations: new Map([['primary', { store: world.store, prefix: 'backup' }]]),
    away,
  });

test('missing: what the catalog knows, and disk or bucket lacks', async () => {
  const world = await makeWorld(postgres());
  await protect(world, 'kept', 'one');
  await protect(world, 'gone from disk', 'two');
  expect(await told(missing(world))).toEqual([]);
  await protect(world, 'gone from bucket', 'three');
  const [object] = await world.catalog.rows<{ key: string; s3VersionId: string }>(
    `select o.key, o.s3_version_id as "s3VersionId" from objects o join placements p on p.object_id = o.id
     join versions v on v.id = p.version_id join entries e on e.id = v.entry_id where e.path = 'gone from bucket'`,
  );
  const lost = (await world.versions()).find(({ key }) => key === object?.key);
  if (lost === undefined) throw new Error('unreachable');
  world.store.lose(lost);
  world.remove('gone from disk');
  expect(await told(missing(world), 'from', 's3VersionId')).toEqual([
    'gone from disk disk null',
    `gone from bucket primary ${object?.s3VersionId}`,
  ]);
});

test('missing: what cannot be looked at is named, and is not missing', async () => {
  const world = await makeWorld(postgres());
  await protect(world, 'kept', 'one');
  const away: string[] = [];
  world.store.listVersions = () => {
    throw new Failure('s3_unavailable');
  };
  expect(await told(missing(world, away))).toEqual([]);
  expect(away).toEqual(['primary']);
});

test('every report has its columns, in their order, in each row: a table is read by them', async () => {
  const world = await makeWorld(postgres());
  await protect(world, 'gone from disk', 'one');
  await protect(world, 'gone from bucket', 'two');
  world.knobs.release = denied('encryption');
  await protect(world, 'held', 'three');
  world.remove('gone from disk');
  for (const version of await world.versions()) world.store.lose(version);
  const found = await Array.fromAsync(missing(world));
  expect(found.map(({ from }) => from)).toEqual(['disk', 'primary', 'primary']);
  const [{ run } = { run: '' }] = await world.catalog.rows<{ run: string }>(
    'select run_id as run from versions',
  );
  await world.asOwner(`update versions set outcome = 'failed' where outcome = 'uploaded'`);
  const { catalog } = world;
  const reports = {
    missing: found,
    run: await Array.fromAsync(runRows(catalog, run)),
    failures: await Array.fromAsync(failureRows(catalog)),
    unprotected: await Array.fromAsync(unprotectedRows(catalog)),
    holds: await Array.fromAsync(holdRows(catalog)),
  };
  for (const [name, rows] of Object.entries(reports)) {
    expect(rows.length, name).toBeGreaterThan(0);
    for (const row of rows)
      expect(Object.keys(row), name).toEqual(reportColumns[name as keyof typeof reports]);
  }
});

test('a report as CSV has its columns also where it has no rows, and where a row has them otherwise', () => {
  const written: string[] = [];
  const output = { line: (text: string) => written.push(text), value: () => {} } as unknown as Output;
  const lines = new ReportLines(output, true, reportColumns.missing);
  expect(written).toEqual(['from,source,path,object,s3VersionId']);
  lines.add({ s3VersionId: 'v', object: 'o', from: 'primary', path: Buffer.from('a\nb, "c"'), source: null });
  expect(written.at(-1)).toBe(csvRecord(['primary', '', 'a\nb, "c"', 'o', 'v']));
});

test('failures, unprotected and run: each file once, with why', async () => {
  const world = await makeWorld(postgres());
  await protect(world, 'fine', 'one');
  world.knobs.release = denied('encryption');
  await protect(world, 'held', 'two');
  const [held] = await world.catalog.rows<{ run: string }>(
    `select v.run_id as run from versions v join entries e on e.id = v.entry_id where e.path = 'held'`,
  );
  await world.asOwner(
    `update versions set outcome = 'failed', reason = 'changing' where id = (select head_version_id from entries where path = 'fine')`,
  );
  expect(await told(failureRows(world.catalog), 'reason')).toEqual(['fine changing']);
  expect(await told(unprotectedRows(world.catalog), 'outcome')).toEqual(['fine failed', 'held held']);
  expect(await told(holdRows(world.catalog), 'reason')).toEqual(['held encryption']);
  expect(await told(runRows(world.catalog, held?.run ?? ''), 'outcome')).toContain('held held');
});

test('a name that a spreadsheet would run is harmless in CSV', () => {
  expect(csvRecord(['docs', '=HYPERLINK("http://x")', 'a,b', 'plain'])).toBe(
    `docs,"'=HYPERLINK(""http://x"")","a,b",plain`,
  );
});
