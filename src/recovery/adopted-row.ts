import type { Id } from '../domain/records.ts';
import type { ManifestRow } from '../manifest/records.ts';
import type { SealedFacts } from '../sealed/open.ts';
import type { FoundVersion } from './bucket.ts';

/** Where a sealed file lies in its object. */
export interface SealedPlace {
  /** Bytes. */
  readonly offset: number;
  readonly length: number;
  /** Of the sealed bytes, hex; where they were read. */
  readonly sealedSha256?: string;
}

/** What a manifest would say of a version that only its sealed file tells of, found by that run. */
export function adoptedRow(
  { name, versionId, modifiedMs }: FoundVersion,
  place: SealedPlace,
  { metadata, path, iv, keyId }: SealedFacts,
  run: Id,
): ManifestRow {
  const observed = new Date(modifiedMs).toISOString();
  return {
    entry: metadata.entry,
    path: path.toString('base64url'),
    version: metadata.version,
    observation: metadata.observation,
    kind: 'file',
    outcome: 'uploaded',
    size: metadata.size,
    mode: metadata.mode,
    uid: metadata.uid,
    gid: metadata.gid,
    mtimeNs: metadata.mtimeNs,
    ...(metadata.hardlink === undefined ? {} : { hardlink: metadata.hardlink }),
    ...(metadata.xattrs === undefined ? {} : { xattrs: metadata.xattrs }),
    ...(metadata.xattrsDropped === undefined ? {} : { xattrsDropped: metadata.xattrsDropped }),
    sha512: metadata.sha512,
    sha256: metadata.sha256,
    class: metadata.class,
    run,
    observedAt: observed,
    settledAt: observed,
    placements: [
      {
        destination: '',
        object: name,
        s3VersionId: versionId,
        ...place,
        format: 'sealed-v1',
        key: keyId.toString('hex'),
        generation: 0,
        iv: iv.toString('hex'),
        madeFor: metadata.version,
        lockMode: 'GOVERNANCE',
        retainUntil: observed,
      },
    ],
  };
}
