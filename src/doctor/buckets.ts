import type { Catalog } from '../catalog/catalog.ts';
import { newestObject } from '../catalog/doctor-query.ts';
import type { DestinationFacts } from '../storage/object-store.ts';
import { say } from '../text/voice.ts';
import { type Check, type DoctorDestination, type Finding, ok } from './check.ts';

/** Whether each bucket keeps versions and locks, and what was stored last is locked indeed. */
export const buckets: Check = {
  name: 'buckets',
  async look({ catalog, destinations }) {
    const known = await catalog();
    const found = (await destinations()).map(async (destination) => {
      const settings = judgeBucket(destination.config.name, await destination.store.facts());
      return settings.length > 0 ? settings : lockOfNewest(known, destination);
    });
    return (await Promise.all(found)).flat();
  },
};

/** What is wrong with a bucket's settings. */
export function judgeBucket(name: string, facts: DestinationFacts): Finding[] {
  const findings: Finding[] = [];
  if (!facts.versioning || !facts.objectLock)
    findings.push({
      state: 'problem',
      what: say('doctor', 'bucket_lacks', {
        name,
        what: facts.versioning ? say('doctor', 'no_lock') : say('doctor', 'no_versioning'),
      }),
      means: say('doctor', 'bucket_lacks_means'),
      todo: say('doctor', 'bucket_lacks_todo'),
    });
  if (facts.defaultRetention !== undefined)
    findings.push({
      state: 'warning',
      what: say('doctor', 'default_lock', { name, days: facts.defaultRetention.days }),
      means: say('doctor', 'default_lock_means'),
      todo: say('doctor', 'default_lock_todo'),
    });
  if (!facts.tls && !facts.loopback)
    findings.push({
      state: 'problem',
      what: say('doctor', 'cleartext', { name }),
      means: say('doctor', 'cleartext_means'),
      todo: say('doctor', 'cleartext_todo'),
    });
  return findings;
}

/** The lock of the object version that was stored last, read from the bucket: that it can lock is seen by what is locked. */
async function lockOfNewest(catalog: Catalog, { config, store }: DoctorDestination): Promise<Finding[]> {
  const newest = await newestObject(catalog, config.name);
  if (newest === undefined) return [ok(say('doctor', 'bucket_empty', { name: config.name }))];
  const facts = await store.head(newest);
  if (facts?.lock !== undefined)
    return [
      ok(
        say('doctor', 'bucket_well', {
          name: config.name,
          mode: facts.lock.mode,
          day: facts.lock.retainUntil.toISOString().slice(0, 10),
        }),
      ),
    ];
  return [
    {
      state: 'problem',
      what: say('doctor', 'last_stored', {
        name: config.name,
        what: facts === undefined ? say('doctor', 'last_not_there') : say('doctor', 'last_not_locked'),
      }),
      means: say('doctor', 'last_stored_means'),
      todo: say('doctor', 'last_stored_todo'),
    },
  ];
}
