import type { Catalog, OpenIntent } from '../catalog/catalog.ts';
import { compositeSha256 } from '../storage/locks.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { findOurs } from './lock.ts';
import type { SentBytes } from './part-sender.ts';

/** An object that is there although nobody lived to record it. */
export interface Landed {
  readonly s3VersionId: string;
  readonly sent: Omit<SentBytes, 'checksum'> & { checksum: { kind: 'whole' | 'composite'; sha256: Buffer } };
}

/**
 * The object version that has exactly the bytes an open intent announced, in its lock mode: the write arrived and the
 * crash came before the commit. Undefined when there is none.
 */
export async function findLanded(
  catalog: Catalog,
  store: ObjectStore,
  intent: OpenIntent,
): Promise<Landed | undefined> {
  const sent = intent.partSize === null ? wholeOf(intent) : await partsOf(catalog, intent);
  if (sent.partCount === 0) return undefined;
  const floor = { mode: intent.lockMode, retainUntil: new Date(0) };
  const s3VersionId = await findOurs(store, intent.objectKey, { ...sent, floor });
  return s3VersionId === undefined ? undefined : { s3VersionId, sent };
}

function wholeOf(intent: OpenIntent): Landed['sent'] {
  const sha256 = intent.sealedSha256 ?? Buffer.alloc(0);
  return { lengthBytes: intent.sealedLength ?? 0, checksum: { kind: 'whole', sha256 }, partCount: 1 };
}

async function partsOf(catalog: Catalog, intent: OpenIntent): Promise<Landed['sent']> {
  const recorded = await catalog.intentParts(intent.id);
  return {
    lengthBytes: recorded.reduce((sum, part) => sum + part.length, 0),
    checksum: { kind: 'composite', sha256: compositeSha256(recorded) },
    partCount: recorded.length,
  };
}
