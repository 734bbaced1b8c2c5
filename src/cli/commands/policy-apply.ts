import { setTimeout as sleep } from 'node:timers/promises';
import type { Catalog } from '../../catalog/catalog.ts';
import { announceEpoch, currentEpoch, withdrawEpoch } from '../../catalog/policy-query.ts';
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
import { say } from '../../text/voice.ts';
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
    const isOurs = config.services.opa.mode === 'embedded';
    const handOver = async (): Promise<void> => {
      if (isOurs) await placeBundle(paths, uid, bundleFile(paths.home));
    };
    if (before?.revision === bundle.revision) {
      if (isOurs) await takeBundle(paths.home, bundle);
      await handOver();
      output.result({ revision: bundle.revision, changed: false }, () => say('policy', 'in_force_already'));
      return;
    }
    output.progress(say('policy', 'asking_once'));
    await validateBundle(await opaTool(session), bundle, installedSignature(installation)).catch(
      refused(session),
    );
    const kept = isOurs ? keepBundle(paths.home) : undefined;
    const number = await announceEpoch(catalog, { hostId, revision: bundle.revision, actor });
    if (isOurs) await takeBundle(paths.home, bundle);
    await handOver();
    output.progress(say('policy', 'waiting_worker'));
    const isTaken =
      (await untilTaken(catalog, hostId, bundle.revision)) ||
      // An OPA of the operator's own may load it later.
      (kept !== undefined && !(await withdrawEpoch(catalog, hostId, number)));
    if (!isTaken) {
      const failure = new Failure('policy_not_taken', {
        revision: bundle.revision,
        detail: say('policy', 'not_within', { seconds: takenWithinMs / 1_000 }),
      });
      if (kept !== undefined) {
        restoreBundle(paths.home, kept);
        await handOver();
        noteRefusal(paths.home, failure);
      }
      throw failure;
    }
    output.result({ revision: bundle.revision, changed: true, from: before?.revision }, () =>
      [say('policy', 'in_force', { revision: bundle.revision }), say('policy', 'next_sweep')].join('\n'),
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

async function untilTaken(catalog: Catalog, hostId: Id, revision: string): Promise<boolean> {
  const until = Date.now() + takenWithinMs;
  while (Date.now() < until) {
    if ((await currentEpoch(catalog, hostId))?.revision === revision) return true;
    await sleep(200);
  }
  return false;
}
