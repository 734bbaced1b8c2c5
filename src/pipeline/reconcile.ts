import { leftPacks, settleLeft } from '../batch/left-intents.ts';
import type { OpenIntent } from '../catalog/catalog.ts';
import { openCopies } from '../catalog/several-query.ts';
import { intentsUnder } from '../catalog/verify-query.ts';
import { isHeldOpen } from '../holds/held.ts';
import { commitUpload } from './commit.ts';
import { type Destination, destinationOf, type PipelineContext } from './context.ts';
import { findLanded } from './landed.ts';
import { checkReadBack } from './lock.ts';
import { admitted } from './policy-input.ts';

const hourMs = 60 * 60 * 1000;
/** An upload under a name of ours whose intent is closed; a younger one may belong to a step that is just ending. */
const leftAfterMs = hourMs;
/** An upload under a name that this catalog never announced may belong to a host with another catalog. */
const strayAfterMs = 7 * 24 * hourMs;

/**
 * Settles what crashes left behind. An open intent of a version without an outcome, or with an open hold, is its
 * workflow's business, which Temporal runs again. Where the version ended otherwise: an object that landed is committed as
 * the older version it is; if none did, the intent is closed. Uploads that no intent stands for are dropped.
 */
export async function reconcile(context: PipelineContext): Promise<void> {
  const open = await context.catalog.openIntents();
  const copies = await openCopies(context.catalog);
  for (const intent of open) {
    // Whoever copies between destinations goes on with what it began.
    if (copies.has(intent.id)) continue;
    await settleIntent(context, intent).catch((error: unknown) =>
      context.log.error({ err: error, intent: intent.id }, 'an open intent could not be settled'),
    );
  }
  const packs = await leftPacks(context.catalog);
  for (const intents of Map.groupBy(packs, ({ packId }) => packId).values()) {
    const ours = intents.filter(({ id }) => !copies.has(id));
    await settleLeft(context, ours, () => 0).catch((error: unknown) =>
      context.log.error({ err: error }, 'the open intent of a pack could not be settled'),
    );
  }
  const known = new Set(open.map((intent) => intent.objectKey));
  for (const destination of context.destinations.values()) {
    await dropStrays(context, destination, known).catch((error: unknown) =>
      context.log.warn({ err: error, destination: destination.config.name }, 'strays cannot be looked for'),
    );
  }
}

async function dropStrays(
  { log, catalog }: PipelineContext,
  { store, config }: Destination,
  known: ReadonlySet<string>,
): Promise<void> {
  const prefix = config.prefix === '' ? 'objects/' : `${config.prefix}/objects/`;
  for await (const upload of store.listMultiparts(prefix)) {
    const ageMs = Date.now() - upload.initiatedAt.getTime();
    if (known.has(upload.key) || ageMs < leftAfterMs) continue;
    const [announced] = await intentsUnder(catalog, config.name, [upload.key]);
    if (announced?.isOpen || (announced === undefined && ageMs < strayAfterMs)) continue;
    await store.abortMultipart(upload);
    log.info({ destination: config.name }, 'dropped an upload that no intent stands for');
  }
}

async function settleIntent(context: PipelineContext, intent: OpenIntent): Promise<void> {
  const version = admitted(await context.catalog.version(intent.versionId));
  if (version.outcome === undefined || (await isHeldOpen(context.catalog, intent))) return;
  const destination = destinationOf(context, intent.destination);
  const { store } = destination;
  const landed = await findLanded(context.catalog, store, intent);
  if (landed === undefined) {
    if (intent.uploadId !== null) {
      await store.abortMultipart({ key: intent.objectKey, uploadId: intent.uploadId });
    }
    await context.catalog.write({
      intentClosed: { id: intent.id, state: 'aborted', reason: `version_${version.outcome}` },
      events: [],
    });
    return;
  }
  const { s3VersionId, sent } = landed;
  const object = { key: intent.objectKey, versionId: s3VersionId };
  // It was locked when it was written, perhaps days ago.
  const wanted = await store.lockUntil({ mode: intent.lockMode, days: intent.lockDays });
  await store.extendLock({ ...object, lock: wanted });
  const facts = await store.head(object);
  const floor = { mode: intent.lockMode, retainUntil: new Date(0) };
  const lock = checkReadBack(store.name, facts, { ...sent, floor });
  const { lengthBytes: length, partCount: parts } = sent;
  await commitUpload(context, version, destination, {
    intent,
    keyId: intent.keyId,
    s3VersionId,
    length,
    lock,
    parts,
  });
  context.log.info({ version: version.id }, 'committed an object that a crash had left unrecorded');
}
