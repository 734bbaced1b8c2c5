import type { OpenIntent } from '../catalog/catalog.ts';
import type { IntentRow } from '../catalog/rows.ts';
import { Failure } from '../domain/failures.ts';
import type { Lock } from '../domain/records.ts';
import type { SealAndUploadAnswer, VersionStep } from '../domain/steps.ts';
import { ContentChanged, readWhole } from '../files/segment-reader.ts';
import { openBytes } from '../sealed/open.ts';
import { sealWhole } from '../sealed/seal.ts';
import { commitUpload } from './commit.ts';
import { type Destination, destinationOf, type PipelineContext, type StepRun } from './context.ts';
import { withUnchangedFile } from './file.ts';
import { unlessChanged } from './guard.ts';
import { hold } from './hold.ts';
import { findLanded } from './landed.ts';
import { checkReadBack, findOurs } from './lock.ts';
import { type ScannedVersion, scanned } from './policy-input.ts';
import { decisionMinutes, type Released, release } from './release.ts';
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
  const { open, nextGeneration } = await lastIntent(context, version, destination);
  const ending = open && { intentClosed: { id: open.id, state: 'aborted' as const, reason: 'changed' } };
  const small: SmallUpload = { context, version, destination, nextGeneration, run };
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

/** Why policy wants a human to look at content that could not be scanned; undefined if it may go on. */
export function heldByVerdict({ verdict, admission }: ScannedVersion): string | undefined {
  if (verdict.state !== 'not_scanned' || verdict.reason === undefined) return undefined;
  return admission.scan.notScanned[verdict.reason] === 'allow' ? undefined : `not_scanned_${verdict.reason}`;
}

/** The newest intent of this version for the destination, and the generation a next sealing gets. */
export interface LastIntent {
  readonly open: OpenIntent | undefined;
  /** An IV that may have covered other bytes is never used again. */
  readonly nextGeneration: number;
}

export async function lastIntent(
  context: PipelineContext,
  version: ScannedVersion,
  destination: Destination,
): Promise<LastIntent> {
  const last = await context.catalog.intentOf(version.id, destination.config.name);
  return {
    open: last?.state === 'open' ? last : undefined,
    nextGeneration: last === undefined ? 0 : last.generation + 1,
  };
}

interface SmallUpload {
  readonly context: PipelineContext;
  readonly version: ScannedVersion;
  readonly destination: Destination;
  readonly nextGeneration: number;
  readonly run: StepRun;
}

interface Sealed {
  readonly sealing: Sealing;
  readonly bytes: Buffer;
  readonly sha256: Buffer;
}

/** Seals, has release judge what the independent reader finds, announces the upload, and sends it. Denied: held. */
async function begin(small: SmallUpload): Promise<SealAndUploadAnswer> {
  const { context, version, destination, nextGeneration: generation } = small;
  const content = await readContent(small);
  const sealed = seal(version, await drawSealing(context, version, generation), content);
  const released = await releaseSealed(small, sealed);
  if (!released.allow) return holdDenied(small, released);
  context.failPoints.reach('before-intent');
  const intent = announcement(context, version, destination, sealed);
  await context.catalog.write(announce(context, version, sealed, intent, released));
  return send(small, sealed, intent);
}

/**
 * Goes on where an earlier try stopped: commits what landed, or seals again under the announced IV and sends it. Bytes
 * that come out otherwise are not sent; a new sealing begins.
 */
async function resume(small: SmallUpload, intent: OpenIntent): Promise<SealAndUploadAnswer> {
  const { context, version, destination } = small;
  const landed = await findLanded(context.catalog, destination.store, intent);
  if (landed !== undefined) {
    const { sealedLength, sealedSha256, objectKey: key } = intent;
    const { mode, days } = version.admission.retention;
    // It was locked when it was written, perhaps days ago.
    const lock = await destination.store.lockUntil({ mode, days });
    await destination.store.extendLock({ key, versionId: landed.s3VersionId, lock });
    return readBackAndCommit(small, intent, landed.s3VersionId, {
      lengthBytes: sealedLength ?? 0,
      sha256: sealedSha256 ?? Buffer.alloc(0),
      floor: anyLock(version),
    });
  }
  const content = await readContent(small);
  const sealing = await drawSealing(context, version, intent.generation);
  const sealed = seal(version, sealing, content);
  if (sealing.row.id !== intent.sealingId || !intent.sealedSha256?.equals(sealed.sha256)) {
    await closeIntent(small, intent, 'not_reproducible');
    return begin(small);
  }
  const asked = { versionId: version.id, destination: destination.config.name };
  if (!(await context.catalog.releasedUnder(asked, context.bundleRevision, decisionMinutes))) {
    const released = await releaseSealed(small, sealed);
    if (!released.allow) {
      await closeIntent(small, intent, 'release_denied');
      return holdDenied(small, released);
    }
    await context.catalog.write({ decisions: [released.row], events: [released.event] });
  }
  return send(small, sealed, intent);
}

async function readContent({ context, version, run }: SmallUpload): Promise<Buffer> {
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

function closeIntent({ context }: SmallUpload, intent: OpenIntent, reason: string): Promise<void> {
  return context.catalog.write({ intentClosed: { id: intent.id, state: 'aborted', reason }, events: [] });
}

async function send(small: SmallUpload, sealed: Sealed, intent: IntentRow): Promise<SealAndUploadAnswer> {
  const { context, version, destination } = small;
  const { store } = destination;
  context.failPoints.reach('after-intent');
  const { mode, days } = version.admission.retention;
  const { bytes: body, sha256 } = sealed;
  const put = await store.put({ key: intent.objectKey, body, sha256, lock: { mode, days } });
  context.failPoints.reach('after-put');
  const floor = put.kind === 'stored' ? put.lock : anyLock(version);
  const expected = { lengthBytes: body.length, sha256, floor };
  const checksum = { kind: 'whole' as const, sha256 };
  const versionId =
    put.kind === 'stored'
      ? put.versionId
      : await findOurs(store, intent.objectKey, { ...expected, checksum });
  if (versionId === undefined) throw new Failure('planted_object', { destination: store.name });
  return readBackAndCommit(small, intent, versionId, expected);
}

async function readBackAndCommit(
  { context, version, destination }: SmallUpload,
  intent: IntentRow,
  s3VersionId: string,
  expected: { lengthBytes: number; sha256: Buffer; floor: Lock },
): Promise<SealAndUploadAnswer> {
  const { lengthBytes: length, sha256, floor } = expected;
  const facts = await destination.store.head({ key: intent.objectKey, versionId: s3VersionId });
  const checksum = { kind: 'whole' as const, sha256 };
  const lock = checkReadBack(destination.config.name, facts, { lengthBytes: length, checksum, floor });
  context.failPoints.reach('after-read-back');
  return commitUpload(context, version, destination, { intent, s3VersionId, length, lock, parts: 1 });
}

/** What was written before was locked from then on: its mode counts, the date is the one asked for at that time. */
const anyLock = (version: ScannedVersion): Lock => ({
  mode: version.admission.retention.mode,
  retainUntil: new Date(0),
});

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
