import { type Check, ok } from './check.ts';

/** Whether everything runs and answers. */
export const services: Check = {
  name: 'services',
  async look({ status }) {
    if (status === undefined) {
      return [
        {
          state: 'problem',
          what: 'Holdfast is not running.',
          means: 'Nothing is protected while it does not run.',
          todo: 'holdfast up -d',
        },
      ];
    }
    const down = Object.entries(status.services).filter(([, { healthy }]) => !healthy);
    if (down.length === 0) return [ok(`${Object.keys(status.services).length} services are healthy.`)];
    return down.map(([name, { log }]) => ({
      state: 'problem',
      what: `The service ${name} is down.`,
      means: 'Work waits for it, and nothing is lost; but nothing new is protected.',
      todo: `Read ${log}; holdfast down && holdfast up -d`,
    }));
  },
};
