/** One batch through real services: OPA, clamd, an S3 server and Postgres. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { liveFacts } from '../../src/pipeline/live-facts.ts';
import { assembleBundle, writeBundle } from '../../src/policy/bundle.ts';
import { OpaEngine } from '../../src/policy/opa-engine.ts';
import { ClamdScanner } from '../../src/scanner/clamd-client.ts';
import { openBytes } from '../../src/sealed/open.ts';
import { openS3Store } from '../../src/storage/s3-store.ts';
import { startOpa, stop } from '../policy/opa.ts';
import { Clamd, eicar } from '../scanner/clamd.ts';
import { startVersitygw } from '../storage/versitygw.ts';
import { makeWorld } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { makeBatch, outcomes } from './batches.ts';

const server = usePostgres();

test('a batch is judged, scanned, packed, locked and read back', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-services-'));
  const [gateway, clamd] = [
    await startVersitygw(),
    new Clamd({ maxFileSize: '100M', streamMaxLength: '100M' }),
  ];
  await clamd.start();
  const bundleFile = join(folder, 'bundle.tar.gz');
  await writeBundle(
    await assembleBundle({
      policiesDir: join(import.meta.dirname, '../../policies'),
      config: {
        lock: { mode: 'GOVERNANCE', days: 7 },
        allow_test_signatures: false,
        format: 'sealed-v1',
        openpgp_recipients: [],
        sources: { docs: { admission: { deny_names: ['*.nope'] }, release: { deny_names: ['*.stay'] } } },
        destinations: { primary: { jurisdiction: 'local', classifications: ['internal'] } },
      },
    }),
    bundleFile,
  );
  const opa = await startOpa(bundleFile, join(folder, 'opa.sock'));
  const policy = new OpaEngine({ socketPath: join(folder, 'opa.sock'), timeoutMs: 10_000 });
  const scanner = new ClamdScanner({
    socketPath: clamd.socketPath,
    deadlineMs: () => 20_000,
    maxScanBytes: 100 * 1024 * 1024,
    maxSignatureAgeDays: 7,
    signatures: async () => ({ set: 'custom', revision: 'r1', at: new Date().toISOString() }),
    prove: async () => ({ problems: [], takesBytes: Number.POSITIVE_INFINITY }),
  });
  const store = await openS3Store({
    name: 'primary',
    endpoint: gateway.endpoint,
    region: gateway.region,
    bucket: 'batches',
    forcePathStyle: true,
    credentialsFile: gateway.credentialsFile,
    jurisdiction: 'local',
  });
  onTestFinished(async () => {
    policy.close();
    scanner.close();
    store.close();
    await Promise.all([stop(opa), clamd.remove(), gateway.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });
  await store.ensureBucket();

  const world = await makeWorld(server());
  const paths = Array.from({ length: 60 }, (_, index) => `text-${index}.txt`);
  for (const path of paths) world.write(path, `words of ${path} `.repeat(20));
  world.write('virus', eicar);
  world.write('never.nope', 'not admitted');
  world.write('never.stay', 'not released');
  const destination = world.context.destinations.get('primary');
  if (destination === undefined) throw new Error('no destination');
  const context = world.another({
    policy,
    bundleRevision: (await policy.ping()).revision,
    scanner,
    destinations: new Map([['primary', { ...destination, store, facts: liveFacts(store) }]]),
  });
  const batch = await makeBatch(world, [...paths, 'virus', 'never.nope', 'never.stay']);
  await batch.run(context);

  expect(await outcomes(world)).toEqual({
    ...Object.fromEntries(paths.map((path) => [path, 'uploaded'])),
    virus: null,
    'never.nope': 'ignored',
    'never.stay': null,
  });
  expect(batch.passedOn).toHaveLength(2);
  const places = await world.catalog.rows<{ key: string; versionId: string; offset: number; length: number }>(
    `select o.key, o.s3_version_id as "versionId", p.byte_offset as offset, p.length from placements p
     join objects o on o.id = p.object_id where p.state = 'committed'`,
  );
  expect(places).toHaveLength(60);
  const [first] = places;
  if (first === undefined) throw new Error('no placement');
  expect(new Set(places.map(({ key }) => key)).size).toBe(1);
  expect((await store.head(first))?.lock?.mode).toBe('GOVERNANCE');
  const keys = (id: Buffer) => context.keys.byId(id);
  const texts = await Promise.all(
    places.map(async ({ offset, length, ...object }) => {
      const sealed = await store.get({ ...object, range: { offset, length } });
      return (await openBytes(sealed, { keys, purpose: 'content' })).content().toString();
    }),
  );
  expect(texts.toSorted()).toEqual(paths.map((path) => `words of ${path} `.repeat(20)).toSorted());
});
