import { Failure } from '../../domain/failures.ts';
import { askLines } from '../../stack/line-socket.ts';
import { workerSocket } from '../../stack/paths.ts';
import type { StartedSweep, SweepAnswer, SweepRequest, SweptSource } from '../../sweep/request.ts';
import { say } from '../../text/voice.ts';
import { bytes, printable } from '../output.ts';
import type { Session } from '../session.ts';
import { countOf, word } from '../words.ts';

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
 * failed or could not be looked at, or when more is gone than may count as deleted. Failure `sweep_failed`.
 */
export async function runSweep(session: Session, source: string, options: SweepOptions): Promise<number> {
  const { output } = session;
  const { wait = false, confirmDeletions = false } = options;
  const tellStarted = ({ runId }: StartedSweep): void => {
    if (wait && runId === null) output.note(say('files', 'sweep_waits', { source: printable(source) }));
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
      ? say('files', 'sweep_started', { source: printable(source) })
      : say('files', 'sweep_under_way', { source: printable(source) }),
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
    if (answer.is === 'progress') output.progress(say('files', 'settled', { count: answer.settled }));
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
  if (result === 'failed' || result === 'interrupted') throw new Failure('sweep_failed', { run: runId });
  const counts = shown.filter((name) => totals[name]).map((name) => countOf(totals[name] ?? 0, name));
  output.line(
    say('files', 'swept', {
      count: totals.seen ?? 0,
      source: printable(source),
      what: counts.join(', ') || word('none'),
    }),
  );
  output.line(
    say('files', 'swept_bytes', {
      read: bytes(totals.bytesRead ?? 0),
      sent: bytes(totals.bytesSent ?? 0),
      seconds: totals.seconds ?? 0,
      result: word(result),
    }),
  );
  const { refusedDeletions = 0 } = totals;
  if (refusedDeletions > 0) {
    output.note(say('files', 'deletions_refused', { count: refusedDeletions, source: printable(source) }));
  }
  if (pinnedAt !== null) {
    const { restoreCommand } = await import('../../retention/mass-change.ts');
    output.note(
      say('files', 'mass_change', {
        source: printable(source),
        command: restoreCommand(source, new Date(pinnedAt)),
      }),
    );
  }
  return refusedDeletions + (totals.failed ?? 0) + (totals.unreachable ?? 0) > 0 ? 3 : 0;
}
