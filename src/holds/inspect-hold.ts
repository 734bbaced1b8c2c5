import { auditEvent } from '../audit/event.ts';
import type { Ended, HoldStep, InspectedHold, InspectedStep, StagedState } from '../domain/holds.ts';
import type { PipelineContext } from '../pipeline/context.ts';
import type { HoldDeps } from './deps.ts';
import { type HeldFile, heldFile } from './held.ts';

/** Looks, on the host that has them, whether the staged bytes of a hold are what was sealed. */
export async function inspectHold(
  { context }: HoldDeps,
  { holdId }: HoldStep,
): Promise<InspectedHold | Ended> {
  const held = await heldFile(context.catalog, holdId);
  if (held.state !== 'open') return { next: 'ended', state: held.state };
  return { next: 'inspected', staged: await stagedState(context, held) };
}

export async function stagedState(
  { staging }: PipelineContext,
  held: HeldFile,
): Promise<Exclude<StagedState, 'host_unavailable'>> {
  const staged = await staging.measure(held.sealingId);
  if (staged === undefined) return 'missing';
  const isWhole = staged.length === held.sealedLength && staged.sha256.equals(held.sealedSha256);
  return isWhole ? 'whole' : 'damaged';
}

/** Says that a hold still waits: in the log, the audit trail and the metrics. Told twice for the same day it says it once. */
export async function remindOfHold(
  deps: HoldDeps,
  { holdId, staged }: InspectedStep,
): Promise<{ next: 'reminded' }> {
  const { context, remindEveryMs, metrics } = deps;
  const held = await heldFile(context.catalog, holdId);
  if (held.state !== 'open') return { next: 'reminded' };
  const ageMs = Date.now() - held.openedAt.getTime();
  const number = Math.floor(ageMs / remindEveryMs);
  context.log.warn(
    { hold: holdId, ageHours: Math.floor(ageMs / 3_600_000), reason: held.reason, staged },
    'a held file waits for a decision: `holdfast hold list`',
  );
  await noteStaged(context, held, staged, {
    remindedAt: new Date().toISOString(),
    reminder: number,
  });
  metrics.holdReminded();
  return { next: 'reminded' };
}

/** Records what was found of staged bytes; damage is told aloud. */
export async function noteStaged(
  context: PipelineContext,
  held: HeldFile,
  staged: StagedState,
  reminded?: { readonly remindedAt: string; readonly reminder: number },
): Promise<void> {
  if (staged !== 'whole')
    context.log.error(
      { hold: held.id, staged },
      'what is staged for a hold cannot be used: `holdfast hold reseal` seals its file anew',
    );
  const { remindedAt, reminder } = reminded ?? {};
  await context.catalog.write({
    holdChange: { id: held.id, staged, ...(remindedAt === undefined ? {} : { remindedAt }) },
    events: [
      auditEvent(context.ids, {
        // The host it is about, so that whoever tells it again tells the same.
        ...{ subject: held.id, step: 'hold', run: held.id, host: held.hostId },
        ...{ version: held.versionId, destination: held.destination },
        among: `${reminder ?? 'looked'} ${staged} ${held.sealingId}`,
        facts: { hold: held.id, staged, ...(reminder === undefined ? {} : { reminder }) },
      }),
    ],
  });
}
