import { Failure } from '../domain/failures.ts';
import { servedSources } from '../sources.ts';
import { startOrJoin, untilSwept } from '../sweep/await-sweep.ts';
import type { StartedSweep } from '../sweep/request.ts';
import { say } from '../text/voice.ts';
import type { FollowedSweep, SweepOptions } from './commands/sweep.ts';
import { type Session, unlock, withCatalog, withTemporal } from './session.ts';

/**
 * A sweep started and waited for by this process with the keys, where no worker does it for a command or one ended meanwhile:
 * then it goes on with what was `followed` so far.
 */
export async function sweepDirectly(
  session: Session,
  source: string,
  { wait = false, confirmDeletions = false }: SweepOptions,
  followed: FollowedSweep | undefined,
  onStarted: (started: StartedSweep) => void,
): Promise<FollowedSweep> {
  const installation = await unlock(session);
  const { config, ids } = installation;
  if (!config.sources.some(({ name }) => name === source)) throw new Failure('source_unknown', { source });
  return withCatalog(session, (catalog, where) =>
    withTemporal(installation, where, async (client) => {
      const desk = { catalog, client, config, sources: servedSources(config, ids, catalog) };
      const { actor, signal, output } = session;
      const id = ids.source(source);
      const asked = { source: { id, name: source }, actor, confirmsDeletions: confirmDeletions };
      // One that was joined may have ended meanwhile.
      const started = followed?.runId ? followed : await startOrJoin(desk, asked);
      // What was asked for now was not asked of the one under way.
      if (confirmDeletions && started.runId === null) throw new Failure('sweep_running', { source });
      if (followed === undefined) onStarted(started);
      if (!wait) return started;
      const onProgress = (settled: number): void =>
        output.progress(say('files', 'settled', { count: settled }));
      const progress = output.tellsProgress ? { onProgress } : {};
      return { ...started, swept: await untilSwept(desk, id, started, { signal, ...progress }) };
    }),
  );
}
