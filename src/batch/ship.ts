import type { Change } from '../catalog/rows.ts';
import { Failure } from '../domain/failures.ts';
import { destinationOf, type StepRun } from '../pipeline/context.ts';
import { checkReadBack, findOurs } from '../pipeline/lock.ts';
import { type Arrived, committed } from './commit.ts';
import { type BatchContext, itemDone, write } from './file.ts';
import type { Shipment } from './shipment.ts';

/** Announces what is going to be sent, in one transaction; from here on a crash leaves an open intent behind. */
export async function announce({ context }: BatchContext, shipments: readonly Shipment[]): Promise<void> {
  await context.catalog.applyTogether([
    ...shipments.flatMap(({ files }) => files.map(({ file }) => file.change)),
    ...shipments.flatMap(({ intents, packMembers }) =>
      intents.map((intent, index) => ({ intent, ...(index === 0 ? { packMembers } : {}), events: [] })),
    ),
  ]);
  context.failPoints.reach('after-intent');
}

/** Requests at once: one, unless destinations are several or objects many. */
const sentAtOnce = 4;

/** Makes durable what has arrived: step 9. Nothing it needs is a file's content. */
export type Recording = () => Promise<void>;

/**
 * Steps 7 and 8 of what is announced; what it gives takes step 9.
 *
 * @param goodUntil when release's answers end, milliseconds since 1970: no first byte goes out later
 */
export async function ship(
  batch: BatchContext,
  shipments: readonly Shipment[],
  goodUntil: number,
  run: StepRun,
): Promise<Recording> {
  const { context } = batch;
  // Nothing is sent by an answer of an epoch that has ended: the next try gives up what is announced, and asks again.
  if (shipments.some((shipment) => isOfAnotherEpoch(shipment, context.bundleRevision)))
    throw new Failure('policy_unavailable', { detail: 'the policy was switched meanwhile' });
  const queue = shipments
    .flatMap((shipment) => shipment.intents.map((intent) => ({ shipment, intent })))
    .values();
  const arrived: Arrived[] = [];
  // All of them end before one's failure counts: nothing is on its way when the next try looks what has arrived.
  const attempts = await Promise.allSettled(
    Array.from({ length: sentAtOnce }, async () => {
      for (const { shipment, intent } of queue) {
        if (Date.now() > goodUntil)
          throw new Failure('policy_unavailable', { detail: 'the answer has become too old' });
        arrived.push(await send(batch, shipment, intent, run));
      }
    }),
  );
  const failed = attempts.find((attempt) => attempt.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  context.failPoints.reach('after-read-back');
  return recording(
    batch,
    shipments.flatMap((shipment) => {
      const lying = shipment.files.map(({ file, row, bytes, offset }) => {
        return { version: file.version, keyId: row.keyId, offset, length: bytes.length };
      });
      const items = new Map(shipment.files.map(({ file }) => [file.version.id, file.item]));
      const own = arrived.filter(({ intent }) => shipment.intents.includes(intent));
      return committed(context, own, lying, ({ id }) => {
        const item = items.get(id);
        return item === undefined ? {} : itemDone(batch, item);
      });
    }),
  );
}

/** A function of its own, whose closure holds rows and no bytes. */
function recording(batch: BatchContext, changes: readonly Change[]): Recording {
  return async () => {
    await write(batch, changes);
    batch.context.failPoints.reach('after-commit');
  };
}

function isOfAnotherEpoch({ files }: Shipment, bundleRevision: string): boolean {
  return files.some(({ file }) =>
    file.change.decisions?.some((row) => row.gate === 'release' && row.bundleRevision !== bundleRevision),
  );
}

async function send(
  { context }: BatchContext,
  { body, sha256 }: Shipment,
  intent: Arrived['intent'],
  run: StepRun,
): Promise<Arrived> {
  const { store } = destinationOf(context, intent.destination);
  const { objectKey: key, lockMode: mode, lockDays: days } = intent;
  run.heartbeat();
  const put = await store.put({ key, body, sha256, lock: { mode, days } });
  context.failPoints.reach('after-put');
  const floor = put.kind === 'stored' ? put.lock : { mode, retainUntil: new Date(0) };
  const expected = { lengthBytes: body.length, checksum: { kind: 'whole' as const, sha256 }, floor };
  const s3VersionId = put.kind === 'stored' ? put.versionId : await findOurs(store, key, expected);
  if (s3VersionId === undefined) throw new Failure('planted_object', { destination: store.name });
  const facts = await store.head({ key, versionId: s3VersionId });
  run.heartbeat();
  return { intent, s3VersionId, lock: checkReadBack(store.name, facts, expected) };
}
