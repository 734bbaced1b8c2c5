import { connectionOf } from '../stack/endpoints.ts';
import { type Check, ok } from './check.ts';

/** Whether the copies lie where the originals are. */
export const sameMachine: Check = {
  name: 'same-machine',
  async look({ config, home }) {
    const here = config.destinations.filter((each) => connectionOf(config, each) === 'embedded');
    if (here.length === 0) return [ok('No bucket lies on this machine.')];
    const names = here.map(({ name }) => name).join(', ');
    if (here.length < config.destinations.length)
      return [ok(`${names} lies on this machine, another destination elsewhere.`)];
    return [
      {
        state: 'warning',
        what: `Every bucket lies on this machine, in ${home}: ${names}.`,
        means: 'That is no backup: fire, theft or a failed disk takes them together with the originals.',
        todo: 'Set services.s3 to an external S3 server with Object Lock in holdfast.yaml; docs/deploy-aws.md shows how.',
      },
    ];
  },
};
