import { documentsToKeep, publishedDocuments } from '../keys/publish.ts';
import { shreddingScopes } from '../keys/shreddings.ts';
import { type Check, type DoctorDestination, daysUntil, type Finding, ok } from './check.ts';

/** Scope keys are locked for 60 days and renewed weekly: with less than this left, nobody has renewed them for a month. */
const leastDays = 30;

/** Whether every destination holds the keyring, and the locks on it are being renewed. */
export const keyLocks: Check = {
  name: 'key-locks',
  async look({ catalog, destinations, documents }) {
    const kept = documentsToKeep(documents, await shreddingScopes(await catalog()));
    const found = await Promise.all((await destinations()).map((destination) => lookAt(destination, kept)));
    return found.flat();
  },
};

async function lookAt(
  { config, store }: DoctorDestination,
  documents: Parameters<typeof publishedDocuments>[2],
): Promise<Finding[]> {
  const published = await publishedDocuments(store, config.prefix, documents);
  const todo = 'holdfast down && holdfast up -d, which publishes the keyring and renews its locks';
  const missing = published.filter(({ versionId }) => versionId === undefined).length;
  const unlocked = published.filter(
    ({ versionId, lock }) => versionId !== undefined && !isLocked(lock),
  ).length;
  const findings: Finding[] = [];
  if (missing > 0) {
    findings.push({
      state: 'problem',
      what: `${config.name} lacks ${missing} of ${documents.length} keyring documents.`,
      means: 'What is sealed under them could not be read from that bucket alone.',
      todo,
    });
  }
  if (unlocked > 0) {
    findings.push({
      state: 'problem',
      what: `${unlocked} keyring documents in ${config.name} are not locked (any more).`,
      means: 'Whoever may delete there can make everything that is sealed under them unreadable.',
      todo,
    });
  }
  const ends = published.flatMap(({ name, lock }) =>
    name.startsWith('keys/scope/') && lock && isLocked(lock) ? [daysUntil(lock.retainUntil)] : [],
  );
  const least = Math.min(...ends);
  if (least < leastDays) {
    findings.push({
      state: 'warning',
      what: `A scope key in ${config.name} is locked for only ${least} more days.`,
      means: 'Locks are renewed weekly by the worker; it has not done so for a month.',
      todo,
    });
  }
  return findings.length > 0
    ? findings
    : [ok(`${config.name} holds all ${documents.length} keyring documents, locked.`)];
}

const isLocked = (lock: { readonly retainUntil: Date } | undefined): boolean =>
  lock !== undefined && lock.retainUntil.getTime() > Date.now();
