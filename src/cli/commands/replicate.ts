import { setTimeout as sleep } from 'node:timers/promises';
import { auditEvent } from '../../audit/event.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import {
  type CopyPlan,
  type CopyProgress,
  type CopyRequest,
  catalogNow,
  copiesToPlan,
  copyProgress,
  manifestsToPlan,
  planCopies,
  planManifests,
} from '../../catalog/replicate-query.ts';
import type { Config, DestinationConfig } from '../../config.ts';
import { Failure, isFailure } from '../../domain/failures.ts';
import { newRunId } from '../../domain/ids.ts';
import type { Id } from '../../domain/records.ts';
import type { Installation } from '../../installation.ts';
import { manifestName } from '../../manifest/names.ts';
import { throwIfInterrupted } from '../../restore/retry.ts';
import { prefixed } from '../../sealed/names.ts';
import { supervisorStatus } from '../../stack/control.ts';
import { say } from '../../text/voice.ts';
import { bytes, printable } from '../output.ts';
import { type Session, unlock, withCatalog } from '../session.ts';
import { requireSource } from '../target.ts';

export interface ReplicateOptions {
  readonly source?: string;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
}

const pollMs = 1_000;

/**
 * Plans copies of all that lies in one destination and not in the other; the worker makes them. With `--wait` it returns when
 * nothing waits any more. Exit code 3 when something could not be copied. Failures: `destination_unknown`, `source_unknown`.
 */
export async function runReplicate(
  session: Session,
  from: string,
  to: string,
  options: ReplicateOptions,
): Promise<number> {
  const installation = await unlock(session);
  const { config } = installation;
  requireDestination(config, from);
  const target = requireDestination(config, to);
  if (from === to) throw new Failure('usage', { detail: say('copies', 'two_different') });
  return withCatalog(session, async (catalog) => {
    const sourceId = options.source === undefined ? undefined : await requireSource(catalog, options.source);
    const request: CopyRequest = { from, to, sourceId };
    const plan = await copiesToPlan(catalog, request);
    const manifests = await manifestsToPlan(catalog, request);
    if (options.dryRun) {
      session.output.value({ from, to, ...plan, manifests: manifests.length, dryRun: true });
      session.output.line(
        say('copies', 'would_copy', {
          versions: plan.versions,
          bytes: bytes(plan.bytes),
          manifests: manifests.length,
          from: printable(from),
          to: printable(to),
        }),
      );
      return 0;
    }
    const since = await catalogNow(catalog);
    const run = await recordedPlan(session, installation, catalog, request, plan);
    const moved = manifests.map((manifest) => ({
      ...manifest,
      destination: to,
      objectKey: prefixed(target.prefix, manifestName(manifest.sourceId, manifest.number)),
      lockMode: target.lock.mode,
    }));
    await planManifests(catalog, moved);
    await tellIfIdle(session);
    if (!options.wait) {
      await catalog.endRun(run, 'complete', { planned: plan.versions });
      session.output.value({ from, to, runId: run, ...plan, manifests: manifests.length });
      session.output.line(
        say('copies', 'being_copied', {
          versions: plan.versions,
          bytes: bytes(plan.bytes),
          to: printable(to),
        }),
      );
      return 0;
    }
    const ended = await untilCopied(session, catalog, to, since).catch(async (error: unknown) => {
      const result = isFailure(error, 'interrupted') ? 'interrupted' : 'failed';
      await catalog.endRun(run, result, {}).catch(() => {});
      throw error;
    });
    return report(session, catalog, { run, from, to }, ended);
  });
}

function requireDestination({ destinations }: Config, wanted: string): DestinationConfig {
  const found = destinations.find(({ name }) => name === wanted);
  if (found === undefined) throw new Failure('destination_unknown', { destination: wanted });
  return found;
}

/** Plans the copies, with a row in the run log and an audit event. */
async function recordedPlan(
  { actor, output }: Session,
  { config, ids }: Installation,
  catalog: Catalog,
  request: CopyRequest,
  { versions }: CopyPlan,
): Promise<Id> {
  const id = newRunId();
  const { from, to, sourceId } = request;
  const hostId = config.host.id;
  await catalog.startRun({
    id,
    kind: 'replicate',
    hostId,
    actor,
    ...(sourceId === undefined ? {} : { sourceId }),
  });
  const planned = await planCopies(catalog, request, (count) =>
    output.progress(say('copies', 'planned', { count, of: versions })),
  );
  const facts = { what: 'replicate', from, to, planned };
  const event = auditEvent(ids, {
    subject: id,
    step: 'run',
    run: id,
    host: hostId,
    actor,
    source: sourceId,
    facts,
  });
  await catalog.write({ events: [event] });
  return id;
}

async function tellIfIdle({ output, paths }: Session): Promise<void> {
  const status = await supervisorStatus(paths);
  if ((status?.services.worker?.pid ?? 0) === 0) output.note(say('copies', 'no_worker'));
}

async function untilCopied(
  { output, signal }: Session,
  catalog: Catalog,
  to: string,
  since: Date,
): Promise<CopyProgress> {
  const startedMs = performance.now();
  let first: CopyProgress | undefined;
  for (;;) {
    const now = await copyProgress(catalog, to, since);
    first ??= now;
    if (now.waiting === 0 && now.manifests === 0) return now;
    throwIfInterrupted(signal);
    output.progress(progressLine(first, now, (performance.now() - startedMs) / 1_000));
    await sleep(pollMs);
  }
}

function progressLine(first: CopyProgress, now: CopyProgress, seconds: number): string {
  const doneBytes = Math.max(0, first.waitingBytes - now.waitingBytes);
  const rate = seconds > 0 ? doneBytes / seconds : 0;
  const eta = rate > 0 ? say('copies', 'left', { seconds: Math.ceil(now.waitingBytes / rate) }) : '';
  return say('copies', 'to_copy', {
    versions: now.waiting,
    bytes: bytes(now.waitingBytes),
    manifests: now.manifests,
    rate: bytes(rate),
    left: eta,
  });
}

async function report(
  { output }: Session,
  catalog: Catalog,
  { run, from, to }: { readonly run: Id; readonly from: string; readonly to: string },
  { copied, denied, failed }: CopyProgress,
): Promise<number> {
  await catalog.endRun(run, failed > 0 ? 'incomplete' : 'complete', { copied, denied, failed });
  output.value({ summary: { from, to, runId: run, copied, denied, failed } });
  output.line(say('copies', 'copied', { copied, to: printable(to), denied, failed }));
  if (denied > 0) output.line(say('copies', 'which_ones'));
  if (failed > 0) output.line(say('copies', 'tried_again'));
  return failed > 0 ? 3 : 0;
}
