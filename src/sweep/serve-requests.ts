import { isFailure } from '../domain/failures.ts';
import type { Ids } from '../domain/ids.ts';
import { type LineServer, serveLines } from '../stack/line-socket.ts';
import { type SweepDesk, startOrJoin, untilSwept } from './await-sweep.ts';
import type { SweepAnswer, SweepRequest } from './request.ts';

export interface RequestsDeps extends SweepDesk {
  readonly ids: Ids;
  /** Told of what went wrong that the one who asked is not told. */
  readonly onError: (error: unknown) => void;
}

/**
 * Serves sweeps to whoever may open this user's sockets: what the schedule does by itself needs no password. Deletions are
 * confirmed with one, by the command itself.
 */
export function serveSweepRequests(socketFile: string, deps: RequestsDeps): Promise<LineServer> {
  return serveLines(socketFile, async (line, say, gone) => {
    const tell = (answer: SweepAnswer): void => say(answer);
    try {
      await sweep(deps, JSON.parse(line) as SweepRequest, tell, gone);
    } catch (error) {
      if (gone.aborted) return;
      if (!isFailure(error)) deps.onError(error);
      tell({
        is: 'refused',
        ...(isFailure(error) ? { failure: { code: error.code, facts: error.facts } } : {}),
      });
    }
  });
}

async function sweep(
  { ids, ...desk }: RequestsDeps,
  { source: name, actor, until, progress }: SweepRequest,
  tell: (answer: SweepAnswer) => void,
  signal: AbortSignal,
): Promise<void> {
  // The configuration may have changed since this worker began: it knows what it serves, not what there is.
  if (!desk.config.sources.some((source) => source.name === name)) return tell({ is: 'refused' });
  const source = { id: ids.source(name), name };
  const started = await startOrJoin(desk, { source, actor, confirmsDeletions: false });
  tell({ is: 'started', ...started });
  if (until === 'started') return;
  const onProgress = (settled: number): void => tell({ is: 'progress', settled });
  const swept = await untilSwept(desk, source.id, started, { signal, ...(progress ? { onProgress } : {}) });
  tell({ is: 'ended', ...swept });
}
