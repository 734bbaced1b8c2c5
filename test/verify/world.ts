import { newRunId } from '../../src/domain/ids.ts';
import type { Settled } from '../../src/domain/steps.ts';
import type { Finding, VerifySummary } from '../../src/verify/finding.ts';
import { recordedVerify } from '../../src/verify/recorded-run.ts';
import type { VerifyDeps, VerifyRequest } from '../../src/verify/run.ts';
import { makeWorld, protectOnce, type World } from '../support/pipeline.ts';
import type { TestPostgres } from '../support/postgres.ts';

export type Verified = VerifySummary & { readonly told: readonly Finding[] };

export interface VerifyWorld extends World {
  readonly deps: VerifyDeps;
  /** Protects a file of this content and gives the object it rests on. */
  protect(path: string, content: string | Buffer): Promise<Protected>;
  /** Looks at everything unless told otherwise. */
  verify(request?: Partial<VerifyRequest>, deps?: Partial<VerifyDeps>): Promise<Verified>;
}

export interface Protected {
  readonly settled: Settled;
  readonly objectId: string;
  readonly key: string;
  readonly versionId: string;
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
  return {
    ...world,
    deps,
    async protect(path, content) {
      world.write(path, content);
      const settled = (await protectOnce(context, await world.entry(path))) as Settled;
      const [object] = await catalog.rows<Omit<Protected, 'settled'>>(
        `select o.id as "objectId", o.key, o.s3_version_id as "versionId" from placements p join objects o on o.id = p.object_id
         where p.version_id = $1`,
        [settled.versionId],
      );
      if (object === undefined) throw new Error(`${path} ended ${settled.outcome}`);
      return { settled, ...object };
    },
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
