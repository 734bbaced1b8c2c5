import type { Catalog, OpenIntent, VersionFacts } from '../catalog/catalog.ts';
import type { IntentRow } from '../catalog/rows.ts';
import type { Id } from '../domain/records.ts';
import { destinationOf, type PipelineContext } from '../pipeline/context.ts';
import { findLanded } from '../pipeline/landed.ts';
import { checkReadBack } from '../pipeline/lock.ts';
import { admitted } from '../pipeline/policy-input.ts';
import { type Arrived, committed, type Lying } from './commit.ts';

/** An open intent of a pack or of one sealed file, and the versions that were to lie in the object. */
interface LeftIntent extends Omit<OpenIntent, 'sealingId' | 'versionId' | 'keyId' | 'generation' | 'iv'> {
  readonly sealingId: Id | null;
  readonly members: readonly { versionId: Id; keyId: Id; offset: number; length: number }[];
}

const leftIntents = `
  select i.id, i.sealing_id as "sealingId", i.pack_id as "packId", i.destination, i.object_key as "objectKey", i.state,
         i.sealed_length as "sealedLength", i.sealed_sha256 as "sealedSha256", i.lock_mode as "lockMode", i.lock_days as "lockDays",
         i.metadata, i.sealer_id as "sealerId", i.upload_id as "uploadId", i.part_size as "partSize",
         jsonb_agg(jsonb_build_object('versionId', v.id, 'keyId', s.key_id, 'offset', m.byte_offset, 'length', m.length)
           order by m.position) as members
  from intents i
  join lateral (
    select position, sealing_id, byte_offset, length from pack_members where pack_id = i.pack_id
    union all select 0, i.sealing_id, 0, i.sealed_length where i.sealing_id is not null
  ) m on true
  join sealings s on s.id = m.sealing_id join versions v on v.id = s.version_id
  where i.state = 'open' and i.part_size is null`;

/** What an earlier try of the batch announced and did not live to record. */
export function leftByBatch(catalog: Catalog, batchId: Id): Promise<LeftIntent[]> {
  return catalog.rows<LeftIntent>(
    `${leftIntents} and v.workflow_id = 'batch:' || $1 group by i.id order by i.opened_at`,
    [batchId],
  );
}

/** Packs that no batch under way is going to settle. */
export function leftPacks(catalog: Catalog): Promise<LeftIntent[]> {
  return catalog.rows<LeftIntent>(
    `${leftIntents} and i.pack_id is not null and not exists (
       select 1 from batches b where b.closed_at is null and 'batch:' || b.id = v.workflow_id)
     group by i.id order by i.opened_at`,
  );
}

/**
 * Settles what a crash left behind: an object that landed is committed with the versions in it that still need it; where
 * none did the intent is closed.
 *
 * @param hintOf what the look at a version answers: 0 where its batch is over
 */
export async function settleLeft(
  context: PipelineContext,
  left: readonly LeftIntent[],
  hintOf: (versionId: Id) => number,
): Promise<void> {
  const objects = Map.groupBy(left, (intent) => intent.packId ?? intent.sealingId);
  for (const intents of objects.values()) await settleObject(context, intents, hintOf);
}

async function settleObject(
  context: PipelineContext,
  intents: readonly LeftIntent[],
  hintOf: (versionId: Id) => number,
): Promise<void> {
  const arrived: Arrived[] = [];
  const absent: IntentRow[] = [];
  for (const intent of intents) {
    const found = await arrivedUnder(context, intent);
    if (found === undefined) absent.push(intent);
    else arrived.push(found);
  }
  const members = intents[0]?.members ?? [];
  const versions = await context.catalog.versions(members.map(({ versionId }) => versionId));
  const lying: Lying[] = members.flatMap(({ versionId, ...place }) => {
    const version = versions.get(versionId);
    return version === undefined
      ? []
      : [{ ...place, version: { ...admitted(version), hint: hintOf(versionId) } }];
  });
  const everywhere = absent.length === 0;
  await context.catalog.applyTogether([
    ...committed(context, arrived, lying, (version) => (everywhere && needsIt(version) ? {} : standing)),
    ...absent.map(({ id }) => ({
      intentClosed: { id, state: 'aborted' as const, reason: 'not_arrived' },
      events: [],
    })),
  ]);
  context.log.info(
    { arrived: arrived.length, absent: absent.length, versions: lying.length },
    'settled what a crash had left unrecorded',
  );
}

/** A version that ended otherwise meanwhile keeps its outcome, and one that lies in some of its destinations gets none yet. */
const standing = { settle: undefined, reservationEnded: undefined };

function needsIt({ outcome }: VersionFacts): boolean {
  return outcome === undefined || outcome === 'cancelled';
}

async function arrivedUnder(context: PipelineContext, intent: LeftIntent): Promise<Arrived | undefined> {
  const { store } = destinationOf(context, intent.destination);
  const landed = await findLanded(context.catalog, store, intent as unknown as OpenIntent);
  if (landed === undefined) return undefined;
  const { s3VersionId, sent } = landed;
  const object = { key: intent.objectKey, versionId: s3VersionId };
  // It was locked when it was written, perhaps days ago.
  const lock = await store.lockUntil({ mode: intent.lockMode, days: intent.lockDays });
  await store.extendLock({ ...object, lock });
  const floor = { mode: intent.lockMode, retainUntil: new Date(0) };
  return {
    intent,
    s3VersionId,
    lock: checkReadBack(store.name, await store.head(object), { ...sent, floor }),
  };
}
