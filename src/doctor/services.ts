import { say } from '../text/voice.ts';
import { type Check, ok } from './check.ts';

/** Whether everything runs and answers. */
export const services: Check = {
  name: 'services',
  async look({ status }) {
    if (status === undefined) {
      return [
        {
          state: 'problem',
          what: say('doctor', 'not_running'),
          means: say('doctor', 'not_running_means'),
          todo: 'holdfast up -d',
        },
      ];
    }
    const down = Object.entries(status.services).filter(([, { healthy }]) => !healthy);
    if (down.length === 0)
      return [ok(say('doctor', 'services_well', { count: Object.keys(status.services).length }))];
    return down.map(([name, { log }]) => ({
      state: 'problem',
      what: say('doctor', 'service_down', { name }),
      means: say('doctor', 'service_down_means'),
      todo: say('doctor', 'service_down_todo', { log }),
    }));
  },
};
