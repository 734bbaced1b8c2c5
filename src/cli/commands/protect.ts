import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Catalog, EntryRef } from '../../catalog/catalog.ts';
import { type Failure, type FailureCode, isFailure } from '../../domain/failures.ts';
import { newRunId } from '../../domain/ids.ts';
import type { EntryKind, Id } from '../../domain/records.ts';
import type { Skip } from '../../files/filter.ts';
import { groupOf, type Installation } from '../../installation.ts';
import { openSource, type WalkedSource } from '../../sources.ts';
import { filesQueue } from '../../temporal/names.ts';
import { say } from '../../text/voice.ts';
import { type Compared, compareTree } from '../../watcher/compare.ts';
import { Dispatcher } from '../../watcher/dispatcher.ts';
import { recordSkips, type Skipped } from '../../watcher/skips.ts';
import { Unsettled } from '../../watcher/unsettled.ts';
import { chosenPaths } from '../chosen-paths.ts';
import { bytes, localTime, printable } from '../output.ts';
import { countOutcomes, type FileRow, pathFields, rowsTable, standingRows, worstFirst } from '../rows.ts';
import { type Session, sessionConfig, unlock, withCatalog, withTemporal } from '../session.ts';
import { countOf } from '../words.ts';

export interface ProtectOptions {
  readonly wait?: boolean;
  readonly dryRun?: boolean;
}

/** Protects paths now: what changed below them goes through the pipeline, one workflow per entry. */
export async function runProtect(
  session: Session,
  paths: readonly string[],
  options: ProtectOptions,
): Promise<number> {
  const chosen = chosenPaths(sessionConfig(session).sources, paths);
  const installation = await unlock(session);
  return withCatalog(session, async (catalog, where) => {
    const targets = await openTargets(session, installation, catalog, chosen);
    if (options.dryRun) return dryRun(session, installation, catalog, targets);
    return withTemporal(installation, where, (client) =>
      protect(session, installation, catalog, client, targets, options),
    );
  });
}

/** A source with the paths inside it that were named; the empty path is the whole source. */
interface Target {
  readonly source: WalkedSource;
  readonly only: readonly Buffer[];
}

async function openTargets(
  { paths }: Session,
  { config, ids }: Installation,
  catalog: Catalog,
  chosen: ReadonlyMap<string, readonly Buffer[]>,
): Promise<Target[]> {
  return Promise.all(
    [...chosen].map(async ([name, only]) => ({
      source: await openSource(config, ids, catalog, name, paths.home),
      only,
    })),
  );
}

async function* compareTargets(
  targets: readonly Target[],
  catalog: Catalog,
  installation: Installation,
): AsyncGenerator<Compared & { source: WalkedSource }> {
  for (const { source, only } of targets) {
    const whole = only.some((path) => path.length === 0);
    for await (const found of compareTree(source, catalog, installation.ids, whole ? undefined : only)) {
      yield { ...found, source };
    }
  }
}

/** Everything met by one run of protect. */
interface Met {
  readonly entry: EntryRef;
  readonly source: string;
  readonly kind: EntryKind;
  readonly skip?: Skip;
}

const pageEntries = 500;

