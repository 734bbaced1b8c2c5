import type { OpenIntent } from '../catalog/catalog.ts';
import type { IntentRow } from '../catalog/rows.ts';
import type { Id } from '../domain/records.ts';
import type { SealAndUploadAnswer, VersionStep } from '../domain/steps.ts';
import { ContentChanged, readWhole } from '../files/segment-reader.ts';
import { openBytes } from '../sealed/open.ts';
import { sealWhole } from '../sealed/seal.ts';
import { heldByVerdict, type LastIntent, lastIntent } from './before-sealing.ts';
import type { Destination, PipelineContext, StepRun } from './context.ts';
import { withUnchangedFile } from './file.ts';
import { unlessChanged } from './guard.ts';
import { hold } from './hold.ts';
import { findLanded } from './landed.ts';
import { sealAndUploadMessage } from './message-steps.ts';
import { type ScannedVersion, scanned } from './policy-input.ts';
import { commitLanded, putWhole } from './put-whole.ts';
import { decisionMinutes, type Released, release } from './release.ts';
import { drawSealing, foundSealing, type Sealing, sealEvent, sealPlan, sha256, sha512 } from './sealing.ts';
import { settledAs } from './settle.ts';
import { eachDestination } from './several.ts';
import { shareExisting } from './share.ts';

/** Steps 5 to 9 of small content, in memory: seal, release, upload with one PUT, read back, commit. */
export async function sealAndUpload(
  context: PipelineContext,
  { versionId }: VersionStep,
  run: StepRun,
): Promise<SealAndUploadAnswer> {
  const version = scanned(await context.catalog.version(versionId));
  if (version.outcome !== undefined) return settledAs(context, version);
  const isMessage = version.admission.format === 'openpgp';
  let read: Promise<Buffer> | undefined;
  const content = (): Promise<Buffer> => {
    read ??= readContent(context, version, run);
    return read;
  };
  const toOne = (version: ScannedVersion, destination: Destination): Promise<SealAndUploadAnswer> =>
    isMessage
      ? sealAndUploadMessage({ context, version, destination, run })
      : sealAndUploadTo({ context, version, destination, content, run });
  return eachDestination<SealAndUploadAnswer>(context, version, toOne, isMessage);
}

async function sealAndUploadTo(work: Omit<SmallUpload, 'last'>): Promise<SealAndUploadAnswer> {
  const { context, version, destination, run } = work;
  const last = await lastIntent(context, version, destination);
  const { open } = last;
  const ending = open && { intentClosed: { id: open.id, state: 'aborted' as const, reason: 'changed' } };
  const small: SmallUpload = { ...work, last };
  return unlessChanged<SealAndUploadAnswer>(
    context,
    version,
    async () => {
      if (open === undefined) {
        const reason = heldByVerdict(version);
        if (reason !== undefined) return hold(context, version, destination, { reason }, run);
        const shared = await shareExisting(context, version, destination, run);
        if (shared !== undefined) return shared;
      }
      return context.semaphores.upload.run(
        () => (open === undefined ? begin(small) : resume(small, open)),
        run.patienceMs,
      );
    },
    ending,
  );
}

interface SmallUpload {
  readonly context: PipelineContext;
  readonly version: ScannedVersion;
  readonly destination: Destination;
  readonly last: LastIntent;
  /** Reads the file, once for all destinations. */
  readonly content: () => Promise<Buffer>;
  readonly run: StepRun;
}

interface Sealed {
  readonly sealing: Sealing;
  readonly bytes: Buffer;
  readonly sha256: Buffer;
}

