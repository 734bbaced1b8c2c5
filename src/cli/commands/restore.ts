import { resolve } from 'node:path';
import { catalogIndex } from '../../catalog/restore-query.ts';
import { Failure } from '../../domain/failures.ts';
import type { Id } from '../../domain/records.ts';
import { recordedRestore } from '../../restore/recorded-run.ts';
import { type RestoreDeps, type RestoreRequest, restoreTree } from '../../restore/restore.ts';
import {
  countItem,
  emptySummary,
  type RestoreSummary,
  restoreExitCode,
} from '../../restore/restored-item.ts';
import { say } from '../../text/voice.ts';
import { exactPath } from '../exact-path.ts';
import { messageKeys } from '../message-keys.ts';
import { type RestoreChoices, requestChoices } from '../restore-options.ts';
import { RestoreReport } from '../restore-report.ts';
import { requireReader, type Session, unlock, withCatalog } from '../session.ts';
import { openStores } from '../stores.ts';
import { parseTarget, requireSource, type Target } from '../target.ts';

export interface RestoreOptions extends RestoreChoices {
  readonly to: string;
  /** Id of a version. */
  readonly version?: Id;
}

/**
 * Restores `<source>[:path]` below a folder. Exit code 0; 3 when an entry could not be restored; 4 when its sealed bytes
 * are missing or not what was written. What was never protected is told and counts as no failure.
 */
export async function runRestore(session: Session, target: string, options: RestoreOptions): Promise<number> {
  const wanted = parseTarget(target);
  requireOneEntry(wanted, options);
  const installation = await unlock(session);
  if (options.openpgpKey === undefined) requireReader(installation.config);
  const { config, keys, ids } = installation;
  return withCatalog(session, async (catalog, where) => {
    const sourceId = await requireSource(catalog, wanted.source);
    const stores = await openStores(config, where);
    const deps: RestoreDeps = {
      index: catalogIndex(catalog),
      keys,
      stores,
      messageKeys: await messageKeys(session, options, config.openpgp?.passphraseFile),
    };
    const report = new RestoreReport(session, wanted.source, options);
    const request: RestoreRequest = {
      source: wanted.source,
      ...(wanted.path && { path: await exactPath(catalog, sourceId, wanted.path) }),
      ...requestChoices(options),
      ...(options.version === undefined ? {} : { versionId: options.version }),
      to: resolve(options.to),
      signal: session.signal,
      onStart: (totals) => report.start(totals),
      onBytes: (count) => report.addBytes(count),
    };
    try {
      const summary = options.dryRun
        ? await dryRun(deps, request, report)
        : await recordedRestore(
            deps,
            request,
            { catalog, ids, hostId: config.host.id, actor: session.actor },
            (item) => report.item(item),
          );
      report.end(summary);
      return restoreExitCode(summary);
    } finally {
      report.close();
      for (const store of stores.values()) store.close();
    }
  });
}

function requireOneEntry({ path }: Target, { version, at }: RestoreOptions): void {
  if (version === undefined) return;
  if (path === undefined) {
    throw new Failure('usage', { detail: say('restore', 'one_entry') });
  }
  if (at !== undefined) throw new Failure('usage', { detail: say('restore', 'at_or_version') });
}

async function dryRun(
  deps: RestoreDeps,
  request: RestoreRequest,
  report: RestoreReport,
): Promise<RestoreSummary> {
  let summary = emptySummary;
  for await (const item of restoreTree(deps, { ...request, dryRun: true })) {
    summary = countItem(summary, item);
    report.item(item);
  }
  return summary;
}
