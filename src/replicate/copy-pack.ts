import { hash } from 'node:crypto';
import { committed, type Lying } from '../batch/commit.ts';
import {
  openPackCopyIntent,
  type PackedSealing,
  type PackSource,
  packedSealings,
} from '../catalog/replicate-query.ts';
import type { IntentRow } from '../catalog/rows.ts';
import { Failure } from '../domain/failures.ts';
import { type Destination, destinationOf, type PipelineContext } from '../pipeline/context.ts';
import { checkReadBack, findOurs } from '../pipeline/lock.ts';
import type { ScannedVersion } from '../pipeline/policy-input.ts';
import { release } from '../pipeline/release.ts';
import { foundSealing } from '../pipeline/sealing.ts';
import type { ReadDeps } from '../restore/content.ts';
import { retrying } from '../restore/retry.ts';
import { prefixed } from '../sealed/names.ts';
import { type OpenedBytes, openBytes } from '../sealed/open.ts';
import { copiedVersion, recordRefusal } from './copied-version.ts';

/**
 * Copies a pack whole: every sealed file in it is verified and released for itself first. Gives how many versions have their
 * copy then; 0 where not all of them may go, or the pack is not what was sent: its files are copied one by one then.
 * Failures: the stores'.
 */
export async function copyPack(
  context: PipelineContext,
  reading: ReadDeps,
  to: string,
  source: PackSource,
): Promise<number> {
  const destination = destinationOf(context, to);
  const body = await readWhole(reading, source);
  if (!hash('sha256', body, 'buffer').equals(source.sha256)) return 0;
  const lying: Lying[] = [];
  for (const packed of await packedSealings(context.catalog, source.packId)) {
    const version = await releasedMember(context, destination, source, packed, body);
    if (version === undefined) return 0;
    lying.push({ version, keyId: packed.keyId, offset: packed.offset, length: packed.length });
  }
  const intent = packIntent(context, destination, source, lying);
  if (!(await openPackCopyIntent(context.catalog, intent))) return 0;
  context.failPoints.reach('after-intent');
  const { objectKey: key, lockMode: mode, lockDays: days } = intent;
  const { store } = destination;
  const put = await store.put({ key, body, sha256: source.sha256, lock: { mode, days } });
  context.failPoints.reach('after-put');
  const floor = put.kind === 'stored' ? put.lock : { mode, retainUntil: new Date(0) };
  const checksum = { kind: 'whole' as const, sha256: source.sha256 };
  const expected = { lengthBytes: body.length, checksum, floor };
  const s3VersionId = put.kind === 'stored' ? put.versionId : await findOurs(store, key, expected);
  if (s3VersionId === undefined) throw new Failure('planted_object', { destination: to });
  if (put.kind === 'exists')
    await store.extendLock({ key, versionId: s3VersionId, lock: await store.lockUntil({ mode, days }) });
  const lock = checkReadBack(to, await store.head({ key, versionId: s3VersionId }), expected);
  context.failPoints.reach('after-read-back');
  await context.catalog.applyTogether(committed(context, [{ intent, s3VersionId, lock }], lying, () => ({})));
  context.failPoints.reach('after-commit');
  return lying.length;
}

function readWhole({ stores, signal, retryPausesMs }: ReadDeps, source: PackSource): Promise<Buffer> {
  const store = stores.get(source.destination);
  if (store === undefined) throw new Failure('destination_unknown', { destination: source.destination });
  const { key, s3VersionId: versionId } = source;
  return retrying(() => store.get({ key, versionId }), signal, retryPausesMs);
}

/** The version of a sealed file in the pack, once release allows it there; its decision is on record. */
async function releasedMember(
  context: PipelineContext,
  destination: Destination,
  source: PackSource,
  { versionId, keyId, offset, length }: PackedSealing,
  body: Buffer,
): Promise<ScannedVersion | undefined> {
  const place = { lock: source.lock, format: 'sealed-v1' as const };
  const version = await copiedVersion(context, versionId, destination, place);
  const opened = openMember(context, keyId, body.subarray(offset, offset + length));
  if (version === undefined || !contentOf(opened).equals(version.content.sha512)) return undefined;
  const sealing = foundSealing(context, version, opened, true);
  const released = await release(context, version, destination, sealing);
  if (!released.allow) {
    await recordRefusal(context, version, destination.config.name, released);
    return undefined;
  }
  await context.catalog.write({ decisions: [released.row], events: [released.event] });
  return version;
}

function openMember({ keys }: PipelineContext, keyId: string, bytes: Buffer): OpenedBytes {
  return openBytes(bytes, {
    keys(id) {
      if (id.toString('hex') !== keyId)
        throw new Failure('tampered', { detail: 'it is sealed with another key than the catalog names' });
      return keys.byId(id);
    },
    purpose: 'content',
  });
}

const contentOf = (opened: OpenedBytes): Buffer => hash('sha512', opened.content(), 'buffer');

function packIntent(
  { ids }: PipelineContext,
  { config }: Destination,
  { packId, key, length, sha256 }: PackSource,
  lying: readonly Lying[],
): IntentRow {
  const locks = lying.map(({ version }) => version.admission.retention);
  return {
    id: ids.intent(packId, config.name),
    sealingId: null,
    packId,
    destination: config.name,
    // The same name in every destination: its last two parts.
    objectKey: prefixed(config.prefix, key.split('/').slice(-2).join('/')),
    state: 'open',
    sealedLength: length,
    sealedSha256: sha256,
    lockMode: locks.some(({ mode }) => mode === 'COMPLIANCE') ? 'COMPLIANCE' : 'GOVERNANCE',
    lockDays: Math.max(...locks.map(({ days }) => days)),
    ...{ metadata: null, sealerId: null, uploadId: null, partSize: null },
  };
}
