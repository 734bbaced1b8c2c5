import type { Config } from '../config.ts';
import type { Endpoints } from '../stack/endpoints.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { openS3Store } from '../storage/s3-store.ts';

/** The stores of all destinations, by name, to be read; whoever opened them closes them. */
export async function openStores(config: Config, where: Endpoints): Promise<Map<string, ObjectStore>> {
  const opened = config.destinations.map(
    async (destination) => [destination.name, await openS3Store(where.s3(destination, 'agent'))] as const,
  );
  return new Map(await Promise.all(opened));
}
