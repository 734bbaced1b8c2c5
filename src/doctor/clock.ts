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
          return ok(`${config.name} and this machine agree on the time (${seconds} s).`);
        return {
          state: 'problem',
          what: `This machine's clock is ${seconds} s ${clockSkewMs > 0 ? 'behind' : 'ahead of'} ${config.name}.`,
          means:
            'Requests are refused when it is 15 minutes; times in the catalog and the audit trail are wrong already.',
          todo: 'Let the clock follow a time server (timedatectl set-ntp true).',
        };
      }),
    );
  },
};
