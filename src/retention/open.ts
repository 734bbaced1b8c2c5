import type { Config } from '../config.ts';
import type { Endpoints } from '../stack/endpoints.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { openS3Store } from '../storage/s3-store.ts';
import type { RetainedDestination } from './context.ts';

/** The destinations as retention looks at them and locks in them; whoever opened them closes them. */
export async function openRetained(
  config: Config,
  endpoints: Endpoints,
): Promise<Map<string, RetainedDestination>> {
  const opened = config.destinations.map(async (destination) => {
    const store = await openS3Store(endpoints.s3(destination, 'agent'));
    return [destination.name, { store, lockDays: destination.lock.days }] as const;
  });
  return new Map(await Promise.all(opened));
}

/** The destinations as the role that deletes; `onFailure` hears of each request that failed. */
export async function openDeleting(
  config: Config,
  endpoints: Endpoints,
  onFailure: (error: unknown) => void,
): Promise<Map<string, ObjectStore>> {
  const opened = config.destinations.map(
    async (destination) =>
      [
        destination.name,
        await openS3Store({ ...endpoints.s3(destination, 'retention'), onFailure }),
      ] as const,
  );
  return new Map(await Promise.all(opened));
}
