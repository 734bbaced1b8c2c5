import type { PromisedFile, PromisedObject } from '../catalog/verify-query.ts';
import { type ReadDeps, recordedSegments } from '../restore/content.ts';
import { gathered } from '../restore/neighbours.ts';
import type { RestorableFile, RestoreRow } from '../restore/restore-index.ts';
import { retrying } from '../restore/retry.ts';
import { readContentPack } from '../sealed/read-content-pack.ts';
import { damaged } from '../sealed/read-frame.ts';
import { believed, type Seen } from './believed.ts';
import { asRow } from './promised-row.ts';

/** What reading an object showed; of a pack also which sealed files in it are not what was written, by their offsets. */
export interface ContentRead {
  readonly result: Seen;
  readonly damaged?: readonly number[];
}

/** Reads all members of a pack, and its index, which recovery without a catalog needs. Failures as of readContent. */
export async function readPack(
  deps: ReadDeps,
  destination: string,
  object: PromisedObject,
  members: readonly PromisedFile[],
  onBytes: (count: number) => void,
): Promise<ContentRead> {
  const index = await believed(() => readIndex(deps, destination, object, members));
  if (index === 'missing' || index === 'unreadable') return { result: index };
  const lost: number[] = [];
  let ending: Seen | undefined;
  for await (const { row, neighbours } of gathered(rowsOf(destination, object, members))) {
    const version = row.version as RestorableFile;
    try {
      // The rest is still passed over: neighbours give their memory back when all of them are done.
      if (ending !== undefined) continue;
      const result = await readMember({ ...deps, neighbours }, deps, row, version, onBytes);
      if (result === 'missing' || result === 'unreadable') ending = result;
      if (result === 'tampered') lost.push(version.place.offset);
    } finally {
      neighbours?.leave();
    }
  }
  if (ending !== undefined) return { result: ending };
  return { result: lost.length > 0 ? 'tampered' : index, damaged: lost };
}

/** A member that is not what was written is read once more, and by itself then. */
async function readMember(
  together: ReadDeps,
  alone: ReadDeps,
  row: RestoreRow,
  version: RestorableFile,
  onBytes: (count: number) => void,
): Promise<Seen> {
  let deps = together;
  return believed(async () => {
    const using = deps;
    deps = alone;
    for await (const plain of recordedSegments(using, row, version)) onBytes(plain.length);
  });
}

async function* rowsOf(
  destination: string,
  object: PromisedObject,
  members: readonly PromisedFile[],
): AsyncGenerator<RestoreRow> {
  for (const member of members) yield asRow(destination, object, member).row;
}

/** Failure `tampered` where the index does not name a member where the catalog has it. */
async function readIndex(
  { stores, keys, signal, retryPausesMs }: ReadDeps,
  destination: string,
  { key, s3VersionId: versionId, lengthBytes }: PromisedObject,
  members: readonly PromisedFile[],
): Promise<void> {
  const store = stores.get(destination);
  if (store === undefined) throw new TypeError('an object of a destination that was not asked for');
  const read = (offset: number, length: number): Promise<Buffer> =>
    retrying(() => store.get({ key, versionId, range: { offset, length } }), signal, retryPausesMs);
  const objectName = key.slice(key.lastIndexOf('packs/'));
  const pack = await readContentPack({ lengthBytes, read }, { objectName, keyById: (id) => keys.byId(id) });
  const named = new Map(pack.members.map(({ version, offset, length }) => [version, `${offset} ${length}`]));
  const isSame = members.every(
    ({ madeFor, offset, lengthBytes: length }) => named.get(madeFor.versionId) === `${offset} ${length}`,
  );
  if (!isSame) throw damaged('its index does not name what the catalog has in it');
}
