import { setTimeout as sleep } from 'node:timers/promises';
import type { Catalog, EndedRun } from '../../catalog/catalog.ts';
import { Failure } from '../../domain/failures.ts';
import { newRunId } from '../../domain/ids.ts';
import type { Id } from '../../domain/records.ts';
import { agreeingClocks } from '../../retention/clocks.ts';
import { openRetained } from '../../retention/open.ts';
import { askForRetention } from '../../retention/start.ts';
import { say } from '../../text/voice.ts';
import { bytes, printable } from '../output.ts';
import { type Session, unlock, withCatalog, withTemporal } from '../session.ts';
import { type KnownSource, knownSources } from '../target.ts';
import { word } from '../words.ts';

export interface RetentionRunOptions {
  readonly source?: string;
  readonly wait?: boolean;
}

/** Has the worker run retention. With `--wait` exit code 3 when something could not be done. */
export async function runRetention(session: Session, options: RetentionRunOptions): Promise<number> {
  const installation = await unlock(session);
  const { config } = installation;
  return withCatalog(session, (catalog, where) =>
    withTemporal(installation, where, async (client) => {
      const sources = await knownSources(catalog, options.source);
      // What would end every run is told at once, with what to do.
      const destinations = await openRetained(config, where);
      await agreeingClocks(catalog, destinations).finally(() => {
        for (const { store } of destinations.values()) store.close();
      });
      const asked: { source: KnownSource; runId: Id }[] = [];
      for (const source of sources) {
        const runId = newRunId();
        await askForRetention(client, config, source, { runId, actor: session.actor });
        asked.push({ source, runId });
      }
      let code = 0;
      for (const { source, runId } of asked) {
        if (options.wait)
          code = Math.max(code, report(session, source.name, runId, await ended(session, catalog, runId)));
        else {
          session.output.value({ source: source.name, runId });
          session.output.line(say('retention', 'begins', { source: printable(source.name) }));
        }
      }
      return code;
    }),
  );
}

const pollMs = 300;

async function ended(session: Session, catalog: Catalog, runId: Id): Promise<EndedRun> {
  for (;;) {
    const found = await catalog.endedRun(runId);
    if (found !== undefined) return found;
    session.signal.throwIfAborted();
    session.output.progress(say('retention', 'worker_at_it'));
    await sleep(pollMs);
  }
}

/** Failure `retention_failed`. */
function report({ output }: Session, source: string, runId: Id, { result, totals }: EndedRun): number {
  if (result === 'failed') throw new Failure('retention_failed', { source, run: runId });
  output.value({ source, runId, result, totals });
  const { extended, expired, deleted, bytesFreed, deferred, denied, refused, unreachable, paused } =
    totals as Record<string, number | undefined>;
  output.line(
    say('retention', 'ran', {
      source: printable(source),
      extended: extended ?? 0,
      expired: expired ?? 0,
      deleted: deleted ?? 0,
      bytes: bytes(bytesFreed ?? 0),
      deferred: deferred ?? 0,
      result: word(result),
    }),
  );
  if (paused) output.note(say('retention', 'is_paused', { source: printable(source) }));
  if (denied) output.note(say('retention', 'denied', { count: denied }));
  if (refused) output.note(say('retention', 'refused', { count: refused }));
  if (unreachable) output.note(say('retention', 'unreachable', { count: unreachable }));
  return result === 'complete' ? 0 : 3;
}
