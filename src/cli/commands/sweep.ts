import { Failure } from '../../domain/failures.ts';
import { askLines } from '../../stack/line-socket.ts';
import { workerSocket } from '../../stack/paths.ts';
import type { StartedSweep, SweepAnswer, SweepRequest, SweptSource } from '../../sweep/request.ts';
import { bytes, printable } from '../output.ts';
import type { Session } from '../session.ts';

export interface SweepOptions {
  readonly wait?: boolean;
  readonly confirmDeletions?: boolean;
}

/** A sweep as far as a command has followed it. */
export interface FollowedSweep extends StartedSweep {
  /** Undefined while it is under way. */
  readonly swept?: SweptSource;
}

/**
 * Starts a sweep of a source or, with `--wait`, joins the one under way, and tells how it ended. Exit code 3 when entries
 * failed or could not be looked at, or when more is gone than may count as deleted.
 */
export async function runSweep(session: Session, source: string, options: SweepOptions): Promise<number> {
  const { output } = session;
  const { wait = false, confirmDeletions = false } = options;
  const tellStarted = ({ runId }: StartedSweep): void => {
    if (wait && runId === null)
      output.note(`holdfast: A sweep of ${printable(source)} is under way already. Waiting for it.`);
  };
  // Keys, catalog and cluster take several times as long to open as the worker, which has them, takes to sweep what did not change.
  const asked = confirmDeletions ? undefined : await askWorker(session, source, wait, tellStarted);
  const isDone = asked !== undefined && (!wait || asked.swept !== undefined);
  const followed = isDone
    ? asked
    : await (await import('../sweep-directly.ts')).sweepDirectly(
        session,
        source,
        options,
        asked,
        tellStarted,
      );
  const { runId, swept } = followed;
  if (swept !== undefined) return report(session, source, swept);
  output.value({ source, runId, started: runId !== null });
  output.line(
    runId !== null
      ? `A sweep of ${printable(source)} has started.`
      : `A sweep of ${printable(source)} is under way already.`,
  );
  return 0;
}

/** How far the worker of this installation has brought it; undefined when none runs, or it cannot tell. */
async function askWorker(
  { paths, actor, output, signal }: Session,
  source: string,
  wait: boolean,
  onStarted: (started: StartedSweep) => void,
): Promise<FollowedSweep | undefined> {
  const until = wait ? 'ended' : 'started';
  const request: SweepRequest = { source, actor, until, progress: output.tellsProgress };
  let followed: FollowedSweep | undefined;
  for await (const line of askLines(workerSocket(paths), request, signal)) {
    const answer = JSON.parse(line) as SweepAnswer;
    if (answer.is === 'refused') {
      if (answer.failure !== undefined) throw new Failure(answer.failure.code, answer.failure.facts);
      return followed;
    }
    if (answer.is === 'started') {
      followed = { runId: answer.runId };
      onStarted(followed);
      if (!wait) return followed;
    }
    if (answer.is === 'progress') output.progress(`${answer.settled} entries have their outcome`);
    if (answer.is === 'ended' && followed !== undefined) return { ...followed, swept: answer };
  }
  return followed;
}

const shown = [
  'uploaded',
  'duplicate',
  'unchanged',
  'ignored',
  'deleted',
  'vanished',
  'held',
  'quarantined',
  'failed',
  'unreachable',
];

async function report(
  { output }: Session,
  source: string,
  { runId, result, totals, pinnedAt }: SweptSource,
): Promise<number> {
  output.value({ source, runId, result, totals });
  const counts = shown.filter((name) => totals[name]).map((name) => `${totals[name]} ${name}`);
  output.line(`${totals.seen ?? 0} entries of ${printable(source)}: ${counts.join(', ') || 'none'}`);
  output.line(
    `${bytes(totals.bytesRead ?? 0)} read, ${bytes(totals.bytesSent ?? 0)} sent, ${totals.seconds ?? 0} s; ${result}`,
  );
  const { refusedDeletions = 0 } = totals;
  if (refusedDeletions > 0) {
    output.note(
      `holdfast: ${refusedDeletions} entries are gone. That is more than goes unnoticed, so none of them counts as deleted.\n` +
        `  → Look whether the source is whole. If they were meant to go: holdfast sweep ${printable(source)} --wait --confirm-deletions`,
    );
  }
  if (pinnedAt !== null) {
    const { restoreCommand } = await import('../../retention/mass-change.ts');
    output.note(
      `holdfast: WARNING: too much of ${printable(source)} changed or went at once. Nothing of it expires any more.\n` +
        `  → What stood before comes back with: ${restoreCommand(source, new Date(pinnedAt))}\n` +
        `  → If all is well: holdfast retention resume ${printable(source)} --reason …`,
    );
  }
  return refusedDeletions + (totals.failed ?? 0) + (totals.unreachable ?? 0) > 0 ? 3 : 0;
}
