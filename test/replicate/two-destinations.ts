import type { DestinationConfig } from '../../src/config.ts';
import type { Id, PlacementState } from '../../src/domain/records.ts';
import type { PipelineContext } from '../../src/pipeline/context.ts';
import { outages } from '../../src/pipeline/outages.ts';
import { copySlice } from '../../src/replicate/slice.ts';
import { openBytes } from '../../src/sealed/open.ts';
import { MemoryStore, type StoreCall } from '../../src/storage/memory-store.ts';
import { makeWorld, stepRun, type World } from '../support/pipeline.ts';
import type { TestPostgres } from '../support/postgres.ts';

export interface TwoDestinations extends Omit<World, 'context' | 'store'> {
  /** With `primary` and `second`; content is admitted to both. */
  readonly context: PipelineContext;
  readonly primary: MemoryStore;
  readonly second: MemoryStore;
  /** Called around every operation of `second`, as `knobs.fault` is around those of `primary`. */
  secondFault: (call: StoreCall) => void;
  placements(versionId: Id): Promise<Record<string, { state: PlacementState; reason: string | null }>>;
  outcome(versionId: Id): Promise<{ outcome: string | null; reason: string | null }>;
  /** The contents of every object of a store, decrypted by the independent reader, and how long they are locked. */
  contents(store: MemoryStore): Promise<string[]>;
  /** As the worker does when something waits. */
  fill(destination: string): ReturnType<typeof copySlice>;
  /** Both answer again. */
  heal(): void;
}

/** A world of the pipeline with a second destination, whose own lock is longer. */
export async function twoDestinations(server: TestPostgres): Promise<TwoDestinations> {
  const world = await makeWorld(server);
  const made = {} as { secondFault: (call: StoreCall) => void };
  made.secondFault = () => {};
  const second = new MemoryStore({
    name: 'second',
    now: () => new Date(),
    fault: (call) => made.secondFault(call),
  });
  const config: DestinationConfig = {
    name: 'second',
    bucket: 'other',
    prefix: 'far/away',
    jurisdiction: 'local',
    maxObjectSize: 5 * 1024 ** 4,
    lock: { mode: 'GOVERNANCE', days: 30 },
  };
  const destinations = new Map(world.context.destinations);
  destinations.set('second', { config, store: second, facts: () => answering(made, second) });
  const first = destinations.get('primary');
  if (first !== undefined)
    destinations.set('primary', {
      ...first,
      facts: async () => {
        world.knobs.fault({ operation: 'facts', key: '', moment: 'before' });
        return world.store.facts();
      },
    });
  const context = world.another({ destinations });
  const { admission } = world.knobs;
  if (typeof admission === 'function') throw new TypeError('an admission was expected');
  world.knobs.admission = { ...admission, destinations: ['primary', 'second'] };
  const { keys } = context;
  return Object.assign(made, world, {
    context,
    primary: world.store,
    second,
    async placements(versionId: Id) {
      const rows = await world.catalog.rows<{
        destination: string;
        state: PlacementState;
        reason: string | null;
      }>('select destination, state, reason from placements where version_id = $1', [versionId]);
      return Object.fromEntries(rows.map(({ destination, ...row }) => [destination, row]));
    },
    async outcome(versionId: Id) {
      const [row] = await world.catalog.rows<{ outcome: string | null; reason: string | null }>(
        'select outcome, reason from versions where id = $1',
        [versionId],
      );
      return row ?? { outcome: null, reason: null };
    },
    async contents(store: MemoryStore) {
      const found: string[] = [];
      for await (const version of store.listVersions('')) {
        const opened = openBytes(await store.get(version), {
          keys: (id) => keys.byId(id),
          purpose: 'content',
        });
        found.push(opened.content().toString());
      }
      return found.sort();
    },
    fill: (destination: string) => copySlice(context, { destination, sliceMs: 60_000 }, stepRun()),
    heal() {
      made.secondFault = () => {};
      world.knobs.fault = () => {};
      outages.end(world.store);
      outages.end(second);
    },
  });
}

async function answering(made: { secondFault: (call: StoreCall) => void }, store: MemoryStore) {
  made.secondFault({ operation: 'facts', key: '', moment: 'before' });
  return store.facts();
}
