import { isRolledBack } from '../recovery/judge.ts';
import type { FoundSource, ReadingProgress, RepositoryRead } from '../recovery/read-repository.ts';
import { localTime, printable } from './output.ts';

const phases: Readonly<Record<ReadingProgress['phase'], string>> = {
  list: 'listing object versions',
  keyring: 'reading the keyring',
  manifests: 'reading manifests',
  packs: 'looking into packs',
  adopt: 'looking at objects that no manifest lists',
  locate: 'finding objects under other version ids',
};

export function progressText({ phase, done, total }: ReadingProgress): string {
  return `${phases[phase]}: ${done}${total === undefined ? '' : ` of ${total}`}`;
}

/** What was read back from a bucket, as `--json` gives it. */
export function readingJson(read: RepositoryRead, sources: readonly FoundSource[]): object {
  const { keyring, listing, manifests, adoption, unreadable, refusedDocuments } = read;
  const { root, holder, openedGeneration, newestGeneration, standing } = keyring;
  return {
    repository: root.repositoryId,
    keyring: { holder, openedGeneration, newestGeneration, standing, refusedDocuments },
    listing: { versions: listing.versions, deleteMarkers: listing.deleteMarkers, others: listing.others },
    manifests,
    adoption,
    unreadable,
    sources,
  };
}

/** What was read back from a bucket, for people: the repository first, then each source, then what is wrong. */
export function readingLines(read: RepositoryRead, sources: readonly FoundSource[]): string[] {
  const { keyring, listing, manifests } = read;
  return [
    `Repository ${keyring.root.repositoryId}, opened with the password of ${keyring.holder} (keyring ${keyring.openedGeneration} of ${keyring.newestGeneration}).`,
    `${counted(listing.versions, 'object version')} listed, ${counted(manifests.manifests, 'manifest')} read; ${counted(listing.deleteMarkers, 'delete marker')} ignored.`,
    ...sources.map(headLine),
    ...adoptionLines(read),
    ...garbageLines(read),
    ...read.unreadable.map(
      ({ keyId, rows, objects }) =>
        `unreadable: key ${keyId} absent: it covers ${counted(rows, 'version')} in manifests and ${counted(objects, 'object')} that no manifest lists. If its scope was shredded, this is what that did.`,
    ),
    ...sources.flatMap(missingLines),
  ];
}

/** What must not be overlooked: the bucket is not what it was. */
export function rollbackWarnings(sources: readonly FoundSource[]): string[] {
  return sources
    .filter(({ rollback }) => isRolledBack(rollback))
    .map(({ name, rollback, head }) =>
      rollback === 'forked'
        ? `WARNING: the manifests of ${printable(name)} are not the ones that are known to have been written. Somebody replaced them, or another machine wrote to this bucket after its catalog was lost.`
        : `WARNING: the bucket holds AN OLDER STATE of ${printable(name)} than the one known: its newest manifest ${head === undefined ? 'is gone' : `is number ${head.number}`}. Newer ones were withheld or deleted. What is there is restored; files protected after it are taken from their own metadata.`,
    );
}

function headLine({ name, head, entries }: FoundSource): string {
  if (head === undefined) {
    return `${printable(name)}: no manifest of it is there${entries > 0 ? ', so it goes by its id' : ''}; ${counted(entries, 'entry', 'entries')}.`;
  }
  return `${printable(name)}: ${counted(entries, 'entry', 'entries')}; its newest manifest is number ${head.number} of ${localTime(new Date(head.createdAt))}. Duplicates, renames, folders, links and deletions of the minute after it may be missing.`;
}

function adoptionLines({ adoption }: RepositoryRead): string[] {
  const { adopted, messages } = adoption;
  return [
    ...(adopted > 0
      ? [
          `${counted(adopted, 'sealed file')} that no manifest lists ${adopted === 1 ? 'was' : 'were'} adopted from what they say of themselves; whether they were scanned is not known.`,
        ]
      : []),
    ...(messages > 0
      ? [
          `${counted(messages, 'OpenPGP message')} that no manifest lists: nothing says where they belong. gpg --decrypt opens them.`,
        ]
      : []),
  ];
}

function garbageLines({ manifests, adoption, refusedDocuments }: RepositoryRead): string[] {
  const kinds = [
    [refusedDocuments, 'keyring documents'],
    [manifests.refused, 'manifests'],
    [adoption.garbage, 'sealed files'],
    [manifests.contradictory, 'rows of manifests'],
  ] as const;
  const told = kinds.filter(([count]) => count > 0).map(([count, what]) => `${count} under names of ${what}`);
  if (told.length === 0) return [];
  return [`Passed over, because they do not authenticate as what their names say: ${told.join(', ')}.`];
}

function missingLines({ name, gaps, older, lost }: FoundSource): string[] {
  const open = gaps.filter(({ covered }) => !covered);
  return [
    ...open.map(
      ({ after, before }) =>
        `${printable(name)}: manifests between number ${after} and ${before} are missing, and no complete checkpoint follows: what only they listed is known from the files themselves at best.`,
    ),
    ...(older > 0
      ? [
          `${printable(name)}: the newest version of ${counted(older, 'entry', 'entries')} has lost its object; an earlier one is given instead.`,
        ]
      : []),
    ...(lost > 0
      ? [`${printable(name)}: no object of ${counted(lost, 'entry', 'entries')} is there any more.`]
      : []),
  ];
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