async function protect(
  session: Session,
  installation: Installation,
  catalog: Catalog,
  client: Client,
  targets: readonly Target[],
  options: ProtectOptions,
): Promise<number> {
  const { config, ids } = installation;
  const run = { id: newRunId(), hostId: config.host.id };
  await catalog.startRun({ ...run, kind: 'protect', actor: session.actor });
  const lanes = new Map(
    config.sources.map(({ name }) => {
      const queue = () => filesQueue(groupOf(config, name));
      const dispatcher = new Dispatcher(catalog, client, config, queue);
      return [ids.source(name), { dispatcher, unsettled: new Unsettled(catalog, dispatcher, run.id) }];
    }),
  );
  const met = new Map<Id, Met>();
  const handedOver = new Set<Id>();
  const skips: Skipped[] = [];
  let unreachable = 0;
  let page: EntryRef[] = [];
  const handOver = async (): Promise<void> => {
    for (const [sourceId, { dispatcher, unsettled }] of lanes) {
      const entries = page.filter((entry) => entry.sourceId === sourceId);
      const given = await waitingOut(session, () => dispatcher.dispatch(entries, run.id));
      for (const id of given.keys()) handedOver.add(id);
      unsettled.add(given);
    }
    page = [];
    session.output.progress(say('files', 'seen_to_protect', { seen: met.size, due: handedOver.size }));
  };
  for await (const found of compareTargets(targets, catalog, installation)) {
    session.signal.throwIfAborted();
    if (found.is === 'unreachable') {
      unreachable++;
      const where = `${found.source.config.name}:${found.path.toString('utf8')}`;
      session.output.note(say('files', 'cannot_look', { code: found.code, path: printable(where) }));
      continue;
    }
    const kind = 'kind' in found ? found.kind : 'file';
    met.set(found.entry.id, {
      entry: found.entry,
      source: found.source.config.name,
      kind,
      ...(found.is === 'skipped' ? { skip: found.skip } : {}),
    });
    if (found.is === 'skipped') skips.push({ entry: found.entry, skip: found.skip });
    if (found.is === 'due' || found.is === 'gone') page.push(found.entry);
    if (page.length >= pageEntries) await handOver();
  }
  await handOver();
  await waitingOut(session, () => recordSkips(catalog, ids, run, skips));

  if (options.wait) for (const { unsettled } of lanes.values()) await untilSettled(session, unsettled);
  const rows = await waitingOut(session, () =>
    resultRows(catalog, met, handedOver, run.id, options.wait === true),
  );
  report(session, rows, unreachable);
  const counts = countOutcomes(rows);
  const failed = (counts.failed ?? 0) + unreachable;
  const result = options.wait ? (failed > 0 ? 'complete with warnings' : 'complete') : 'incomplete';
  await waitingOut(session, () => catalog.endRun(run.id, result, { seen: met.size, unreachable, ...counts }));
  return failed > 0 ? 3 : 0;
}

function untilSettled(session: Session, unsettled: Unsettled): Promise<void> {
  const all = unsettled.size;
  return unsettled.drain(0, {
    signal: session.signal,
    calling: (call) => waitingOut(session, call),
    onProgress: (left) => session.output.progress(say('files', 'done_of', { done: all - left, count: all })),
  });
}

/** What may go away in the middle of a run and come back. */
const outages: readonly FailureCode[] = ['catalog_unavailable', 'temporal_unavailable'];
const longestPauseMs = 5_000;

/** Does the work, again and again while something it needs is away; says so once. */
async function waitingOut<T>(session: Session, work: () => Promise<T>): Promise<T> {
  for (let pauseMs = 250; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await work();
    } catch (error) {
      if (!outages.some((code) => isFailure(error, code))) throw error;
      if (pauseMs === 250)
        session.output.note(say('files', 'waiting_for', { message: (error as Failure).message }));
      session.signal.throwIfAborted();
      await sleep(pauseMs);
    }
  }
}

async function resultRows(
  catalog: Catalog,
  met: ReadonlyMap<Id, Met>,
  handedOver: ReadonlySet<Id>,
  runId: Id,
  waited: boolean,
): Promise<FileRow[]> {
  const ids = [...met.keys()];
  const rows: FileRow[] = [];
  for (let at = 0; at < ids.length; at += pageEntries) {
    const slice = ids.slice(at, at + pageEntries);
    const standing = await standingRows(catalog, slice, runId);
    for (const id of slice) {
      const entry = met.get(id);
      const row = standing.get(id);
      if (entry === undefined) continue;
      if (entry.skip) rows.push(skippedRow(entry, entry.skip));
      else if (row !== undefined && (waited || !handedOver.has(id))) {
        // Tombstones only where this run made them.
        if (row.outcome !== 'deleted' || !row.unchanged) rows.push(row);
      } else rows.push(pendingRow(entry));
    }
  }
  return rows.sort(worstFirst);
}

