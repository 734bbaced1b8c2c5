import type { PausedSource } from '../catalog/retention-query.ts';
import { restoreCommand } from './mass-change.ts';

/** A sentence for each source of which nothing expires because somebody must look first. */
export function pauseWarnings(paused: readonly PausedSource[]): string[] {
  return paused.map(
    ({ source, pinnedAt }) =>
      `too much of ${source} changed at once, so nothing of it expires. Look with \`holdfast diff\`: what stood before comes ` +
      `back with \`${restoreCommand(source, pinnedAt)}\`; if all is well, \`holdfast retention resume ${source} --reason …\`.`,
  );
}
