import { newRunId } from '../../src/domain/ids.ts';
import type { Id, RetentionClass } from '../../src/domain/records.ts';
import type { RetainProgress, RetainTotals, Settled } from '../../src/domain/steps.ts';
import type { RetentionContext } from '../../src/retention/context.ts';
import type { HoldingContext } from '../../src/retention/legal-hold.ts';
import { retainSlice } from '../../src/retention/slice.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { makeWorld, protectOnce, type World } from '../support/pipeline.ts';
import type { TestPostgres } from '../support/postgres.ts';

const dayMs = 86_400_000;

export const standard: RetentionClass = {
  mode: 'GOVERNANCE',
  days: 7,
  versions: 2,
  minimumDays: 30,
  erasable: false,
};

/** What one run did. */
export interface Retained {
  readonly result: string;
  readonly totals: RetainTotals;
}

export interface RetentionWorld extends World {
  readonly sourceId: Id;
  readonly retention: RetentionContext;
  /** What policy says the classes are; a test may change it. */
  readonly classes: Record<string, RetentionClass>;
  protect(path: string, content: string): Promise<Settled & { versionId: Id }>;
  /** Takes the file away and has it looked at. */
  gone(path: string): Promise<Settled>;
  /** One whole run, slice by slice. */
  retain(changes?: Partial<RetentionContext>, sliceMs?: number, sourceId?: Id): Promise<Retained>;
  /** As if so much time had passed: everything that happened lies so far back, and so do the ends of all locks. */
  pass(days: number): Promise<void>;
  /** The object that a version rests on, and what its bucket says of it. */
  object(versionId: Id): Promise<HeldObject>;
  placement(
    versionId: Id,
  ): Promise<{ state: string; outcome: string; reason: string | null; journal: number | null }>;
}

export interface HeldObject {
  readonly id: Id;
  readonly state: string;
  readonly key: string;
  readonly versionId: string;
  /** By the catalog; undefined in the store where the object is not there. */
  readonly retainUntil: Date;
  readonly lockedUntil: Date | undefined;
  readonly isThere: boolean;
  readonly legalHold: boolean;
}

/** A store that does what another does, in parts otherwise. */
export function storeLike(store: ObjectStore, changes: Partial<ObjectStore>): ObjectStore {
  return new Proxy(store, {
    get(target, name) {
      if (name in changes) return changes[name as keyof ObjectStore];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** What a command that places legal holds works with. */
export const holding = ({ retention }: RetentionWorld): HoldingContext => ({ ...retention, warn: () => {} });

/** A repository that the real pipeline fills, and what keeps its retention. */
export async function retentionWorld(server: TestPostgres): Promise<RetentionWorld> {
  const world = await makeWorld(server);
  const { catalog, context, store } = world;
  const classes: Record<string, RetentionClass> = { standard };
  const retention: RetentionContext = {
    catalog,
    ids: context.ids,
    hostId: context.hostId,
    policy: {
      retentionClasses: async () => ({ result: classes, bundleRevision: 'b'.repeat(64), decisionId: 'd' }),
    },
    destinations: new Map([['primary', { store, lockDays: 7 }]]),
    openDeleting: async () => new Map([['primary', store]]),
    noteRefusal: () => {},
    failPoints: { reach: () => {} },
    log: context.log,
  };
  const sourceId = context.ids.source('docs');
  const look = async (path: string) => (await protectOnce(context, await world.entry(path))) as Settled;
  return {
    ...world,
    sourceId,
    retention,
    classes,
    async protect(path, content) {
      world.write(path, content);
      const settled = await look(path);
      if (settled.versionId === undefined) throw new Error(`${path} ended ${settled.outcome}`);
      return { ...settled, versionId: settled.versionId };
    },
    async gone(path) {
      world.remove(path);
      return look(path);
    },
    async retain(changes = {}, sliceMs = 60_000, of = sourceId) {
      const runId = newRunId();
      const run = { signal: new AbortController().signal, heartbeat: () => {} };
      for (let progress: RetainProgress | undefined; ; ) {
        const step = { sourceId: of, runId, actor: 'tester', sliceMs, ...(progress ? { progress } : {}) };
        const answer = await retainSlice({ ...retention, ...changes }, step, run);
        if (answer.next === 'more') progress = answer.progress;
        else break;
      }
      const ended = await catalog.endedRun(runId);
      return { result: ended?.result ?? 'none', totals: ended?.totals as unknown as RetainTotals };
    },
    async pass(days) {
      const columns = {
        versions: ['observed_at', 'settled_at'],
        objects: ['retain_until'],
        manifests: ['created_at', 'retain_until'],
        run_log: ['started_at', 'ended_at'],
        retention_sources: ['paused_at', 'pinned_at', 'resumed_at'],
      };
      const earlier = (column: string) => `${column} = ${column} - interval '${days} days'`;
      for (const [table, names] of Object.entries(columns))
        await world.asOwner(`update ${table} set ${names.map(earlier).join(', ')}`);
      for await (const version of store.listVersions('')) {
        const { lock } = (await store.head(version)) ?? {};
        if (lock)
          store.relock(version, {
            ...lock,
            retainUntil: new Date(lock.retainUntil.getTime() - days * dayMs),
          });
      }
    },
    async object(versionId) {
      const [row] = await catalog.rows<
        Pick<HeldObject, 'id' | 'state' | 'key' | 'versionId' | 'retainUntil'>
      >(
        `select o.id, o.state, o.key, o.s3_version_id as "versionId", o.retain_until as "retainUntil"
         from placements p join objects o on o.id = p.object_id where p.version_id = $1`,
        [versionId],
      );
      if (row === undefined) throw new Error('the version rests on nothing');
      const facts = await store.head(row);
      return {
        ...row,
        isThere: facts !== undefined,
        lockedUntil: facts?.lock?.retainUntil,
        legalHold: facts?.legalHold ?? false,
      };
    },
    async placement(versionId) {
      const [row] = await catalog.rows<Awaited<ReturnType<RetentionWorld['placement']>>>(
        `select p.state, v.outcome, v.reason, v.journal from placements p join versions v on v.id = p.version_id
         where v.id = $1`,
        [versionId],
      );
      if (row === undefined) throw new Error('no placement');
      return row;
    },
  };
}
