import type { DestinationConfig } from '../config.ts';
import type { Installation } from '../installation.ts';
import type { KeyringDocument } from '../keys/keyring-files.ts';
import { publishKeyring } from '../keys/publish.ts';
import { troubleOf } from '../pipeline/trouble.ts';
import { openS3Store } from '../storage/s3-store.ts';
import { allowRoles } from './bucket-roles.ts';
import { connectionOf, type Endpoints } from './endpoints.ts';

/** What preparing works with. */
export interface Preparing {
  readonly installation: Pick<Installation, 'config' | 'paths'>;
  readonly where: Endpoints;
  /** The keyring as it should lie in every destination. */
  readonly keyring: readonly KeyringDocument[];
}

/**
 * Makes sure of what a destination needs before the first file: the bucket with Object Lock, the roles' rights where this
 * installation runs its server, the keyring. May run again at any time. Failures: `bucket_without_lock` and the store's.
 */
export async function prepareDestination(
  { installation: { config, paths }, where, keyring }: Preparing,
  destination: DestinationConfig,
): Promise<void> {
  const asOwner = where.s3(destination, 'owner');
  const store = await openS3Store(asOwner);
  try {
    await store.ensureBucket();
    if (connectionOf(config, destination) === 'embedded') await allowRoles(asOwner, paths);
    await publishKeyring(store, destination.prefix, keyring, destination.lock);
  } finally {
    store.close();
  }
}

/**
 * Prepares all of them. One that is away keeps nothing waiting as long as another is there: the worker prepares it when it
 * answers.
 */
export async function prepareDestinations(
  preparing: Preparing,
  onAway: (destination: string) => void,
): Promise<void> {
  const { destinations } = preparing.installation.config;
  const errors: unknown[] = [];
  for (const destination of destinations) {
    await prepareDestination(preparing, destination).catch((error: unknown) => {
      if (troubleOf(error) !== 'away') throw error;
      errors.push(error);
      if (destinations.length > 1) onAway(destination.name);
    });
  }
  if (errors.length === destinations.length) throw errors[0];
}

/** `ask`, once `prepare` has been through; while it is not, every question begins with another try. */
export function preparedFirst<Answer>(
  prepare: () => Promise<void>,
  ask: () => Promise<Answer>,
): () => Promise<Answer> {
  let prepared: Promise<void> | undefined;
  return async () => {
    prepared ??= prepare().catch((error: unknown) => {
      prepared = undefined;
      throw error;
    });
    await prepared;
    return ask();
  };
}
