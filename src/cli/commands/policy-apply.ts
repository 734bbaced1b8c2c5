import { setTimeout as sleep } from 'node:timers/promises';
import type { Catalog } from '../../catalog/catalog.ts';
import { announceEpoch, currentEpoch } from '../../catalog/policy-query.ts';
import { Failure, isFailure } from '../../domain/failures.ts';
import type { Id } from '../../domain/records.ts';
import {
  bundleFile,
  installedBundle,
  installedSignature,
  keepBundle,
  noteRefusal,
  restoreBundle,
  takeBundle,
} from '../../policy/installed.ts';
import { validateBundle } from '../../policy/validate.ts';
import { placeBundle } from '../../stack/services/opa.ts';
import { opaTool } from '../policy-tool.ts';
import { type Session, unlock, withCatalog } from '../session.ts';

const takenWithinMs = 30_000;

/**
 * Puts the policy as it is on the disk in force: proves it, announces it to this host's worker, hands it to OPA, and returns
 * when the worker judges by it. Failures: `policy_invalid` and `policy_not_taken`, after both of which the one before counts.
 */
export async function runPolicyApply(session: Session): Promise<void> {
  const { output, paths, uid, actor } = session;
  const installation = await unlock(session);
  const { config } = installation;
  const bundle = await installedBundle(installation).catch(refused(session));
  await withCatalog(session, async (catalog) => {
    const hostId = config.host.id;
    const before = await currentEpoch(catalog, hostId);
    if (before?.revision === bundle.revision) {
      if (config.services.opa.mode === 'embedded') await takeBundle(paths.home, bundle);
      output.result({ revision: bundle.revision, changed: false }, () => 'This policy is in force already.');
      return;
    }
    output.progress('Asking the new policy everything once …');
    await validateBundle(await opaTool(session), bundle, installedSignature(installation)).catch(
      refused(session),
    );
    const isOurs = config.services.opa.mode === 'embedded';
    const file = bundleFile(paths.home);
    const kept = isOurs ? keepBundle(paths.home) : undefined;
    await announceEpoch(catalog, { hostId, revision: bundle.revision, actor });
    if (isOurs) {
      await takeBundle(paths.home, bundle);
      await placeBundle(paths, uid, file);
    }
    output.progress('Waiting until the worker judges by it …');
    if (!(await isTaken(catalog, hostId, bundle.revision))) {
      if (kept !== undefined) {
        await announceEpoch(catalog, { hostId, revision: kept.standing.revision, actor });
        restoreBundle(paths.home, kept);
        await placeBundle(paths, uid, file);
      }
      const failure = new Failure('policy_not_taken', {
        revision: bundle.revision,
        detail: `OPA or the worker did not take it within ${takenWithinMs / 1_000} s`,
      });
      noteRefusal(paths.home, failure);
      throw failure;
    }
    output.result({ revision: bundle.revision, changed: true, from: before?.revision }, () =>
      [
        `In force: ${bundle.revision}`,
        'The next sweep judges anew what is protected; `holdfast sweep <source>` does it now.',
      ].join('\n'),
    );
  });
}

/** Keeps why it was not taken, for `status` and `doctor`. */
const refused =
  ({ paths }: Session) =>
  (error: unknown): never => {
    if (isFailure(error, 'policy_invalid')) noteRefusal(paths.home, error);
    throw error;
  };

async function isTaken(catalog: Catalog, hostId: Id, revision: string): Promise<boolean> {
  const until = Date.now() + takenWithinMs;
  while (Date.now() < until) {
    if ((await currentEpoch(catalog, hostId))?.revision === revision) return true;
    await sleep(200);
  }
  return false;
}
