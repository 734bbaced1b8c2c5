import { type Failure, isFailure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { fetchedAhead } from '../recovery/in-parallel.ts';
import { prefixed } from '../sealed/names.ts';
import type { ListedVersion, ObjectStore } from '../storage/object-store.ts';
import { s3Status } from '../storage/s3-errors.ts';
import { anchorsFolder, maxAnchorBytes, openAnchor, parseAnchorName, type SignedHead } from './head.ts';
import type { AuditPublicKey } from './keys.ts';

/** Where anchors lie, and what makes one authentic. */
export interface AnchorPlace {
  readonly store: ObjectStore;
  readonly prefix: string;
  readonly repository: Id;
  readonly keys: readonly AuditPublicKey[];
}

/** One object version under the name of an anchor. */
export interface FoundAnchor {
  readonly number: number;
  readonly versionId: string;
  /** Undefined: nothing that this repository signed for this name. */
  readonly signed: SignedHead | undefined;
  /** Absent where its bytes were read, or too many to be an anchor's. */
  readonly unread?: Unread;
}

/**
 * Why the server does not hand out what is there. `odd`: nobody gets it so, as what was encrypted with a key of somebody
 * else's or archived; no anchor is written so. `refused`: these credentials may not even ask what it is, which says nothing of
 * whose it is; with the store's failure.
 */
type Unread = { readonly why: 'odd' } | { readonly why: 'refused'; readonly failure: Failure };

/** What lies under the names of anchors, in no order. Failures: the store's. */
export async function* foundAnchors(
  place: AnchorPlace,
  onDone: (done: number) => void = () => {},
): AsyncGenerator<FoundAnchor> {
  let done = 0;
  for await (const found of fetchedAhead(listed(place), ({ version, number }) =>
    read(place, version, number),
  )) {
    onDone(++done);
    yield found;
  }
}

/** What lies under the name of one anchor, newest first. Failures: the store's, also where it refuses one of them. */
export async function anchorVersions(
  place: AnchorPlace,
  key: string,
  number: number,
): Promise<FoundAnchor[]> {
  const versions = (await place.store.versionsOf(key)).filter(({ isDeleteMarker }) => !isDeleteMarker);
  const found = await Promise.all(versions.map((version) => read(place, version, number)));
  for (const one of found) requireShown(one);
  return found;
}

/**
 * The number after the highest that any of the places has an authentic anchor for; 1 where none has any. Failures: the stores',
 * also where one refuses what may be an anchor.
 */
export async function numberAfterAnchors(places: readonly AnchorPlace[]): Promise<number> {
  let highest = 0;
  for (const place of places) {
    for await (const found of foundAnchors(place)) {
      requireShown(found);
      if (found.signed !== undefined) highest = Math.max(highest, found.number);
    }
  }
  return highest + 1;
}

async function* listed(place: AnchorPlace): AsyncGenerator<{ version: ListedVersion; number: number }> {
  const { store, prefix } = place;
  for await (const version of store.listVersions(prefixed(prefix, anchorsFolder))) {
    const number = parseAnchorName(version.key.slice(prefixed(prefix, '').length));
    if (number !== undefined && !version.isDeleteMarker) yield { version, number };
  }
}

function requireShown({ unread }: FoundAnchor): void {
  if (unread?.why === 'refused') throw unread.failure;
}

async function read(
  { store, repository, keys }: AnchorPlace,
  version: ListedVersion,
  number: number,
): Promise<FoundAnchor> {
  const { versionId } = version;
  if (version.lengthBytes > maxAnchorBytes) return { number, versionId, signed: undefined };
  try {
    const bytes = await store.get(version);
    return { number, versionId, signed: openAnchor(bytes, number, repository, keys) };
  } catch (error) {
    return { number, versionId, signed: undefined, unread: await whyUnread(store, version, error) };
  }
}

/** Throws the error where it says nothing of this one object: that the server is away, for example. */
async function whyUnread(store: ObjectStore, version: ListedVersion, error: unknown): Promise<Unread> {
  if (s3Status(error) === 400) return { why: 'odd' };
  if (!isFailure(error, 's3_denied')) throw error;
  try {
    await store.head(version);
    return { why: 'odd' };
  } catch (again) {
    if (!isFailure(again, 's3_denied')) throw again;
    return { why: 'refused', failure: error };
  }
}
