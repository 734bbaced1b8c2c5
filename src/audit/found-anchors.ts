import type { Id } from '../domain/records.ts';
import { fetchedAhead } from '../recovery/in-parallel.ts';
import { prefixed } from '../sealed/names.ts';
import type { ListedVersion, ObjectStore } from '../storage/object-store.ts';
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
}

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

/** What lies under the name of one anchor, newest first. Failures: the store's. */
export async function anchorVersions(
  place: AnchorPlace,
  key: string,
  number: number,
): Promise<FoundAnchor[]> {
  const versions = (await place.store.versionsOf(key)).filter(({ isDeleteMarker }) => !isDeleteMarker);
  return Promise.all(versions.map((version) => read(place, version, number)));
}

/** The number after the highest that any of the places has an authentic anchor for; 1 where none has any. Failures: the stores'. */
export async function numberAfterAnchors(places: readonly AnchorPlace[]): Promise<number> {
  let highest = 0;
  for (const place of places) {
    for await (const { number, signed } of foundAnchors(place))
      if (signed !== undefined) highest = Math.max(highest, number);
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

async function read(
  { store, repository, keys }: AnchorPlace,
  version: ListedVersion,
  number: number,
): Promise<FoundAnchor> {
  const bytes = version.lengthBytes > maxAnchorBytes ? undefined : await store.get(version);
  const signed = bytes && openAnchor(bytes, number, repository, keys);
  return { number, versionId: version.versionId, signed };
}
