import { isFailure } from '../../domain/failures.ts';
import {
  installedBundle,
  installedSignature,
  policiesFolder,
  unsignedBundle,
} from '../../policy/installed.ts';
import { lintPolicies } from '../../policy/lint.ts';
import { validateBundle } from '../../policy/validate.ts';
import { say, detail as tell } from '../../text/voice.ts';
import { printable } from '../output.ts';
import { opaTool } from '../policy-tool.ts';
import { type Session, unlock } from '../session.ts';
import { labelled } from '../words.ts';

/** Looks at rules and data as they are on the disk. Exit code 1 with findings. */
export async function runPolicyCheck(session: Session, dir: string | undefined): Promise<number> {
  const { output, paths } = session;
  const installation = await unlock(session);
  const opa = await opaTool(session);
  const folder = dir ?? installation.config.policy.bundle?.dir ?? policiesFolder(paths.home);
  const findings: { check: string; detail: string }[] = await lintPolicies(opa, folder);
  let revision: string | undefined;
  try {
    const bundle =
      dir === undefined ? await installedBundle(installation) : await unsignedBundle(installation, dir);
    await validateBundle(opa, bundle, dir === undefined ? installedSignature(installation) : undefined);
    revision = bundle.revision;
  } catch (error) {
    if (!isFailure(error, 'policy_invalid')) throw error;
    findings.push({ check: 'bundle', detail: String(error.facts.detail) });
  }
  output.value({ folder, revision, findings });
  for (const { check, detail } of findings)
    output.line(labelled(check, tell(detail).split('\n').map(printable).join('\n  ')));
  if (findings.length === 0) output.line(say('policy', 'in_order', { folder, revision: revision ?? '' }));
  return findings.length === 0 ? 0 : 1;
}