/** Seals, has release judge what the independent reader finds, announces the upload, and sends it. Denied: held. */
async function begin(small: SmallUpload): Promise<SealAndUploadAnswer> {
  const { context, version, destination, last } = small;
  const content = await small.content();
  const sealedUnder = async (generation: number): Promise<Sealed> =>
    seal(version, await drawSealing(context, version, generation), content);
  let sealed = await sealedUnder(last.nextGeneration);
  if (last.sealedSha256 !== undefined && !last.sealedSha256.equals(sealed.sha256))
    sealed = await sealedUnder(last.nextGeneration + 1);
  context.failPoints.reach('after-seal');
  const released = await releaseSealed(small, sealed);
  if (!released.allow) return holdDenied(small, released);
  context.failPoints.reach('before-intent');
  const intent = announcement(context, version, destination, sealed);
  await context.catalog.write(announce(context, version, sealed, intent, released));
  // The policy may have been switched since release was asked.
  if (released.row.bundleRevision !== context.bundleRevision) {
    const held = await releaseAgain(small, sealed, intent.id);
    if (held !== undefined) return held;
  }
  return putWhole({ ...small, intent, keyId: sealed.sealing.row.keyId }, sealed.bytes, sealed.sha256);
}

/**
 * Goes on where an earlier try stopped: commits what landed, or seals again under the announced IV and sends it. Bytes
 * that come out otherwise are not sent; a new sealing begins.
 */
async function resume(small: SmallUpload, intent: OpenIntent): Promise<SealAndUploadAnswer> {
  const { context, version, destination } = small;
  const landed = await findLanded(context.catalog, destination.store, intent);
  if (landed !== undefined) return commitLanded({ ...small, intent, keyId: intent.keyId }, landed);
  const content = await small.content();
  const sealing = await drawSealing(context, version, intent.generation);
  const sealed = seal(version, sealing, content);
  if (sealing.row.id !== intent.sealingId || !intent.sealedSha256?.equals(sealed.sha256)) {
    await closeIntent(small, intent.id, 'not_reproducible');
    return begin({ ...small, last: await lastIntent(context, version, destination) });
  }
  const asked = { versionId: version.id, destination: destination.config.name };
  if (!(await context.catalog.releasedUnder(asked, context.bundleRevision, decisionMinutes))) {
    const held = await releaseAgain(small, sealed, intent.id);
    if (held !== undefined) return held;
  }
  return putWhole({ ...small, intent, keyId: sealed.sealing.row.keyId }, sealed.bytes, sealed.sha256);
}

async function readContent(context: PipelineContext, version: ScannedVersion, run: StepRun): Promise<Buffer> {
  const content = await withUnchangedFile(context, version, async (handle) =>
    readWhole(handle, { ...version, sizeBytes: version.content.sizeBytes }),
  );
  if (content === 'changed') throw new ContentChanged(0);
  run.heartbeat();
  return content;
}

/** Asks release about what a reader that shares nothing with the sealer finds in the sealed bytes. */
async function releaseSealed(small: SmallUpload, sealed: Sealed): Promise<Released> {
  const { context, version, destination } = small;
  const opened = await openBytes(sealed.bytes, { keys: (id) => context.keys.byId(id), purpose: 'content' });
  const matches = sha512(opened.content()).equals(version.content.sha512);
  return release(context, version, destination, foundSealing(context, version, opened, matches));
}

function holdDenied({ context, version, destination, run }: SmallUpload, released: Released) {
  return hold(context, version, destination, { reason: released.reasons[0]?.id ?? 'denied', released }, run);
}

/** Asks release once more before the first byte of an announced upload. Undefined: it may go. */
async function releaseAgain(
  small: SmallUpload,
  sealed: Sealed,
  intentId: Id,
): Promise<SealAndUploadAnswer | undefined> {
  const released = await releaseSealed(small, sealed);
  if (released.allow) {
    await small.context.catalog.write({ decisions: [released.row], events: [released.event] });
    return undefined;
  }
  await closeIntent(small, intentId, 'release_denied');
  return holdDenied(small, released);
}

function closeIntent({ context }: SmallUpload, intentId: Id, reason: string): Promise<void> {
  return context.catalog.write({ intentClosed: { id: intentId, state: 'aborted', reason }, events: [] });
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
    packId: null,
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
        byteOffset: 0,
        length: null,
        state: 'uploading' as const,
        reason: null,
      },
    ],
    events: [
      sealEvent(context, version, sealed.sealing.row, {
        sealedLength: sealed.bytes.length,
        sealedSha256: sealed.sha256.toString('hex'),
      }),
      released.event,
    ],
  };
}
