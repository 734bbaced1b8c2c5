import { auditEvent } from '../audit/event.ts';
import { isFailure } from '../domain/failures.ts';
import type { ResealedHold, ResealStep } from '../domain/holds.ts';
import { ContentChanged } from '../files/segment-reader.ts';
import type { StepRun } from '../pipeline/context.ts';
import { stageHeld } from '../pipeline/hold.ts';
import { sealEvent } from '../pipeline/sealing.ts';
import { hostQueue } from '../temporal/names.ts';
import { type HoldDeps, heldVersion } from './deps.ts';
import { dropUnneeded } from './drop.ts';
import { heldFile } from './held.ts';

/**
 * Seals a held file anew from its source, on this host, where the staged bytes are damaged or their host is gone. It has to
 * be what was held, byte for byte; approvals of the lost bytes do not count for the new ones.
 */
export async function resealHold(
  deps: HoldDeps,
  { holdId, runId }: ResealStep,
  run: StepRun,
): Promise<ResealedHold> {
  const { context } = deps;
  const { catalog, ids, hostId } = context;
  const held = await heldFile(catalog, holdId);
  if (held.state !== 'open') return { next: 'ended', state: held.state };
  const version = await heldVersion(deps, held);
  const generation = held.generation + 1;
  try {
    await stageHeld(context, version, held.destination, generation, run, ({ row, length, sha256 }) =>
      catalog.write({
        ...(row.format === 'openpgp' ? { sealing: row } : {}),
        holdChange: {
          ...{ id: holdId, hostId, staged: 'whole' },
          ...{ sealingId: row.id, sealedLength: length, sealedSha256: sha256 },
        },
        events: [
          sealEvent(context, version, row, { sealedLength: length, staged: true }),
          auditEvent(ids, {
            ...{
              subject: holdId,
              step: 'hold',
              run: runId,
              host: hostId,
              version: version.id,
              destination: held.destination,
            },
            among: `resealed ${generation}`,
            facts: { hold: holdId, resealed: generation, sealedSha256: sha256.toString('hex') },
          }),
        ],
      }),
    );
  } catch (error) {
    if (isFailure(error, 'staging_full')) return { next: 'held', reason: 'staging_full' };
    if (error instanceof ContentChanged || isFailure(error, 'source_unavailable'))
      return { next: 'held', reason: 'hold_source_changed' };
    throw error;
  }
  await dropUnneeded(context, held.sealingId);
  return { next: 'resealed', hostQueue: hostQueue(hostId) };
}
