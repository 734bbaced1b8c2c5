import { hostRows } from '../catalog/host-query.ts';
import { hostWarnings } from '../hosts/standing.ts';
import { say } from '../text/voice.ts';
import { type Check, ok } from './check.ts';

/** Whether the machines of the cluster are there, and judge alike. */
export const hosts: Check = {
  name: 'hosts',
  async look({ catalog }) {
    const rows = (await hostRows(await catalog())).filter(({ revokedAt }) => revokedAt === null);
    const warnings = hostWarnings(rows, new Date());
    if (warnings.length === 0)
      return [
        ok(
          rows.length > 1
            ? say('doctor', 'hosts_share', { count: rows.length })
            : say('doctor', 'hosts_alone'),
        ),
      ];
    return warnings.map((what) => ({
      state: 'warning',
      what: `${what.charAt(0).toUpperCase()}${what.slice(1)}`,
      todo: 'holdfast host list',
    }));
  },
};
