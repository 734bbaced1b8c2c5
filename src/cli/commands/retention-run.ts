import { setTimeout as sleep } from 'node:timers/promises';
import type { Catalog, EndedRun } from '../../catalog/catalog.ts';
import { Failure } from '../../domain/failures.ts';
import { newRunId } from '../../domain/ids.ts';
import type { Id } from '../../domain/records.ts';
import { agreeingClocks } from '../../retention/clocks.ts';
import { openRetained } from '../../retention/open.ts';
import { askForRetention } from '../../retention/start.ts';
import { bytes, printable } from '../output.ts';
import { type Session, unlock, withCatalog, withTemporal } from '../session.ts';
import { type KnownSource, knownSources } from '../target.ts';

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
        await askForRetention(client, config, source.id, { runId, actor: session.actor });
        asked.push({ source, runId });
      }
      let code = 0;
      for (const { source, runId } of asked) {
        if (options.wait)
          code = Math.max(code, report(session, source.name, runId, await ended(session, catalog, runId)));
        else {
          session.output.value({ source: source.name, runId });
          session.output.line(`Retention of ${printable(source.name)} begins.`);
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
    session.output.progress('the worker is at it');
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
    `${printable(source)}: ${extended ?? 0} locks extended, ${expired ?? 0} versions expired, ` +
      `${deleted ?? 0} objects deleted (${bytes(bytesFreed ?? 0)}), ${deferred ?? 0} put off; ${result}`,
  );
  if (paused)
    output.note(
      `holdfast: ${printable(source)} is paused: nothing expires. See \`holdfast retention plan\`.`,
    );
  if (denied)
    output.note(
      `holdfast: ${denied} objects may go, but the retention role may not delete them.\n  → Give it ops/iam/retention.json.`,
    );
  if (refused)
    output.note(
      `holdfast: ${refused} objects are not locked as they must be.\n  → Run \`holdfast verify --all\`.`,
    );
  if (unreachable)
    output.note(
      `holdfast: ${unreachable} objects lie in destinations that did not answer: the next run sees to them.`,
    );
  return result === 'complete' ? 0 : 3;
}
