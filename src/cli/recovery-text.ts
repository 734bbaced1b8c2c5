import { isRolledBack } from '../recovery/judge.ts';
import type { FoundSource, ReadingProgress, RepositoryRead } from '../recovery/read-repository.ts';
import { say } from '../text/voice.ts';
import { localTime, printable } from './output.ts';
import { labelled } from './words.ts';

export function progressText({ phase, done, total }: ReadingProgress): string {
  const count = total === undefined ? String(done) : `${done} ${say('restore', 'of_total', { total })}`;
  return labelled(say('restore', `phase_${phase}`), count);
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
    say('restore', 'repository', {
      id: keyring.root.repositoryId,
      holder: keyring.holder,
      opened: keyring.openedGeneration,
      newest: keyring.newestGeneration,
    }),
    say('restore', 'read', {
      versions: say('restore', 'object_versions', { count: listing.versions }),
      manifests: say('restore', 'manifests', { count: manifests.manifests }),
      markers: say('restore', 'delete_markers', { count: listing.deleteMarkers }),
    }),
    ...sources.map(headLine),
    ...adoptionLines(read),
    ...garbageLines(read),
    ...read.unreadable.map(({ keyId, rows, objects }) =>
      say('restore', 'key_absent', {
        key: keyId,
        rows: say('restore', 'versions', { count: rows }),
        objects: say('restore', 'objects', { count: objects }),
      }),
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
        ? say('restore', 'forked', { source: printable(name) })
        : say('restore', 'older_state', {
            source: printable(name),
            head:
              head === undefined
                ? say('restore', 'head_gone')
                : say('restore', 'head_is', { number: head.number }),
          }),
    );
}

function headLine({ name, head, entries }: FoundSource): string {
  if (head === undefined) {
    return say('restore', 'no_manifest', {
      source: printable(name),
      by_id: entries > 0 ? say('restore', 'by_its_id') : '',
      entries: say('restore', 'entries', { count: entries }),
    });
  }
  return say('restore', 'head', {
    source: printable(name),
    entries: say('restore', 'entries', { count: entries }),
    number: head.number,
    at: localTime(new Date(head.createdAt)),
  });
}

function adoptionLines({ adoption }: RepositoryRead): string[] {
  const { adopted, messages } = adoption;
  return [
    ...(adopted > 0 ? [say('restore', 'adopted', { count: adopted })] : []),
    ...(messages > 0
      ? [say('restore', 'messages', { messages: say('restore', 'openpgp_messages', { count: messages }) })]
      : []),
  ];
}

function garbageLines({ manifests, adoption, refusedDocuments }: RepositoryRead): string[] {
  const kinds = [
    [refusedDocuments, say('restore', 'keyring_documents')],
    [manifests.refused, say('restore', 'manifests_refused')],
    [adoption.garbage, say('restore', 'sealed_files')],
    [manifests.contradictory, say('restore', 'manifest_rows')],
  ] as const;
  const told = kinds
    .filter(([count]) => count > 0)
    .map(([count, what]) => say('restore', 'under_names', { count, what }));
  if (told.length === 0) return [];
  return [say('restore', 'passed_over', { each: told.join(', ') })];
}

function missingLines({ name, gaps, older, lost }: FoundSource): string[] {
  const open = gaps.filter(({ covered }) => !covered);
  return [
    ...open.map(({ after, before }) =>
      say('restore', 'manifests_missing', { source: printable(name), after, before }),
    ),
    ...(older > 0
      ? [
          say('restore', 'newest_lost', {
            source: printable(name),
            entries: say('restore', 'entries', { count: older }),
          }),
        ]
      : []),
    ...(lost > 0
      ? [
          say('restore', 'all_lost', {
            source: printable(name),
            entries: say('restore', 'entries', { count: lost }),
          }),
        ]
      : []),
  ];
}
