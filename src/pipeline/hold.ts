import type { SealingRow } from '../catalog/rows.ts';
import { Failure } from '../domain/failures.ts';
import type { Settled } from '../domain/steps.ts';
import { heldBytesOf } from '../holds/held.ts';
import { holdWorkflowId } from '../temporal/names.ts';
import { type Destination, type PipelineContext, type StepRun, versionEvent } from './context.ts';
import type { ScannedVersion } from './policy-input.ts';
import type { Released } from './release.ts';
import { sealEvent } from './sealing.ts';
import { settledAnswer, settling } from './settle.ts';
import { foundMessage, nonceOf, stageMessage } from './stage-message.ts';
import { stageSealed } from './stage-sealed.ts';
import { stagedName } from './staged-message.ts';
import type { Staged } from './staging.ts';
import { keyInUse } from './stored-as.ts';

/**
 * Keeps content that may not go (yet) on this host, sealed, until somebody decides; the file's own workflow then starts
 * the one that waits. Failure `staging_full` where there is no room for it.
 */
export async function hold(
  context: PipelineContext,
  version: ScannedVersion,
  destination: Destination,
  why: { reason: string; released?: Released },
  run: StepRun,
): Promise<Settled> {
  const { name } = destination.config;
  const id = context.ids.hold(version.id, name);
  const generation = heldGeneration(version, name);
  return stageHeld(context, version, name, generation, run, async ({ row, length, sha256 }) => {
    await context.catalog.write({
      ...(row.format === 'openpgp' ? { sealing: row } : {}),
      decisions: why.released ? [why.released.row] : [],
      hold: {
        id,
        versionId: version.id,
        destination: name,
        hostId: context.hostId,
        reason: why.reason,
        sealingId: row.id,
        sealedLength: length,
        sealedSha256: sha256,
        state: 'open',
        workflowId: holdWorkflowId(id),
      },
      placements: [
        {
          versionId: version.id,
          destination: name,
          objectId: null,
          byteOffset: 0,
          length,
          state: 'held',
          reason: why.reason,
        },
      ],
      ...settling(version, 'held', why.reason),
      events: [
        sealEvent(context, version, row, { sealedLength: length, staged: true }),
        ...(why.released ? [why.released.event] : []),
        versionEvent(context, version, {
          step: 'hold',
          destination: name,
          facts: { hold: id, reason: why.reason },
        }),
      ],
    });
    context.failPoints.reach('after-hold');
    return { ...settledAnswer(version, 'held', why.reason), holdId: id };
  });
}

/** Generation 0 is what an upload would use; staged bytes have their own from here on. */
const stagedGeneration = 1_000_000;

/** A message comes out otherwise each time: one that is held for several destinations is another sealing for each. */
function heldGeneration(
  { admission: { format, destinations } }: ScannedVersion,
  destination: string,
): number {
  const before = format === 'openpgp' ? Math.max(0, destinations.indexOf(destination)) : 0;
  return stagedGeneration + 100_000 * before;
}

/** Sealed bytes that lie in staging for a hold, whole and durable, and named by their sealing. */
export interface HeldBytes extends Staged {
  readonly row: SealingRow;
}

/**
 * Seals a version's content into this host's staging folder for a hold, and records it. What lies under the sealing's name
 * is what a sealed file's key opens, or, of a message, what an independent reader opened with its session key.
 *
 * @param record what the staged bytes mean, written while the room for them is reserved
 * @throws ContentChanged; Failures `staging_full`, `sealing_refused` and those of sealing
 */
export async function stageHeld<T>(
  context: PipelineContext,
  version: ScannedVersion,
  destination: string,
  generation: number,
  run: StepRun,
  record: (held: HeldBytes) => Promise<T>,
): Promise<T> {
  const used = () => heldBytesOf(context.catalog, context.hostId);
  return context.staging.withRoom(version.content.sizeBytes, used, async () => {
    const { format } = version.admission;
    const name = context.ids.sealing(version.id, format, keyInUse(context, version), generation);
    const held =
      format === 'openpgp'
        ? await stageHeldMessage(context, version, destination, generation, run, name)
        : await stageSealed(context, version, generation, run, () => name);
    return record(held);
  });
}

/** Nobody here may be able to open a message later, so it gets its name only when its content has been seen in it. */
async function stageHeldMessage(
  context: PipelineContext,
  version: ScannedVersion,
  destination: string,
  generation: number,
  run: StepRun,
  name: string,
): Promise<HeldBytes> {
  const message = await stageMessage(context, version, generation, run);
  const own = stagedName(message.row.id, message.row.iv);
  const found = await foundMessage(context, version, destination, message, run);
  if (!found.contentMatches) {
    await context.staging.drop(own);
    throw new Failure('sealing_refused', { destination });
  }
  // Of two steps that hold the same at once both go on with the first one's bytes.
  const staged = await context.staging.rename(own, name);
  return { ...staged, row: { ...message.row, iv: nonceOf(staged.sha256) } };
}
