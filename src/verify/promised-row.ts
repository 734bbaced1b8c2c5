import type { PromisedFile, PromisedObject } from '../catalog/verify-query.ts';
import type { RestorableFile, RestoreRow } from '../restore/restore-index.ts';

/** Reading looks at content alone. */
const noMetadata = { mode: 0, uid: 0, gid: 0, mtimeNs: 0n };

/** A sealed file in an object, as a restore would ask for it: for the version it was made for. */
export function asRow(
  destination: string,
  { key, s3VersionId, format }: PromisedObject,
  { madeFor, keyId, offset, lengthBytes: length, sizeBytes, sha512 }: PromisedFile,
): { readonly row: RestoreRow; readonly version: RestorableFile } {
  const { versionId, entryId, path } = madeFor;
  const place = { destination, key, s3VersionId, offset, length, format, keyId, madeFor: versionId };
  const version = { ...noMetadata, id: versionId, kind: 'file', sizeBytes, sha512, place } as const;
  return { row: { entryId, path, version }, version };
}
