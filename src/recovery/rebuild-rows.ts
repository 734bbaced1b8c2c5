import type { Ids } from '../domain/ids.ts';
import type { EntryKind, Id, Outcome } from '../domain/records.ts';
import { lateSignature, type SealedFormat } from '../manifest/records.ts';
import { objectScope } from '../pipeline/stored-as.ts';
import type { RecoveredFacts } from './version-recorder.ts';

/** A version as the scratch database has it. */
export interface ScratchVersion {
  readonly id: Id;
  readonly entry: Id;
  readonly observation: number;
  readonly kind: EntryKind;
  readonly outcome: Outcome;
  readonly scope: string;
  readonly journal: number | null;
  /** Whether a sealed file that it can rest on is there: 1 or 0; files only. */
  readonly placed: number;
  readonly row: string;
}

/** Where the sealed file of a version lies, and which object version was found for it. */
export interface ScratchPlace {
  readonly version: Id;
  readonly object: string;
  readonly foundId: string;
  readonly objectLength: number;
  /** Of a sealed file in a pack, where the pack's index was read. */
  readonly position: number | null;
  readonly offset: number;
  readonly length: number;
  readonly format: SealedFormat;
  readonly key: Id;
  readonly generation: number;
  readonly iv: string;
  readonly madeFor: Id;
  readonly sealedSha256: string | null;
  readonly lockMode: string;
  readonly retainUntil: string;
  readonly journal: number | null;
  readonly scope: string;
  readonly sha512: string;
}

const bytea = (hex: string): string => `\\x${hex}`;
const unknownMediaType = 'application/octet-stream';

/**
 * What a rebuilt catalog says became of a version. What rests on an object that is gone, or waited for an approval whose
 * sealed file nobody knows any more, has failed: so the next look at the file protects it anew, and the next manifest says so.
 */
function rebuiltOutcome(version: ScratchVersion): {
  outcome: Outcome;
  reason: string | null;
  journal: number | null;
} {
  const facts = factsOf(version);
  if (rests(version) && version.placed === 0 && facts.reason !== 'expired')
    return { outcome: 'failed', reason: 'object_lost', journal: null };
  if (version.outcome === 'held') return { outcome: 'failed', reason: 'hold_lost', journal: null };
  return { outcome: version.outcome, reason: facts.reason ?? null, journal: version.journal };
}

const rests = ({ kind, outcome }: ScratchVersion): boolean =>
  kind === 'file' && (outcome === 'uploaded' || outcome === 'duplicate');

/** Row of `contents`; undefined for a version without content. */
export function contentRow(version: ScratchVersion): object | undefined {
  const { sha512, sha256, size, mediaType } = factsOf(version);
  if (sha512 === undefined || sha256 === undefined) return undefined;
  return {
    sha512: bytea(sha512),
    sha256: bytea(sha256),
    size_bytes: size,
    media_type: mediaType ?? unknownMediaType,
  };
}

/** Row of `versions`; what was adopted was seen by this run first. What only the lost host knew (change time, device, inode) is 0, as no file has it. */
export function versionRow(version: ScratchVersion, { ids, run }: { ids: Ids; run: Id }): object {
  const facts = factsOf(version);
  return {
    id: version.id,
    entry_id: version.entry,
    observation: version.observation,
    run_id: version.journal === null ? run : facts.run,
    kind: version.kind,
    size_bytes: facts.size,
    mode: facts.mode,
    uid: facts.uid,
    gid: facts.gid,
    mtime_ns: facts.mtimeNs,
    ctime_ns: 0,
    device: 0,
    inode: 0,
    link_target:
      facts.linkTarget === undefined
        ? null
        : bytea(Buffer.from(facts.linkTarget, 'base64url').toString('hex')),
    hardlink: facts.hardlink ?? null,
    xattrs: facts.xattrs ?? null,
    xattrs_dropped: facts.xattrsDropped ?? null,
    sha512: facts.sha512 === undefined ? null : bytea(facts.sha512),
    admission: version.kind === 'file' ? knownAdmission(version, facts) : null,
    bundle_revision: facts.bundle ?? null,
    scan_id: facts.verdict === undefined ? null : ids.scan(version.id, facts.verdict.signatureRevision),
    late_signature:
      rests(version) && facts.verdict?.state === 'infected' ? lateSignature(facts.verdict) : null,
    ...rebuiltOutcome(version),
    observed_at: facts.observedAt,
    settled_at: facts.settledAt,
  };
}

