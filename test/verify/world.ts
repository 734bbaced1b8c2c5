import { hash } from 'node:crypto';
import { newRunId } from '../../src/domain/ids.ts';
import type { Settled } from '../../src/domain/steps.ts';
import type { Finding, VerifySummary } from '../../src/verify/finding.ts';
import { recordedVerify } from '../../src/verify/recorded-run.ts';
import type { VerifyDeps, VerifyRequest } from '../../src/verify/run.ts';
import { packOf } from '../support/packer.ts';
import { makeWorld, protectOnce, type World } from '../support/pipeline.ts';
import type { TestPostgres } from '../support/postgres.ts';

export type Verified = VerifySummary & { readonly told: readonly Finding[] };

export interface VerifyWorld extends World {
  readonly deps: VerifyDeps;
  /** Protects a file of this content and gives the object it rests on. */
  protect(path: string, content: string | Buffer): Promise<Protected>;
  /**
   * Protects files of these contents and moves their sealed files into one pack. `named`: version that its index gives
   * for the first one.
   */
  protectPack(files: Readonly<Record<string, string | Buffer>>, named?: string): Promise<ProtectedPack>;
  /** Looks at everything unless told otherwise. */
  verify(request?: Partial<VerifyRequest>, deps?: Partial<VerifyDeps>): Promise<Verified>;
}

export interface Protected {
  readonly settled: Settled;
  readonly objectId: string;
  readonly key: string;
  readonly versionId: string;
}

export interface ProtectedPack {
  readonly objectId: string;
  readonly key: string;
  readonly versionId: string;
  /** In the order they lie in. */
  readonly members: readonly { readonly path: string; readonly offset: number; readonly length: number }[];
}

/** A repository that the real pipeline fills, and what verifies it. */
export async function verifyWorld(server: TestPostgres): Promise<VerifyWorld> {
  const world = await makeWorld(server);
  const { catalog, context, store } = world;
  const deps: VerifyDeps = {
    catalog,
    ids: context.ids,
    hostId: context.hostId,
    keys: context.keys,
    keyring: [],
    destinations: new Map([['primary', { store, prefix: 'backup' }]]),
    retryPausesMs: [1, 1],
  };
  const protect = async (path: string, content: string | Buffer): Promise<Protected> => {
    world.write(path, content);
    const settled = (await protectOnce(context, await world.entry(path))) as Settled;
    const [object] = await catalog.rows<Omit<Protected, 'settled'>>(
      `select o.id as "objectId", o.key, o.s3_version_id as "versionId" from placements p join objects o on o.id = p.object_id
       where p.version_id = $1`,
      [settled.versionId],
    );
    if (object === undefined) throw new Error(`${path} ended ${settled.outcome}`);
    return { settled, ...object };
  };
  return {
    ...world,
    deps,
    protect,
    protectPack: (files, named) => packed(world, files, protect, named),
    async verify(request = {}, changed = {}) {
      const told: Finding[] = [];
      const summary = await recordedVerify(
        { ...deps, ...changed },
        {
          runId: newRunId(),
          actor: 'tester',
          sample: 1,
          readSample: 0,
          inventory: false,
          repair: true,
          jobs: 4,
          signal: new AbortController().signal,
          onFinding: (finding) => told.push(finding),
          ...request,
        },
      );
      return { ...summary, told };
    },
  };
}

async function packed(
  { catalog, context, store }: World,
  files: Readonly<Record<string, string | Buffer>>,
  protect: VerifyWorld['protect'],
  named?: string,
): Promise<ProtectedPack> {
  const alone: (Protected & { path: string; sealed: Buffer; source: string; entry: string })[] = [];
  for (const [path, content] of Object.entries(files)) {
    const one = await protect(path, content);
    const [row] = await catalog.rows<{ source: string; entry: string }>(
      'select e.source_id as source, e.id as entry from versions v join entries e on e.id = v.entry_id where v.id = $1',
      [one.settled.versionId],
    );
    const { source = '', entry = '' } = row ?? {};
    alone.push({ ...one, path, source, entry, sealed: await store.get(one) });
  }
  const toPack = alone.map(({ settled, ...one }, at) => {
    const version = settled.versionId ?? '';
    return { ...one, version: at === 0 ? (named ?? version) : version };
  });
  const { name, bytes, members } = packOf(toPack, context.keys.sealingKey('default'), 'default');
  const key = `backup/${name}`;
  const sha256 = hash('sha256', bytes, 'buffer');
  const lock = { mode: 'GOVERNANCE', days: 8 } as const;
  const put = await store.put({ key, body: bytes, sha256, lock });
  if (put.kind !== 'stored') throw new Error(put.kind);
  const packId = context.ids.pack(name);
  const objectId = context.ids.object('primary', key, put.versionId);
  await catalog.rows(
    `insert into intents (id, pack_id, destination, object_key, state, sealed_length, sealed_sha256, lock_mode, lock_days)
     values ($1, $1, 'primary', $2, 'committed', $3, $4, 'GOVERNANCE', 7)`,
    [packId, key, bytes.length, sha256],
  );
  await catalog.rows(
    `insert into objects (id, destination, key, s3_version_id, length, pack_id, scope, format, lock_mode, retain_until, state)
     values ($1, 'primary', $2, $3, $4, $5, 'default', 'sealed-v1', 'GOVERNANCE', now() + interval '7 days', 'live')`,
    [objectId, key, put.versionId, bytes.length, packId],
  );
  for (const [position, { offset, length }] of members.entries()) {
    const old = alone[position] as (typeof alone)[number];
    await catalog.rows(
      `insert into pack_members (pack_id, position, sealing_id, sha512, byte_offset, length, sha256)
       select $1, $2, sealing_id, sha512, $3, $4, $5 from objects where id = $6`,
      [packId, position, offset, length, hash('sha256', old.sealed, 'buffer'), old.objectId],
    );
    await catalog.rows(
      'update placements set object_id = $1, byte_offset = $2, length = $3 where object_id = $4',
      [...[objectId, offset, length, old.objectId]],
    );
    await catalog.rows(`update objects set state = 'deleted' where id = $1`, [old.objectId]);
    store.lose(old);
  }
  return {
    ...{ objectId, key, versionId: put.versionId },
    members: members.map(({ offset, length }, position) => ({
      path: toPack[position]?.path ?? '',
      offset,
      length,
    })),
  };
}
