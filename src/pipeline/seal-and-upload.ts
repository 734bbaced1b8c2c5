import type { OpenIntent } from '../catalog/catalog.ts';
import type { IntentRow } from '../catalog/rows.ts';
import { Failure } from '../domain/failures.ts';
import type { SealAndUploadAnswer, VersionStep } from '../domain/steps.ts';
import { ContentChanged, readWhole } from '../files/segment-reader.ts';
import { openBytes } from '../sealed/open.ts';
import { sealWhole } from '../sealed/seal.ts';
import { commitUpload } from './commit.ts';
import { type Destination, destinationOf, type PipelineContext, type StepRun } from './context.ts';
import { withUnchangedFile } from './file.ts';
import { unlessChanged } from './guard.ts';
import { hold } from './hold.ts';
import { checkReadBack, findOurs } from './lock.ts';
import { type ScannedVersion, scanned } from './policy-input.ts';
import { type Released, release } from './release.ts';
import { drawSealing, foundSealing, type Sealing, sealEvent, sealPlan, sha256, sha512 } from './sealing.ts';
import { settledAs } from './settle.ts';
import { shareExisting } from './share.ts';

/** Steps 5 to 9 of small content, in memory: seal, release, upload with one PUT, read back, commit. */
export async function sealAndUpload(
  context: PipelineContext,
  { versionId }: VersionStep,
  run: StepRun,
): Promise<SealAndUploadAnswer> {
  const version = scanned(await context.catalog.version(versionId));
  if (version.outcome !== undefined) return settledAs(context, version);
  const destination = destinationOf(context, version.admission.destinations[0] ?? '');
  return unlessChanged(context, version, async () => {
    const open = await openIntent(context, version, destination);
    if (open === undefined) {
      const reason = heldByVerdict(version);
      if (reason !== undefined) return hold(context, version, destination, { reason }, run);
      const shared = await shareExisting(context, version, destination, run);
      if (shared !== undefined) return shared;
    }
    return context.semaphores.upload.run(
      () => uploadSmall(context, version, destination, open, run),
      run.patienceMs,
    );
  });
}

/** Why policy wants a human to look at content that could not be scanned; undefined if it may go on. */
export function heldByVerdict({ verdict, admission }: ScannedVersion): string | undefined {
  if (verdict.state !== 'not_scanned' || verdict.reason === undefined) return undefined;
  return admission.scan.notScanned[verdict.reason] === 'allow' ? undefined : `not_scanned_${verdict.reason}`;
}

export async function openIntent(
  context: PipelineContext,
  version: ScannedVersion,
  destination: Destination,
): Promise<OpenIntent | undefined> {
  const intent = await context.catalog.intentOf(version.id, destination.config.name);
  return intent?.state === 'open' ? intent : undefined;
}

/** The generation a new sealing of this version gets: an IV that may have covered other bytes is never used again. */
export async function nextGeneration(
  context: PipelineContext,
  version: ScannedVersion,
  destination: Destination,
): Promise<number> {
  const last = await context.catalog.intentOf(version.id, destination.config.name);
  return last === undefined ? 0 : last.generation + 1;
}

interface Sealed {
  readonly sealing: Sealing;
  readonly bytes: Buffer;
  readonly sha256: Buffer;
}

async function uploadSmall(
  context: PipelineContext,
  version: ScannedVersion,
  destination: Destination,
  open: OpenIntent | undefined,
  run: StepRun,
): Promise<SealAndUploadAnswer> {
  const content = await withUnchangedFile(context, version, async (handle) =>
    readWhole(handle, { ...version, sizeBytes: version.content.sizeBytes }),
  );
  if (content === 'changed') throw new ContentChanged(0);
  run.heartbeat();

  const resumed = open && (await reseal(context, version, open, content));
  const ready = resumed ?? (await sealReleased(context, version, destination, content, run));
  if ('next' in ready) return ready;
  const { sealed, intent } = ready;
  context.failPoints.reach('after-intent');

  const { mode, days } = version.admission.retention;
  const put = await destination.store.put({
    key: intent.objectKey,
    body: sealed.bytes,
    sha256: sealed.sha256,
    lock: { mode, days },
  });
  context.failPoints.reach('after-put');
  const expected = {
    lengthBytes: sealed.bytes.length,
    checksum: { kind: 'whole' as const, sha256: sealed.sha256 },
    floor: put.kind === 'stored' ? put.lock : { mode, retainUntil: new Date(0) },
  };
  const versionId =
    put.kind === 'stored' ? put.versionId : await findOurs(destination.store, intent.objectKey, expected);
  if (versionId === undefined) throw new Failure('planted_object', { destination: destination.config.name });
  const facts = await destination.store.head({ key: intent.objectKey, versionId });
  const lock = checkReadBack(destination.config.name, facts, expected);
  context.failPoints.reach('after-read-back');
  return commitUpload(context, version, destination, {
    intent,
    s3VersionId: versionId,
    length: sealed.bytes.length,
    lock,
    parts: 1,
  });
}

