import type { HoldStanding, HoldStep } from '../domain/holds.ts';
import { hostQueue } from '../temporal/names.ts';
import { attemptsOf, validApprovals } from './attempts.ts';
import type { HoldDeps } from './deps.ts';
import { heldFile } from './held.ts';
import { registerOf } from './judge-attempt.ts';

/** How a hold stands, as the catalog has it: what its workflow goes by, at its start and after all that happened to it. */
export async function lookAtHold(deps: HoldDeps, { holdId }: HoldStep): Promise<HoldStanding> {
  const { context, expiresMs, remindEveryMs } = deps;
  const held = await heldFile(context.catalog, holdId);
  const remindedAt = held.remindedAt ?? held.openedAt;
  const standing = {
    next: 'standing' as const,
    state: held.state,
    hostQueue: hostQueue(held.hostId),
    expiresInMs: held.openedAt.getTime() + expiresMs - Date.now(),
    remindInMs: remindedAt.getTime() + remindEveryMs - Date.now(),
    about: {
      run: held.runId,
      source: held.source,
      reason: held.reason,
      classification: held.admission.classification,
      destinations: [held.destination],
      ...(held.bundleRevision === null ? {} : { policyRevision: held.bundleRevision }),
      until: new Date(held.openedAt.getTime() + expiresMs).toISOString(),
    },
  };
  const isUsable = held.state === 'open' && (held.staged === 'whole' || held.staged === 'host_unavailable');
  // Nobody can let it go to a destination that is not configured any more; it expires.
  if (!isUsable || !context.destinations.has(held.destination)) return { ...standing, isApproved: false };
  const { register, needed } = await registerOf(deps, held);
  const approvals = validApprovals(await attemptsOf(context.catalog, holdId), held, register);
  return { ...standing, isApproved: approvals.length >= needed };
}
