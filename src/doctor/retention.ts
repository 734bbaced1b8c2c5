import { lastRetentions, pausedSources } from '../catalog/retention-query.ts';
import { pauseWarnings } from '../retention/standing.ts';
import { say } from '../text/voice.ts';
import { type Check, type Finding, ok } from './check.ts';

/** Runs come every day, after a failure sooner. */
const mostHours = 50;

/** Whether locks are renewed and old versions expire; and whether somebody must look at a mass change. */
export const retention: Check = {
  name: 'retention',
  async look({ catalog }) {
    const known = await catalog();
    const paused = pauseWarnings(await pausedSources(known)).map(
      (what): Finding => ({ state: 'problem', what }),
    );
    const late = (await lastRetentions(known)).flatMap(({ source, hours, result }): Finding[] => {
      if (hours <= mostHours && result !== 'failed' && result !== 'incomplete') return [];
      return [
        {
          state: 'problem',
          what:
            hours > mostHours
              ? say('doctor', 'retention_old', { source, days: Math.round(hours / 24) })
              : say('doctor', 'retention_ended', { source, result }),
          means: say('doctor', 'retention_means'),
          todo: say('doctor', 'retention_todo', { source }),
        },
      ];
    });
    const problems = [...paused, ...late];
    return problems.length > 0 ? problems : [ok(say('doctor', 'retention_well'))];
  },
};
