import type { DatabaseSync } from 'node:sqlite';
import { parseAnchorName } from '../audit/head.ts';
import { retrying, throwIfInterrupted } from '../restore/retry.ts';
import { prefixed } from '../sealed/names.ts';
import type { Bucket } from './bucket.ts';

/** What a listing of all object versions told. */
export interface Listing {
  /** Object versions, delete markers left out. */
  readonly versions: number;
  readonly deleteMarkers: number;
  /** Versions of objects that recovery does not read. */
  readonly others: number;
  /** Prefixes under which a keyring was seen, where the one asked for is empty. */
  readonly prefixesSeen: readonly string[];
}

const ours =
  /^(?:keys\/root\/\d{8}|keys\/scope\/[0-9a-f]{32}\/[0-9a-f]{32}|keys\/host\/[0-9a-f]{32}|manifests\/[0-9a-f]{32}\/\d{12}|objects\/[0-9a-f]{128}-[0-9a-f]{32}|packs\/[0-9a-f]{64})$/;
const keyringElsewhere = /^(.+)\/keys\/root\/\d{8}$/;
/** More than anybody has; bounds what a hostile bucket can make us keep. */
const mostPrefixes = 20;
const progressEvery = 1_000;

/**
 * Lists every version of every object below the prefix into `found`. A delete marker hides nothing: it is counted and
 * that is all. Failures: the store's.
 */
export function listVersions(
  db: DatabaseSync,
  bucket: Bucket,
  onProgress: (versions: number) => void,
): Promise<Listing> {
  // A listing that breaks off is begun anew: the store gives no place to go on from.
  return retrying(() => listOnce(db, bucket, onProgress), bucket.signal, bucket.retryPausesMs);
}

async function listOnce(
  db: DatabaseSync,
  { store, prefix, signal }: Bucket,
  onProgress: (versions: number) => void,
): Promise<Listing> {
  db.exec('delete from found');
  const insert = db.prepare('insert into found values (?, ?, ?, ?, ?)');
  const below = prefixed(prefix, '');
  const prefixesSeen = new Set<string>();
  let [versions, deleteMarkers, others, number] = [0, 0, 0, 0];
  let last = '';
  for await (const listed of store.listVersions(below)) {
    throwIfInterrupted(signal);
    if (listed.isDeleteMarker) {
      deleteMarkers++;
      continue;
    }
    if (++versions % progressEvery === 0) onProgress(versions);
    const name = listed.key.slice(below.length);
    // The audit trail's: `audit verify` reads them.
    if (parseAnchorName(name) !== undefined) continue;
    if (!ours.test(name)) {
      others++;
      const elsewhere = keyringElsewhere.exec(name)?.[1];
      if (elsewhere !== undefined && prefixesSeen.size < mostPrefixes) prefixesSeen.add(elsewhere);
      continue;
    }
    number = name === last ? number + 1 : 0;
    last = name;
    insert.run(name, number, listed.versionId, listed.lengthBytes, listed.lastModified.getTime());
  }
  onProgress(versions);
  return { versions, deleteMarkers, others, prefixesSeen: [...prefixesSeen] };
}
