import { say } from '../text/voice.ts';
import { type Check, ok } from './check.ts';

const mostSkewMs = 2 * 60_000;

/** Whether this machine and the stores agree on the time: locks go by theirs, requests are refused far off it. */
export const clock: Check = {
  name: 'clock',
  async look({ destinations }) {
    return Promise.all(
      (await destinations()).map(async ({ config, store }) => {
        const { clockSkewMs } = await store.facts();
        const seconds = Math.round(Math.abs(clockSkewMs) / 1000);
        if (Math.abs(clockSkewMs) <= mostSkewMs)
          return ok(say('doctor', 'clocks_agree', { name: config.name, seconds }));
        return {
          state: 'problem',
          what: say('doctor', 'clock_off', {
            seconds,
            side: clockSkewMs > 0 ? say('doctor', 'behind') : say('doctor', 'ahead_of'),
            name: config.name,
          }),
          means: say('doctor', 'clock_means'),
          todo: say('doctor', 'clock_todo'),
        };
      }),
    );
  },
};
