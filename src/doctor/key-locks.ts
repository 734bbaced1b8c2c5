import { documentsToKeep, publishedDocuments } from '../keys/publish.ts';
import { shreddingScopes } from '../keys/shreddings.ts';
import { say } from '../text/voice.ts';
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
  const todo = say('doctor', 'keyring_todo');
  const missing = published.filter(({ versionId }) => versionId === undefined).length;
  const unlocked = published.filter(
    ({ versionId, lock }) => versionId !== undefined && !isLocked(lock),
  ).length;
  const findings: Finding[] = [];
  if (missing > 0) {
    findings.push({
      state: 'problem',
      what: say('doctor', 'keyring_lacks', { name: config.name, missing, of: documents.length }),
      means: say('doctor', 'keyring_lacks_means'),
      todo,
    });
  }
  if (unlocked > 0) {
    findings.push({
      state: 'problem',
      what: say('doctor', 'keyring_unlocked', { count: unlocked, name: config.name }),
      means: say('doctor', 'keyring_unlocked_means'),
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
      what: say('doctor', 'scope_lock_short', { name: config.name, days: least }),
      means: say('doctor', 'scope_lock_means'),
      todo,
    });
  }
  return findings.length > 0
    ? findings
    : [ok(say('doctor', 'keyring_well', { name: config.name, count: documents.length }))];
}

const isLocked = (lock: { readonly retainUntil: Date } | undefined): boolean =>
  lock !== undefined && lock.retainUntil.getTime() > Date.now();
