import {
  countResting,
  type KeptAlive,
  keptAliveByPacks,
  type SourceRetention,
  sourceRetention,
  unneededObjects,
  versionPaths,
} from '../catalog/retention-query.ts';
import type { Id } from '../domain/records.ts';
import type { KeptBecause } from '../domain/retention.ts';
import { agreeingClocks } from './clocks.ts';
import type { RetentionContext } from './context.ts';
import { dueLocks } from './extend.ts';
import { type JudgedVersion, judgedPages, passStart } from './judged.ts';

/** One thing that a run would do. */
export type PlannedStep =
  | { readonly does: 'extend'; readonly objectId: Id; readonly destination: string; readonly days: number }
  | {
      readonly does: 'expire';
      readonly versionId: Id;
      readonly path: Buffer;
      readonly observedAt: Date;
      readonly supersededAt: Date | null;
    }
  | {
      readonly does: 'delete';
      readonly objectId: Id;
      readonly destination: string;
      readonly key: string;
      readonly lengthBytes: number;
      /** When its lock ends. */
      readonly mayGoAt: Date;
    };

/** What a run of one source would do now. */
export interface RetentionPlan {
  readonly retention: SourceRetention;
  readonly extended: number;
  readonly expired: number;
  /** Objects that nothing would need any more, their bytes, and those of them whose locks have ended. */
  readonly objects: number;
  readonly bytes: number;
  readonly bytesNow: number;
  /** When the last of their locks ends. */
  readonly goneBy: Date | null;
  /** Versions that stay, by why. */
  readonly kept: Readonly<Partial<Record<KeptBecause, number>>>;
  /** When the next version expires, if nothing changes. */
  readonly nextExpiry: Date | null;
  /** As it is, before the run. */
  readonly keptAlive: readonly KeptAlive[];
}

/**
 * Judges as a run would, changes nothing, and tells each thing it would do. Of a paused source what it would do if it were
 * not. Failures: `clock_skew`, `policy_unavailable`, `s3_unavailable`.
 */
export async function planRetention(
  context: Pick<RetentionContext, 'catalog' | 'policy' | 'destinations'>,
  sourceId: Id,
  onStep: (step: PlannedStep) => void,
): Promise<RetentionPlan> {
  const { catalog, destinations, policy } = context;
  const clocks = await agreeingClocks(catalog, destinations);
  const retention = await sourceRetention(catalog, sourceId);
  const { result: classes } = await policy.retentionClasses();
  const going = new GoingObjects(context, clocks.catalog, onStep);
  await going.addUnneeded(sourceId);
  const kept: Partial<Record<KeptBecause, number>> = {};
  let [extended, expired] = [0, 0];
  let nextExpiry: Date | null = null;
  const terms = { sourceId, classes, now: clocks.catalog, pinnedAt: retention.pinnedAt };
  for await (const { versions } of judgedPages(catalog, terms, passStart)) {
    for (const { verdict } of versions) {
      if (verdict.is === 'expired') continue;
      kept[verdict.because] = (kept[verdict.because] ?? 0) + 1;
      if (verdict.until !== null && (nextExpiry === null || verdict.until < nextExpiry))
        nextExpiry = verdict.until;
    }
    for (const { object, lock } of dueLocks(versions, destinations, clocks)) {
      extended++;
      onStep({
        does: 'extend',
        objectId: object.id,
        destination: object.destination,
        days: lock.extendToDays,
      });
    }
    const expiring = versions.filter(({ verdict }) => verdict.is === 'expired');
    expired += expiring.length;
    const paths = await versionPaths(
      catalog,
      expiring.map(({ id }) => id),
    );
    for (const { id, observedAt, supersededAt } of expiring)
      onStep({
        ...{ does: 'expire', versionId: id, path: paths.get(id) ?? Buffer.alloc(0) },
        ...{ observedAt, supersededAt },
      });
    await going.addExpiring(expiring);
  }
  return {
    ...{ retention, extended, expired, kept, nextExpiry },
    ...going.sums,
    keptAlive: await keptAliveByPacks(catalog, sourceId),
  };
}

/** The objects that a run leaves nothing resting on. */
class GoingObjects {
  readonly #catalog: RetentionContext['catalog'];
  readonly #onStep: (step: PlannedStep) => void;
  /** Versions that still rest on objects of which some expire; what is left of it goes nowhere. */
  readonly #resting = new Map<Id, number>();
  readonly #now: Date;
  sums: Pick<RetentionPlan, 'objects' | 'bytes' | 'bytesNow' | 'goneBy'>;

  constructor(
    { catalog }: Pick<RetentionContext, 'catalog'>,
    now: Date,
    onStep: (step: PlannedStep) => void,
  ) {
    this.#catalog = catalog;
    this.#now = now;
    this.#onStep = onStep;
    this.sums = { objects: 0, bytes: 0, bytesNow: 0, goneBy: null };
  }

  /** What earlier runs let expire. */
  async addUnneeded(sourceId: Id): Promise<void> {
    for (let after = ''; ; ) {
      const page = await unneededObjects(this.#catalog, sourceId, { after, limit: 1_000 });
      const last = page.at(-1);
      if (last === undefined) return;
      const resting = await countResting(
        this.#catalog,
        page.map(({ id }) => id),
      );
      for (const object of page) if (!resting.has(object.id)) this.#goes(object);
      after = last.id;
    }
  }

  async addExpiring(versions: readonly JudgedVersion[]): Promise<void> {
    const objects = versions.flatMap((version) => version.objects);
    const unknown = [...new Set(objects.map(({ id }) => id))].filter((id) => !this.#resting.has(id));
    for (const [id, count] of await countResting(this.#catalog, unknown)) this.#resting.set(id, count);
    for (const object of objects) {
      const left = (this.#resting.get(object.id) ?? 0) - 1;
      if (left > 0) this.#resting.set(object.id, left);
      else {
        this.#resting.delete(object.id);
        this.#goes(object);
      }
    }
  }

  #goes(object: {
    readonly id: Id;
    readonly destination: string;
    readonly key: string;
    readonly lengthBytes: number;
    readonly retainUntil: Date;
  }): void {
    const { id: objectId, destination, key, lengthBytes, retainUntil: mayGoAt } = object;
    const { objects, bytes, bytesNow, goneBy } = this.sums;
    this.sums = {
      objects: objects + 1,
      bytes: bytes + lengthBytes,
      bytesNow: mayGoAt <= this.#now ? bytesNow + lengthBytes : bytesNow,
      goneBy: goneBy === null || mayGoAt > goneBy ? mayGoAt : goneBy,
    };
    this.#onStep({ does: 'delete', objectId, destination, key, lengthBytes, mayGoAt });
  }
}
