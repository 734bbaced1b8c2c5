import { isUtf8 } from 'node:buffer';
import { join, resolve } from 'node:path';
import { catalogIndex } from '../../catalog/restore-query.ts';
import { recordedRestore } from '../../restore/recorded-run.ts';
import { type RestoreDeps, type RestoreRequest, restoreTree } from '../../restore/restore.ts';
import type { RestoreTotals } from '../../restore/restore-index.ts';
import {
  countItem,
  emptySummary,
  type RestoredItem,
  type RestoreSummary,
  restoreExitCode,
} from '../../restore/restored-item.ts';
import { openS3Store } from '../../storage/s3-store.ts';
import { bytes, printable } from '../output.ts';
import { type Session, unlock, withCatalog } from '../session.ts';
import { parseTarget, requireSource } from '../target.ts';

export interface RestoreOptions {
  readonly to: string;
  readonly dryRun?: boolean;
}

/**
 * Restores `<source>[:path]` below a folder. Exit code 0; 3 when an entry could not be restored; 4 when its sealed bytes
 * are missing or not what was written. What was never protected is told and counts as no failure.
 */
export async function runRestore(session: Session, target: string, options: RestoreOptions): Promise<number> {
  const wanted = parseTarget(target);
  const installation = await unlock(session);
  const { config, keys, ids } = installation;
  return withCatalog(session, async (catalog, where) => {
    await requireSource(catalog, wanted.source);
    const stores = new Map(
      await Promise.all(
        config.destinations.map(
          async (destination) =>
            [destination.name, await openS3Store(where.s3(destination, 'agent'))] as const,
        ),
      ),
    );
    const deps: RestoreDeps = { index: catalogIndex(catalog), keys, stores };
    const report = new Report(session, wanted.source, options);
    const request: RestoreRequest = {
      ...wanted,
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

async function dryRun(deps: RestoreDeps, request: RestoreRequest, report: Report): Promise<RestoreSummary> {
  let summary = emptySummary;
  for await (const item of restoreTree(deps, { ...request, dryRun: true })) {
    summary = countItem(summary, item);
    report.item(item);
  }
  return summary;
}

/** How often the progress line changes. */
const progressEveryMs = 200;

/** What a restore says while it runs and when it ends. */
export class Report {
  private readonly session: Session;
  private readonly source: string;
  private readonly options: RestoreOptions;
  private readonly startedMs = Date.now();
  private readonly timer: NodeJS.Timeout;
  private totals: RestoreTotals | undefined;
  private entries = 0;
  private byteCount = 0;

  constructor(session: Session, source: string, options: RestoreOptions) {
    this.session = session;
    this.source = source;
    this.options = options;
    this.timer = setInterval(() => this.progress(), progressEveryMs);
  }

  start(totals: RestoreTotals): void {
    this.totals = totals;
  }

  addBytes(count: number): void {
    this.byteCount += count;
  }

  item(item: RestoredItem): void {
    this.entries++;
    const { output } = this.session;
    output.value(jsonItem(this.source, this.options.to, item));
    const isNews = item.reason !== undefined || item.older !== undefined || item.result === 'conflict';
    if (isNews || this.options.dryRun) output.line(textLine(this.source, this.options.to, item));
  }

  end(summary: RestoreSummary): void {
    const { output } = this.session;
    const { dryRun = false, to } = this.options;
    const { entries, restored, unchanged, conflict, failed, missing, older } = summary;
    output.value({ summary: { ...summary, dryRun } });
    output.line(
      `${entries} entries of ${printable(this.source)} ${dryRun ? 'would be restored' : 'restored'} to ${printable(to)}: ` +
        `${restored} new, ${unchanged} already there, ${conflict} under another name, ${failed} failed, ` +
        `${missing} never protected, ${older} from an earlier version; ${bytes(summary.bytes)} in ${seconds(this.elapsedMs())}`,
    );
  }

  close(): void {
    clearInterval(this.timer);
  }

  private progress(): void {
    const { totals, entries, byteCount } = this;
    if (totals === undefined) return;
    const rate = byteCount / (this.elapsedMs() / 1_000);
    const left = rate > 0 ? `, ${seconds((Math.max(totals.bytes - byteCount, 0) / rate) * 1_000)} left` : '';
    this.session.output.progress(
      `${entries} of ${totals.entries} entries, ${bytes(byteCount)} of ${bytes(totals.bytes)}, ${bytes(Math.round(rate))}/s${left}`,
    );
  }

  private elapsedMs(): number {
    return Math.max(Date.now() - this.startedMs, 1);
  }
}

/** The row of `--json`; names that are not UTF-8 are also given exactly, as base64. */
export function jsonItem(source: string, to: string, item: RestoredItem): object {
  const { path, kind, result, target, reason, older, versionId } = item;
  return {
    source,
    path: path.toString('utf8'),
    ...(isUtf8(path) ? {} : { pathBytes: path.toString('base64') }),
    kind: kind ?? null,
    result,
    ...(target === undefined ? {} : { target: join(to, target.toString('utf8')) }),
    ...(reason === undefined ? {} : { reason }),
    ...(older === undefined ? {} : { older }),
    versionId: versionId ?? null,
  };
}

function textLine(source: string, to: string, item: RestoredItem): string {
  const target = item.target === undefined ? '' : ` → ${printable(join(to, item.target.toString('utf8')))}`;
  const older = item.older === undefined ? '' : ` (an earlier version: the newest is ${item.older})`;
  const reason = item.reason === undefined ? '' : ` (${item.reason})`;
  return `${item.result.padEnd(9)}  ${printable(`${source}:${item.path.toString('utf8')}`)}${target}${reason}${older}`;
}

function seconds(ms: number): string {
  const whole = Math.ceil(ms / 1_000);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
