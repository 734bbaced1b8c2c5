import { lateDetections } from '../catalog/rescan-query.ts';
import { lateWarnings } from '../rescan/standing.ts';
import { say } from '../text/voice.ts';
import { type Check, ok } from './check.ts';

/** Whether newer signatures found something infected in the bucket. */
export const infectedContent: Check = {
  name: 'infected-content',
  async look({ catalog }) {
    const warnings = lateWarnings(await lateDetections(await catalog()));
    if (warnings.length > 0) return warnings.map((what) => ({ state: 'problem', what }));
    return [ok(say('doctor', 'late_well'))];
  },
};
