import { type Check, ok } from './check.ts';

/** Whether the copies lie where the originals are. */
export const sameMachine: Check = {
  name: 'same-machine',
  async look({ config, home }) {
    if (config.services.s3.mode === 'external') return [ok('The bucket lies on another machine.')];
    return [
      {
        state: 'warning',
        what: `The bucket lies on this machine, in ${home}.`,
        means: 'That is no backup: fire, theft or a failed disk takes both.',
        todo: 'Set services.s3 to an external S3 server with Object Lock in holdfast.yaml; docs/deploy-aws.md shows how.',
      },
    ];
  },
};
