import { Failure } from '../domain/failures.ts';
import type { Settled } from '../domain/steps.ts';
import { holdWorkflowId } from '../temporal/names.ts';
import { type Destination, type PipelineContext, type StepRun, versionEvent } from './context.ts';
import type { ScannedVersion } from './policy-input.ts';
import type { Released } from './release.ts';
import { sealEvent } from './sealing.ts';
import { settledAnswer, settling } from './settle.ts';
import { stageMessage } from './stage-message.ts';
import { stageSealed } from './stage-sealed.ts';

/**
 * Keeps content that may not go (yet) on this host, sealed, until somebody decides; the file's own workflow then starts
 * the one that waits.
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
  const { row, length, sha256 } =
    version.admission.format === 'openpgp'
      ? await stageMessage(context, version, stagedGeneration, run, () => id)
      : await stageSealed(context, version, stagedGeneration, run, () => id);
  await context.catalog.write({
    ...(version.admission.format === 'openpgp' ? { sealing: row } : {}),
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
  return { ...settledAnswer(version, 'held', why.reason), holdId: id };
}

/** Generation 0 is what an upload would use; staged bytes have one of their own. */
const stagedGeneration = 1_000_000;

/** What `inspectHold` tells: the hold's state, or `damaged` when staged bytes are not what was sealed. */
export async function inspectHold(context: PipelineContext, holdId: string): Promise<string> {
  const [held] = await context.catalog.rows<{
    state: string;
    sealedLength: number;
    sealedSha256: Buffer;
    destination: string;
    versionId: string;
  }>(
    `select state, sealed_length as "sealedLength", sealed_sha256 as "sealedSha256", destination, version_id as "versionId"
     from holds where id = $1`,
    [holdId],
  );
  if (held === undefined) throw new Failure('hold_unknown', { hold: holdId });
  if (held.state !== 'open') return held.state;
  const staged = await context.staging.measure(holdId);
  if (staged?.length === held.sealedLength && staged.sha256.equals(held.sealedSha256)) return 'open';
  context.log.error({ hold: holdId, staged: staged !== undefined }, 'staged bytes of a hold are damaged');
  return 'damaged';
}
