import { resolve } from 'node:path';
import { Failure, isFailure } from '../../domain/failures.ts';
import type { SessionKeyFinder } from '../../openpgp/open-message.ts';
import { notedHeads, parseExpectedHead } from '../../recovery/heads.ts';
import { recoveryExitCode } from '../../recovery/judge.ts';
import { type FoundSource, type RepositoryRead, readRepository } from '../../recovery/read-repository.ts';
import { RecoveredIndex } from '../../recovery/recovered-index.ts';
import { withScratch } from '../../recovery/scratch.ts';
import { type RestoreDeps, restoreTree } from '../../restore/restore.ts';
import { countItem, emptySummary, type RestoreSummary } from '../../restore/restored-item.ts';
import { defaultRetryPausesMs } from '../../restore/retry.ts';
import { prefixed } from '../../sealed/names.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { openS3Store } from '../../storage/s3-store.ts';
import { type BucketOptions, bucketStore, plainPrefix } from '../bucket-options.ts';
import { messageKeys } from '../message-keys.ts';
import { readPassword } from '../password.ts';
import { progressText, readingJson, readingLines, rollbackWarnings } from '../recovery-text.ts';
import { type RestoreChoices, requestChoices } from '../restore-options.ts';
import { RestoreReport } from '../restore-report.ts';
import type { Session } from '../session.ts';

export interface RecoverOptions extends BucketOptions, RestoreChoices {
  readonly to: string;
  readonly source?: readonly string[];
  readonly expectHead?: readonly string[];
  readonly repository?: string;
  readonly work?: string;
}

/**
 * Restores sources from nothing but their bucket and a password: no catalog, no configuration, no service. Exit code 0; 3
 * when something could not be brought back; 4 when the bucket lacks or holds something else than was written.
 */
export async function runRecover(session: Session, options: RecoverOptions): Promise<number> {
  const expectedHeads = new Map((options.expectHead ?? []).map(parseExpectedHead));
  const store = await openS3Store(bucketStore(options, session.env));
  const work = options.work === undefined ? undefined : resolve(options.work);
  try {
    return await withScratch(work, async (db) => {
      const opener = await messageKeys(session, options);
      const prefix = plainPrefix(options.prefix);
      await firstContact(store, prefix);
      const read = await readRepository(db, {
        bucket: { store, prefix, signal: session.signal, retryPausesMs: defaultRetryPausesMs },
        bucketName: options.bucket,
        password: await readPassword(session),
        messageKeys: opener,
        ...(options.repository === undefined ? {} : { repositoryId: options.repository }),
        expectedHeads,
        notedHeads: await notedHeads(session.paths.home),
        onProgress: (progress) => session.output.progress(progressText(progress)),
      });
      const sources = chosenSources(read, options.source);
      tell(session, read, sources);
      const index = new RecoveredIndex(db, { destination: store.name, prefix, ids: read.ids });
      const restored = await restoreSources(session, options, { read, sources, index, store, opener });
      // Once more, where it cannot scroll away.
      for (const warning of rollbackWarnings(sources)) session.output.note(warning);
      return recoveryExitCode(read, sources, restored);
    });
  } finally {
    store.close();
  }
}

/** One request without patience: a wrong address, bucket or credential is told before anything else is asked for. */
async function firstContact(store: ObjectStore, prefix: string): Promise<void> {
  try {
    for await (const _ of store.listVersions(prefixed(prefix, 'keys/'))) break;
  } catch (error) {
    if (!isFailure(error, 's3_unavailable')) throw error;
    const { destination = '', reason = '' } = error.facts;
    if (/CERT|TLS|SSL|EPROTO|SIGNATURE/.test(String(reason)))
      throw new Failure('s3_untrusted', { destination, reason }, { cause: error });
    throw error;
  }
}

function chosenSources(read: RepositoryRead, wanted: readonly string[] | undefined): FoundSource[] {
  if (wanted === undefined) return [...read.sources];
  return wanted.map((given) => {
    const id = read.ids.source(given);
    const found = read.sources.find(
      (source) => source.name === given || source.id === given || source.id === id,
    );
    if (found === undefined) {
      const names = read.sources.map(({ name }) => name).join(', ');
      throw new Failure('source_not_found', { source: given, names: names || 'none' });
    }
    // Its name is known now, whether a manifest of it is there or not.
    return found.id === id ? { ...found, name: given } : found;
  });
}

interface Recovery {
  readonly read: RepositoryRead;
  readonly sources: readonly FoundSource[];
  readonly index: RecoveredIndex;
  readonly store: ObjectStore;
  readonly opener: SessionKeyFinder | undefined;
}

async function restoreSources(
  session: Session,
  options: RecoverOptions,
  { read, sources, index, store, opener }: Recovery,
): Promise<RestoreSummary[]> {
  const deps: RestoreDeps = {
    index,
    keys: read.keys,
    stores: new Map([[store.name, store]]),
    messageKeys: opener,
  };
  const summaries: RestoreSummary[] = [];
  for (const { name } of sources.filter(({ entries }) => entries > 0)) {
    const report = new RestoreReport(session, name, options);
    let summary = emptySummary;
    try {
      const items = restoreTree(deps, {
        source: name,
        ...requestChoices(options),
        to: resolve(options.to),
        signal: session.signal,
        onStart: (totals) => report.start(totals),
        onBytes: (count) => report.addBytes(count),
      });
      for await (const item of items) {
        summary = countItem(summary, item);
        report.item(item);
      }
    } catch (error) {
      // What is asked for may be in another source.
      if (!isFailure(error, 'path_unknown')) throw error;
    } finally {
      report.close();
    }
    report.end(summary);
    summaries.push(summary);
  }
  return summaries;
}

function tell({ output }: Session, read: RepositoryRead, sources: readonly FoundSource[]): void {
  output.value({ recovery: readingJson(read, sources) });
  for (const line of readingLines(read, sources)) output.line(line);
  for (const warning of rollbackWarnings(sources)) output.note(warning);
}