/** Of admission's answer, as much as manifests tell. */
function knownAdmission({ scope }: ScratchVersion, facts: RecoveredFacts): object {
  return {
    scope,
    ...(facts.classification === undefined ? {} : { classification: facts.classification }),
    ...(facts.class === undefined ? {} : { retention: { class: facts.class } }),
  };
}

/** Row of `scans`; undefined where no verdict is known. */
export function scanRow(version: ScratchVersion, ids: Ids): object | undefined {
  const { verdict, sha512, settledAt } = factsOf(version);
  if (verdict === undefined || sha512 === undefined) return undefined;
  return {
    id: ids.scan(version.id, verdict.signatureRevision),
    version_id: version.id,
    sha512: bytea(sha512),
    state: verdict.state,
    reason: verdict.reason ?? null,
    signature: verdict.signature ?? null,
    engine: verdict.engine,
    signature_revision: verdict.signatureRevision,
    signatures_at: verdict.signaturesAt,
    signature_set: verdict.signatureSet,
    at: settledAt,
  };
}

/** What a place means in a catalog: rows of `sealings`, `pack_members`, `objects` and `placements`. */
export interface PlaceRows {
  readonly sealing: object;
  /** Undefined for a sealed file that is an object of its own. */
  readonly member: object | undefined;
  readonly object: object;
  readonly placement: object;
}

export function placeRows(
  place: ScratchPlace,
  {
    ids,
    destination,
    key,
    lock,
  }: { ids: Ids; destination: string; key: string; lock: { mode: string; retainUntil: string } },
): PlaceRows {
  const { madeFor, format, generation } = place;
  const sealingId = ids.sealing(madeFor, format, place.key, generation);
  const objectId = ids.object(destination, key, place.foundId);
  const packId = place.object.startsWith('packs/') ? ids.pack(place.object) : null;
  const sealedSha256 = place.sealedSha256 === null ? null : bytea(place.sealedSha256);
  const alone = { sealing_id: sealingId, sha512: bytea(place.sha512), sealed_sha256: sealedSha256 };
  return {
    sealing: {
      id: sealingId,
      version_id: madeFor,
      format,
      key_id: place.key,
      generation,
      iv: bytea(place.iv),
    },
    member:
      packId === null
        ? undefined
        : {
            pack_id: packId,
            // Unique and the same each time is all it has to be where the index cannot be read.
            position: place.position ?? place.offset,
            sealing_id: sealingId,
            sha512: bytea(place.sha512),
            byte_offset: place.offset,
            length: place.length,
            sha256: sealedSha256,
          },
    object: {
      id: objectId,
      destination,
      key,
      s3_version_id: place.foundId,
      length: place.objectLength,
      scope: objectScope(format, place.scope, place.key),
      format,
      lock_mode: lock.mode,
      retain_until: lock.retainUntil,
      state: 'live',
      pack_id: packId,
      ...(packId === null ? alone : { sealing_id: null, sha512: null, sealed_sha256: null }),
    },
    placement: {
      version_id: place.version,
      destination,
      object_id: objectId,
      byte_offset: place.offset,
      length: place.length,
      state: 'committed',
    },
  };
}

const factsOf = ({ row }: ScratchVersion): RecoveredFacts => JSON.parse(row) as RecoveredFacts;
