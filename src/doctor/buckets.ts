import type { Catalog } from '../catalog/catalog.ts';
import { newestObject } from '../catalog/doctor-query.ts';
import type { DestinationFacts } from '../storage/object-store.ts';
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
      what: `The bucket of ${name} has ${facts.versioning ? 'no Object Lock' : 'no versioning'}.`,
      means: 'Whoever has the credentials can delete or replace what lies there.',
      todo: 'Make a new bucket with Object Lock; it cannot be relied on where it was not on from the beginning (docs/deploy-aws.md).',
    });
  if (facts.defaultRetention !== undefined)
    findings.push({
      state: 'warning',
      what: `The bucket of ${name} locks what asks for no lock for ${facts.defaultRetention.days} days.`,
      means:
        'Holdfast asks for its own locks; the default only locks what somebody else writes there, at your cost.',
      todo: 'Take the default retention off the bucket.',
    });
  if (!facts.tls && !facts.loopback)
    findings.push({
      state: 'problem',
      what: `Requests to ${name} cross the network unencrypted.`,
      means:
        'Content is sealed, but whoever listens sees names, sizes and when what is stored, and can cut it off.',
      todo: 'Give the endpoint as https:// in holdfast.yaml.',
    });
  return findings;
}

/** The lock of the object version that was stored last, read from the bucket: that it can lock is seen by what is locked. */
async function lockOfNewest(catalog: Catalog, { config, store }: DoctorDestination): Promise<Finding[]> {
  const newest = await newestObject(catalog, config.name);
  if (newest === undefined)
    return [ok(`The bucket of ${config.name} keeps versions and has Object Lock; nothing is stored yet.`)];
  const facts = await store.head(newest);
  if (facts?.lock !== undefined)
    return [
      ok(
        `The bucket of ${config.name} keeps versions; what was stored last is locked (${facts.lock.mode}) until ${facts.lock.retainUntil.toISOString().slice(0, 10)}.`,
      ),
    ];
  return [
    {
      state: 'problem',
      what: `What was stored last in ${config.name} is ${facts === undefined ? 'not there' : 'not locked'}.`,
      means: 'The server accepts locks and does not keep them, or somebody took them off.',
      todo: 'Run `holdfast verify --sample 100%`; it says how much is concerned.',
    },
  ];
}