/** Seals again what an earlier try had announced. Undefined, and the intent closed, if the bytes come out otherwise. */
async function reseal(
  context: PipelineContext,
  version: ScannedVersion,
  intent: OpenIntent,
  content: Buffer,
): Promise<{ sealed: Sealed; intent: IntentRow } | undefined> {
  const sealing = await drawSealing(context, version, intent.generation);
  if (sealing.row.id === intent.sealingId) {
    const sealed = seal(version, sealing, content);
    if (intent.sealedSha256?.equals(sealed.sha256)) return { sealed, intent };
  }
  await context.catalog.write({
    intentClosed: { id: intent.id, state: 'aborted', reason: 'not_reproducible' },
    events: [],
  });
  return undefined;
}

/**
 * Seals, has the sealed bytes read by the independent reader, asks release about what that reader found, and announces
 * the upload. Denied: held.
 */
async function sealReleased(
  context: PipelineContext,
  version: ScannedVersion,
  destination: Destination,
  content: Buffer,
  run: StepRun,
): Promise<{ sealed: Sealed; intent: IntentRow } | SealAndUploadAnswer> {
  const generation = await nextGeneration(context, version, destination);
  const sealed = seal(version, await drawSealing(context, version, generation), content);
  const opened = await openBytes(sealed.bytes, { keys: (id) => context.keys.byId(id), purpose: 'content' });
  const found = foundSealing(
    context,
    version,
    opened,
    sha512(opened.content()).equals(version.content.sha512),
  );
  const released = await release(context, version, destination, found);
  if (!released.allow)
    return hold(
      context,
      version,
      destination,
      { reason: released.reasons[0]?.id ?? 'denied', released },
      run,
    );
  context.failPoints.reach('before-intent');
  const intent = announcement(context, version, destination, sealed);
  await context.catalog.write(announce(context, version, sealed, intent, released));
  return { sealed, intent };
}

function seal(version: ScannedVersion, sealing: Sealing, content: Buffer): Sealed {
  const bytes = sealWhole(sealPlan(version, sealing), content);
  return { sealing, bytes, sha256: sha256(bytes) };
}

function announcement(
  context: PipelineContext,
  version: ScannedVersion,
  destination: Destination,
  sealed: Sealed,
): IntentRow {
  const { name, prefix } = destination.config;
  const { mode, days } = version.admission.retention;
  const { row } = sealed.sealing;
  return {
    id: context.ids.intent(row.id, name),
    sealingId: row.id,
    destination: name,
    objectKey: context.keys.objectKey({
      prefix,
      scope: version.admission.scope,
      sha512: version.content.sha512,
      iv: row.iv,
    }),
    state: 'open',
    sealedLength: sealed.bytes.length,
    sealedSha256: sealed.sha256,
    lockMode: mode,
    lockDays: days,
    metadata: null,
    sealerId: null,
    uploadId: null,
    partSize: null,
  };
}

function announce(
  context: PipelineContext,
  version: ScannedVersion,
  sealed: Sealed,
  intent: IntentRow,
  released: Released,
) {
  return {
    intent,
    decisions: [released.row],
    placements: [
      {
        versionId: version.id,
        destination: intent.destination,
        objectId: null,
        length: null,
        state: 'uploading' as const,
        reason: null,
      },
    ],
    events: [
      sealEvent(context, version, sealed.sealing, {
        sealedLength: sealed.bytes.length,
        sealedSha256: sealed.sha256.toString('hex'),
      }),
      released.event,
    ],
  };
}
