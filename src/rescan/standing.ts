import type { LateDetections } from '../catalog/rescan-query.ts';
import { say } from '../text/voice.ts';

/** One sentence for what was found infected after it was stored, with what to do; none where nothing was. */
export function lateWarnings({ openIncidents, versions }: LateDetections): string[] {
  if (versions > 0) {
    return [say('warnings', 'late_infected', { count: versions })];
  }
  if (openIncidents === 0) return [];
  return [say('warnings', 'late_incidents', { count: openIncidents })];
}
