import type { OpenIntent } from '../catalog/catalog.ts';
import type { IntentRow } from '../catalog/rows.ts';
import { Failure, isFailure } from '../domain/failures.ts';
import type { HoldStep, ReleaseOfHold } from '../domain/holds.ts';
import { smallContentBytes } from '../domain/steps.ts';
import { type Destination, destinationOf, type PipelineContext, type StepRun } from '../pipeline/context.ts';
import { NotReproducible } from '../pipeline/part-sender.ts';
import { partSizeFor } from '../pipeline/part-size.ts';
import type { ScannedVersion } from '../pipeline/policy-input.ts';
import { release } from '../pipeline/release.ts';
import { settling } from '../pipeline/settle.ts';
import { UploadAttempt } from '../pipeline/upload-attempt.ts';
import { attemptsOf, validApprovals } from './attempts.ts';
import { type HoldDeps, heldVersion } from './deps.ts';
import { dropUnneeded } from './drop.ts';
import { type HeldFile, heldFile, reopenIntent } from './held.ts';
import { noteStaged, stagedState } from './inspect-hold.ts';
import { registerOf } from './judge-attempt.ts';
import { scannedAgain } from './rescan.ts';
import { foundStaged, StagedFile } from './staged-file.ts';

/**
 * Lets held bytes go, where as many have approved as it takes: verified from the first byte to the last, scanned again if
 * signatures are newer, judged once more with the approvals, then uploaded as they are and read back. Their commit ends the
 * hold. A crash at any moment costs what was in flight; whatever says no leaves the file held.
 */
export async function releaseHold(
  deps: HoldDeps,
  { holdId }: HoldStep,
  run: StepRun,
): Promise<ReleaseOfHold> {
  const { context } = deps;
  const held = await heldFile(context.catalog, holdId);
  if (held.state !== 'open') return { next: 'ended', state: held.state };
  const staged = await stagedState(context, held);
  if (staged !== 'whole') return noLongerWhole(context, held, staged);

  const { register, needed } = await registerOf(deps, held);
  const approvals = validApprovals(await attemptsOf(context.catalog, holdId), held, register);
  const last = approvals.at(-1);
  if (last === undefined || approvals.length < needed) return { next: 'held', reason: 'approval_required' };
  const seen = await scannedAgain(context, await heldVersion(deps, held), held, run);
  if (seen === 'unreadable') return { next: 'held', reason: 'rescan_impossible' };
  // What came out worse than whoever approved could know is judged as if nobody had.
  const known = seen.isAsSeen ? approvals : [];
  const version: ScannedVersion = {
    ...seen.version,
    runId: last.runId,
    held: { holdId, approvals: known.map(({ approver, at }) => ({ approver, at: at.toISOString() })) },
  };
  return context.semaphores.upload.run(
    () => send({ context, version, held, destination: destinationOf(context, held.destination), run }),
    run.patienceMs,
  );
}

interface Release {
  readonly context: PipelineContext;
  readonly version: ScannedVersion;
  readonly held: HeldFile;
  readonly destination: Destination;
  readonly run: StepRun;
}

/** How often one release begins anew because the server lost its upload, or policy changed its mind on the way. */
const maxBegins = 3;

async function send(work: Release): Promise<ReleaseOfHold> {
  const { context, version, held, destination, run } = work;
  if (held.sealedLength > destination.config.maxObjectSize)
    throw new Failure('object_too_large', { destination: held.destination });
  for (let begins = 1; ; begins++) {
    const refusal = await judgeAndAnnounce(work);
    if (refusal !== undefined) return { next: 'held', reason: refusal };
    const intent = await openIntentOf(work);
    if (intent === undefined)
      throw new Failure('internal', { detail: 'an intent that was just written is not open' });
    const file = new StagedFile(context, intent, run, () => foundStaged(context, version, held, run));
    const attempt = new UploadAttempt(context, version, destination, intent, file, run);
    try {
      const answer = await (intent.partSize === null ? attempt.runWhole(() => file.whole()) : attempt.run());
      if (answer.next === 'settled') {
        await dropUnneeded(context, held.sealingId);
        return { next: 'released', outcome: answer.outcome };
      }
    } catch (error) {
      if (error instanceof NotReproducible) {
        await attempt.startOver('staged_damaged');
        return noLongerWhole(context, held, 'damaged');
      }
      if (!isFailure(error, 'upload_missing') || begins >= maxBegins) throw error;
      await attempt.startOver('upload_gone');
    }
    if (begins >= maxBegins) throw new Failure('upload_missing', { destination: held.destination });
  }
}

async function noLongerWhole(
  context: PipelineContext,
  held: HeldFile,
  staged: 'damaged' | 'missing',
): Promise<ReleaseOfHold> {
  await noteStaged(context, held, staged);
  return { next: 'held', reason: `staged_${staged}` };
}

/**
 * Asks release about what a reader finds in the staged bytes, with the approvals. Allowed: their intent is open afterwards.
 * Denied: held for the new reason, which is given back.
 */
async function judgeAndAnnounce(work: Release): Promise<string | undefined> {
  const { context, version, held, destination, run } = work;
  const { catalog } = context;
  const released = await release(
    context,
    version,
    destination,
    await foundStaged(context, version, held, run),
  );
  const decided = { decisions: [released.row], events: [released.event] };
  if (!released.allow) {
    const isInfected = version.verdict.state === 'infected';
    const reason = isInfected ? 'infected' : (released.reasons[0]?.id ?? 'denied');
    const open = await openIntentOf(work);
    await catalog.write({
      ...decided,
      ...(open === undefined
        ? {}
        : { intentClosed: { id: open.id, state: 'aborted', reason: 'release_denied' } }),
      holdChange: { id: held.id, reason },
      placements: [
        {
          ...{ versionId: version.id, destination: held.destination, objectId: null, byteOffset: 0 },
          ...{ length: held.sealedLength, state: 'held', reason },
        },
      ],
      ...settling(version, 'held', reason),
    });
    return reason;
  }
  const intent = intentOf(work);
  await catalog.write({ ...decided, intent });
  // The very same bytes were announced before, and given up.
  await reopenIntent(catalog, intent.id);
  context.failPoints.reach('after-intent');
  return undefined;
}

function intentOf({ context, version, held, destination }: Release): IntentRow {
  const { name, prefix } = destination.config;
  const { scope, retention } = version.admission;
  const { sha512, sizeBytes } = version.content;
  return {
    id: context.ids.intent(held.sealingId, name),
    sealingId: held.sealingId,
    packId: null,
    destination: name,
    objectKey: context.keys.objectKey({ prefix, scope, sha512, iv: held.iv }),
    state: 'open',
    sealedLength: held.sealedLength,
    sealedSha256: held.sealedSha256,
    lockMode: retention.mode,
    lockDays: retention.days,
    metadata: null,
    sealerId: null,
    uploadId: null,
    partSize: sizeBytes <= smallContentBytes ? null : partSizeFor(held.sealedLength),
  };
}

async function openIntentOf({
  context,
  held,
}: Pick<Release, 'context' | 'held'>): Promise<OpenIntent | undefined> {
  const intent = await context.catalog.intentOf(held.versionId, held.destination);
  return intent?.state === 'open' && intent.sealingId === held.sealingId ? intent : undefined;
}
