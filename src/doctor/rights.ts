import { join } from 'node:path/posix';
import type { Config } from '../config.ts';
import { prefixed } from '../sealed/names.ts';
import { connectionOf } from '../stack/endpoints.ts';
import { type S3Role, s3Roles } from '../stack/services/s3-roles.ts';
import { say } from '../text/voice.ts';
import { type Check, type Finding, ok } from './check.ts';
import { type TriedAction, type TriedRight, triedActions, tryRights } from './try-rights.ts';

/** Of ops/iam/<role>.json, what can be tried without changing anything. */
const needed: Readonly<Record<S3Role, readonly TriedAction[]>> = {
  agent: [
    's3:GetBucketVersioning',
    's3:GetBucketObjectLockConfiguration',
    's3:ListBucketVersions',
    's3:ListBucketMultipartUploads',
    's3:GetObject',
    's3:GetObjectRetention',
    's3:GetObjectLegalHold',
    's3:PutObject',
    's3:PutObjectRetention',
    's3:PutObjectLegalHold',
  ],
  retention: [
    's3:ListBucketVersions',
    's3:GetObjectRetention',
    's3:GetObjectLegalHold',
    's3:DeleteObjectVersion',
  ],
  recover: ['s3:ListBucketVersions', 's3:GetObject'],
};

/** What nobody can try without a risk to what is stored. */
const untried =
  's3:BypassGovernanceRetention, s3:DeleteObject, s3:PutBucketPolicy, s3:PutLifecycleConfiguration';

/** What a role must not have, because it would undo what the others protect. */
const forbidden: Readonly<Record<S3Role, readonly TriedAction[]>> = {
  agent: ['s3:DeleteObjectVersion', 's3:PutBucketVersioning'],
  retention: [
    's3:GetObject',
    's3:PutObject',
    's3:PutObjectRetention',
    's3:PutObjectLegalHold',
    's3:PutBucketVersioning',
  ],
  recover: ['s3:PutObject', 's3:PutObjectRetention', 's3:DeleteObjectVersion', 's3:PutBucketVersioning'],
};

/** Whether the credentials of each role may what it needs, and no more. */
export const rights: Check = {
  name: 'rights',
  async look({ config, endpoints }) {
    const found = config.destinations.flatMap((destination) =>
      rolesHere(config, destination).map(async (role) => {
        const key = prefixed(destination.prefix, join('probe', 'rights'));
        return judgeRights(destination.name, role, await tryRights(endpoints.s3(destination, role), key));
      }),
    );
    return (await Promise.all(found)).flat();
  },
};

/** Of an external server this host has one set of credentials: those of the agent. */
function rolesHere(config: Config, destination: Config['destinations'][number]): readonly S3Role[] {
  return connectionOf(config, destination) === 'embedded' ? s3Roles : ['agent'];
}

/** What is wrong with a role's rights in a destination, or that nothing is. */
export function judgeRights(
  destination: string,
  role: S3Role,
  rights: ReadonlyMap<TriedAction, TriedRight>,
): Finding[] {
  const having = (wanted: TriedRight, actions: readonly TriedAction[]): string[] =>
    actions.filter((action) => rights.get(action) === wanted);
  const lacks = having('refused', needed[role]);
  const exceeds = having('granted', forbidden[role]);
  const unclear = having('unclear', triedActions);
  const whose = say('doctor', 'credentials', { role, destination });
  const findings: Finding[] = [];
  if (lacks.length > 0)
    findings.push({
      state: 'problem',
      what: say('doctor', 'rights_lack', { whose, what: lacks.join(', ') }),
      means: say('doctor', 'rights_lack_means'),
      todo: say('doctor', 'rights_lack_todo', { role }),
    });
  if (exceeds.length > 0)
    findings.push({
      state: 'problem',
      what: say('doctor', 'rights_exceed', { whose, role, what: exceeds.join(', ') }),
      means: say('doctor', 'rights_exceed_means'),
      todo: say('doctor', 'rights_exceed_todo', { role }),
    });
  if (unclear.length > 0)
    findings.push({
      state: 'warning',
      what: say('doctor', 'rights_unclear', { role, destination, what: unclear.join(', ') }),
      means: say('doctor', 'rights_unclear_means'),
      todo: say('doctor', 'rights_unclear_todo'),
    });
  if (findings.length > 0) return findings;
  return [ok(say('doctor', 'rights_well', { whose, untried }))];
}
