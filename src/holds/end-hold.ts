import { auditEvent } from '../audit/event.ts';
import type { Ended, EndStep } from '../domain/holds.ts';
import { settling } from '../pipeline/settle.ts';
import { attemptOf } from './attempts.ts';
import type { HoldDeps } from './deps.ts';
import { heldFile } from './held.ts';

/**
 * Ends a hold without letting its bytes go: rejected by somebody, or because nobody decided in time. The file in its source
 * is left as it is, and is not held again before it or the policy changes.
 */
export async function endHold(deps: HoldDeps, { holdId, as, attemptId }: EndStep): Promise<Ended> {
  const { context } = deps;
  const { catalog, ids, hostId } = context;
  const held = await heldFile(catalog, holdId);
  if (held.state !== 'open') return { next: 'ended', state: held.state };
  const attempt = attemptId === undefined ? undefined : await attemptOf(catalog, holdId, attemptId);
  const run = attempt?.runId ?? holdId;
  const version = { ...(await catalog.version(held.versionId)), runId: run, hint: 0 };
  const reason = `hold_${as}`;
  const intent = await catalog.intentOf(held.versionId, held.destination);
  const isAnnounced = intent?.state === 'open' && intent.sealingId === held.sealingId;
  if (isAnnounced && intent.uploadId !== null) {
    const store = context.destinations.get(held.destination)?.store;
    await store?.abortMultipart({ key: intent.objectKey, uploadId: intent.uploadId });
  }
  await catalog.write({
    ...(isAnnounced ? { intentClosed: { id: intent.id, state: 'aborted', reason } } : {}),
    holdChange: { id: holdId, state: as },
    placements: [
      {
        ...{ versionId: held.versionId, destination: held.destination, objectId: null, byteOffset: 0 },
        ...{ length: null, state: 'denied', reason },
      },
    ],
    ...settling(version, 'ignored', reason),
    events: [
      auditEvent(ids, {
        ...{
          subject: holdId,
          step: 'hold',
          run,
          host: hostId,
          version: held.versionId,
          destination: held.destination,
        },
        among: 'end',
        facts: { hold: holdId, state: as, ...(attempt === undefined ? {} : { approver: attempt.approver }) },
      }),
    ],
  });
  context.log.warn({ hold: holdId, state: as }, 'a held file will not be backed up in this state');
  return { next: 'ended', state: as };
}
