import type { PausedSource } from '../catalog/retention-query.ts';
import { say } from '../text/voice.ts';
import { restoreCommand } from './mass-change.ts';

/** A sentence for each source of which nothing expires because somebody must look first. */
export function pauseWarnings(paused: readonly PausedSource[]): string[] {
  return paused.map(({ source, pinnedAt }) =>
    say('warnings', 'mass_change', { source, command: restoreCommand(source, pinnedAt) }),
  );
}