const nothingYet = { reason: null, versionId: null, objectKey: null, workflowId: null, placements: [] };

function pendingRow({ entry, source, kind }: Met): FileRow {
  return { source, ...pathFields(entry.path), kind, outcome: null, ...nothingYet, unchanged: false };
}

function skippedRow({ entry, source, kind }: Met, skip: Skip): FileRow {
  return {
    source,
    ...pathFields(entry.path),
    kind,
    outcome: 'ignored',
    ...nothingYet,
    reason: skip.reason,
    unchanged: false,
  };
}

function report({ output }: Session, rows: readonly FileRow[], unreachable: number): void {
  for (const row of rows) output.value(row);
  if (rows.length > 0) output.line(rowsTable(rows));
  const counts = Object.entries(countOutcomes(rows)).map(([outcome, count]) => countOf(count, outcome));
  const unchanged = rows.filter((row) => row.unchanged).length;
  if (unchanged > 0) counts.push(countOf(unchanged, 'unchanged'));
  if (unreachable > 0) counts.push(countOf(unreachable, 'unreachable'));
  output.line(
    say('files', 'protected', {
      count: rows.length,
      what: counts.join(', ') || say('files', 'nothing_to_protect'),
    }),
  );
}

/** What would be taken, what not and why, and how many bytes would be locked until when; nothing is written. */
async function dryRun(
  session: Session,
  installation: Installation,
  catalog: Catalog,
  targets: readonly Target[],
): Promise<number> {
  const { output } = session;
  const totals = { due: 0, unchanged: 0, skipped: 0, gone: 0, unreachable: 0, bytes: 0 };
  for await (const found of compareTargets(targets, catalog, installation)) {
    session.signal.throwIfAborted();
    totals[found.is]++;
    if (found.is === 'due') totals.bytes += found.sizeBytes;
    const path = found.is === 'unreachable' ? found.path : found.entry.path;
    const reason =
      found.is === 'skipped' ? found.skip.reason : found.is === 'unreachable' ? found.code : null;
    const rule = found.is === 'skipped' ? found.skip.rule : null;
    const name = found.source.config.name;
    output.value({
      source: name,
      ...pathFields(path),
      kind: 'kind' in found ? found.kind : null,
      would: wouldBe[found.is],
      reason,
      rule,
      sizeBytes: 'sizeBytes' in found ? found.sizeBytes : 0,
    });
    if (found.is !== 'unchanged') {
      const why = reason === null ? '' : ` (${[reason, rule].filter(Boolean).join(', ')})`;
      output.line(`${wouldBe[found.is].padEnd(9)}  ${printable(`${name}:${path.toString('utf8')}`)}${why}`);
    }
  }
  const [destination] = installation.config.destinations;
  const days = destination?.lock.days ?? 0;
  const lockedUntil = new Date(Date.now() + days * 86_400_000);
  output.value({
    summary: {
      ...totals,
      lockMode: destination?.lock.mode,
      lockDays: days,
      lockedUntil: lockedUntil.toISOString(),
    },
  });
  output.line(
    say('files', 'dry_run', {
      due: totals.due,
      bytes: bytes(totals.bytes),
      unchanged: totals.unchanged,
      skipped: totals.skipped,
      gone: totals.gone,
      unreachable: totals.unreachable,
    }),
  );
  output.line(
    say('files', 'dry_run_lock', { mode: String(destination?.lock.mode), until: localTime(lockedUntil) }),
  );
  return 0;
}

const wouldBe = {
  due: 'protect',
  unchanged: 'unchanged',
  skipped: 'skip',
  gone: 'delete',
  unreachable: 'unknown',
} as const;
