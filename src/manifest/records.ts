import type {
  EntryKind,
  Id,
  LockMode,
  Outcome,
  SealedFormat,
  SignatureSet,
  VerdictReason,
  VerdictState,
} from '../domain/records.ts';

/** First line of every section of a manifest: docs/format.md section 6.3. JSON, exactly these members. */
export interface ManifestHead {
  readonly v: 1;
  /** Id of the source. */
  readonly source: Id;
  /** Its name. */
  readonly name: string;
  /** 1 to 999,999,999,999, without gaps unless a number was taken by something that does not authenticate. */
  readonly number: number;
  readonly kind: 'journal' | 'checkpoint';
  /** Which part of its checkpoint this is, from 2: a first part has none, nor has a journal. */
  readonly part?: number;
  /** Whether this ends its checkpoint; a journal is always whole. */
  readonly last: boolean;
  /** SHA-256 of the manifest before, hex; null for the first. */
  readonly previousSha256: string | null;
  /** ISO 8601 UTC. */
  readonly createdAt: string;
}

/** One settled version: a further line of a section. JSON; bytes that need not be UTF-8 are base64url. */
export interface ManifestRow {
  readonly entry: Id;
  /** base64url of the path's bytes inside the source. */
  readonly path: string;
  readonly version: Id;
  readonly observation: number;
  readonly kind: EntryKind;
  readonly outcome: Outcome;
  readonly reason?: string;
  readonly size: number;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Decimal nanoseconds since 1970 UTC. */
  readonly mtimeNs: string;
  /** base64url. */
  readonly linkTarget?: string;
  readonly hardlink?: Id;
  /** Name to base64 of the value. */
  readonly xattrs?: Readonly<Record<string, string>>;
  /** How many extended attributes could not be recorded, at least 1. */
  readonly xattrsDropped?: number;
  /** Content, files only; hex. */
  readonly sha512?: string;
  readonly sha256?: string;
  readonly mediaType?: string;
  /** Retention class. */
  readonly class?: string;
  readonly classification?: string;
  /** Revision of the policy bundle that admitted it, hex. */
  readonly bundle?: string;
  readonly run: Id;
  /** ISO 8601 UTC. */
  readonly observedAt: string;
  readonly settledAt: string;
  readonly verdict?: ManifestVerdict;
  /** Where it lies; none for folders, links and what was not uploaded. */
  readonly placements?: readonly ManifestPlacement[];
}

export interface ManifestVerdict {
  readonly state: VerdictState;
  readonly reason?: VerdictReason;
  readonly signature?: string;
  readonly engine: string;
  readonly signatureRevision: string;
  readonly signaturesAt: string;
  readonly signatureSet: SignatureSet;
}

/** The signature that found protected content infected, as the catalog keeps it with the version. */
export const lateSignature = ({ signature = 'unknown' }: ManifestVerdict): string => signature;

export type { SealedFormat } from '../domain/records.ts';

export interface ManifestPlacement {
  /** The destination's name in the writer's configuration. */
  readonly destination: string;
  /** Object name without the destination's prefix. */
  readonly object: string;
  readonly s3VersionId: string;
  /** Of the sealed file inside the object, bytes. */
  readonly offset: number;
  readonly length: number;
  readonly format: SealedFormat;
  /** Id of the key it was sealed with. */
  readonly key: Id;
  readonly generation: number;
  /** 16 bytes, hex: the nonce in the object's name. */
  readonly iv: string;
  /** The version the object was made for: this one, or the one it is a duplicate of. */
  readonly madeFor: Id;
  /** Of the sealed bytes, hex; always there for openpgp. */
  readonly sealedSha256?: string;
  readonly lockMode: LockMode;
  /** ISO 8601 UTC. */
  readonly retainUntil: string;
}
