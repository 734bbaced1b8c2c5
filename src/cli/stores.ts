import type { Config } from '../config.ts';
import type { Endpoints } from '../stack/endpoints.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { openS3Store } from '../storage/s3-store.ts';

/** A destination to be read: its store, and what the names of its objects begin with. */
export interface Place {
  readonly store: ObjectStore;
  readonly prefix: string;
}

/** The places of all destinations, by name, to be read; whoever opened them closes their stores. */
export async function openPlaces(config: Config, where: Endpoints): Promise<Map<string, Place>> {
  const opened = config.destinations.map(async (destination) => {
    const store = await openS3Store(where.s3(destination, 'agent'));
    return [destination.name, { store, prefix: destination.prefix }] as const;
  });
  return new Map(await Promise.all(opened));
}

/** The stores of all destinations, by name, to be read; whoever opened them closes them. */
export async function openStores(config: Config, where: Endpoints): Promise<Map<string, ObjectStore>> {
  return new Map([...(await openPlaces(config, where))].map(([name, { store }]) => [name, store]));
}
