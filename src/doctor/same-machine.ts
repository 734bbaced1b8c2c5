import { connectionOf } from '../stack/endpoints.ts';
import { say } from '../text/voice.ts';
import { type Check, ok } from './check.ts';

/** Whether the copies lie where the originals are. */
export const sameMachine: Check = {
  name: 'same-machine',
  async look({ config, home }) {
    const here = config.destinations.filter((each) => connectionOf(config, each) === 'embedded');
    if (here.length === 0) return [ok(say('doctor', 'machine_well'))];
    const names = here.map(({ name }) => name).join(', ');
    if (here.length < config.destinations.length) return [ok(say('doctor', 'machine_some', { names }))];
    return [
      {
        state: 'warning',
        what: say('doctor', 'machine_all', { home, names }),
        means: say('doctor', 'machine_means'),
        todo: say('doctor', 'machine_todo'),
      },
    ];
  },
};
