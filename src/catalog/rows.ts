import type { Attributes } from '../domain/attributes.ts';
import type { StagedState } from '../domain/holds.ts';
import type {
  AdmissionResult,
  EntryKind,
  Id,
  IncidentKind,
  LockMode,
  Outcome,
  PlacementState,
  PolicyReason,
  SignatureSet,
  VerdictReason,
  VerdictState,
} from '../domain/records.ts';

/**
 * Rows as the pipeline writes them, one interface per table, keys in camelCase of the column's name.
 * Buffers become bytea, bigints stay exact.
 */
export interface ContentRow {
  readonly sha512: Buffer;
  readonly sha256: Buffer;
  readonly sizeBytes: number;
  readonly mediaType: string;
}

/** What a stat says; equal stats under an equal policy mean there is nothing to do. */
export interface StatFacts {
  readonly kind: EntryKind;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly device: bigint;
  readonly inode: bigint;
}

export interface VersionRow extends StatFacts {
  readonly id: Id;
  readonly entryId: Id;
  readonly observation: number;
  readonly runId: Id;
  readonly workflowId: string | null;
  readonly linkTarget: Buffer | null;
  readonly hardlink: Id | null;
  /** Null where there are none. */
  readonly xattrs: Attributes | null;
  /** How many extended attributes could not be recorded. */
  readonly xattrsDropped: number | null;
  readonly sha512: Buffer | null;
  readonly segmentSize: number | null;
  readonly segmentHashes: Buffer | null;
}

export interface DecisionRow {
  readonly id: Id;
  readonly versionId: Id;
  readonly gate: 'admission' | 'release';
  readonly destination: string;
  readonly allow: boolean;
  readonly reasons: readonly PolicyReason[];
  readonly bundleRevision: string;
  readonly decisionId: string;
  readonly inputHash: Buffer;
  /** What was asked at the same time, sealed together, and which of it is this one's: from 0. */
  readonly evidence: EvidenceRow;
  readonly position: number;
}

/** What was asked of policy at one time about files of one key scope: docs/format.md section 11. */
export interface EvidenceRow {
  readonly id: Id;
  /** Of the key, or the set of recipients, that it is sealed with. */
  readonly keyId: Id;
  readonly sealed: Buffer;
}

export interface ScanRow {
  readonly id: Id;
  readonly versionId: Id;
  readonly sha512: Buffer;
  readonly state: VerdictState;
  readonly reason: VerdictReason | null;
  readonly signature: string | null;
  readonly engine: string;
  readonly signatureRevision: string;
  readonly signaturesAt: string;
  readonly signatureSet: SignatureSet;
  readonly reusedFrom: Id | null;
}

/** The last look at a content that lies in a bucket. */
export interface RescanRow {
  readonly sha512: Buffer;
  readonly result: VerdictState | 'unreadable';
  /** Of `not_scanned`, or the code of the failure that kept it from being read. */
  readonly reason: string | null;
  readonly engine: string;
  readonly signatureRevision: string;
  readonly signaturesAt: string;
  readonly signatureSet: SignatureSet;
}

export interface SealingRow {
  readonly id: Id;
  readonly versionId: Id;
  readonly format: string;
  readonly keyId: Id;
  readonly generation: number;
  readonly iv: Buffer;
}

export interface IntentRow {
  readonly id: Id;
  /** Null for a pack. */
  readonly sealingId: Id | null;
  readonly packId: Id | null;
  readonly destination: string;
  readonly objectKey: string;
  readonly state: 'open' | 'committed' | 'aborted';
  readonly sealedLength: number | null;
  readonly sealedSha256: Buffer | null;
  readonly lockMode: LockMode;
  readonly lockDays: number;
  readonly metadata: Buffer | null;
  readonly sealerId: string | null;
  readonly uploadId: string | null;
  readonly partSize: number | null;
}

/** One sealed file of a pack. */
export interface PackMemberRow {
  readonly packId: Id;
  /** From 0. */
  readonly position: number;
  readonly sealingId: Id;
  readonly sha512: Buffer;
  /** From the start of the pack. Bytes. */
  readonly byteOffset: number;
  readonly length: number;
  /** Of the sealed bytes. */
  readonly sha256: Buffer;
}

export interface IntentPartRow {
  readonly intentId: Id;
  readonly partNumber: number;
  readonly length: number;
  readonly sha256: Buffer;
}

export interface ObjectRow {
  readonly id: Id;
  readonly destination: string;
  readonly key: string;
  readonly s3VersionId: string;
  readonly length: number;
  /** What lies in it: one sealing of one content, or a pack. */
  readonly sealingId: Id | null;
  readonly sha512: Buffer | null;
  readonly packId: Id | null;
  readonly scope: string;
  readonly format: string;
  readonly lockMode: LockMode;
  readonly retainUntil: Date;
  readonly state: 'live' | 'deleting' | 'deleted';
  /** Of the sealed bytes; only where nothing in them authenticates them: `openpgp`. */
  readonly sealedSha256: Buffer | null;
}

export interface PlacementRow {
  readonly versionId: Id;
  readonly destination: string;
  readonly objectId: Id | null;
  /** Where the sealed file lies inside the object: 0 unless in a pack. */
  readonly byteOffset: number;
  readonly length: number | null;
  readonly state: PlacementState;
  readonly reason: string | null;
}

export interface HoldRow {
  readonly id: Id;
  readonly versionId: Id;
  readonly destination: string;
  readonly hostId: Id;
  readonly reason: string;
  readonly sealingId: Id;
  readonly sealedLength: number;
  readonly sealedSha256: Buffer;
  readonly state: 'open' | 'approved' | 'rejected' | 'expired';
  readonly workflowId: string;
}

/** What of an open hold becomes otherwise; what is left out stays. Nothing happens to one that has ended. */
export interface HoldChange {
  readonly id: Id;
  /** Given: the hold ends so. */
  readonly state?: Exclude<HoldRow['state'], 'open'>;
  readonly reason?: string;
  readonly staged?: StagedState;
  readonly remindedAt?: string;
  /** Bytes that were staged anew, and where. */
  readonly hostId?: Id;
  readonly sealingId?: Id;
  readonly sealedLength?: number;
  readonly sealedSha256?: Buffer;
}

/** One signed try to decide a hold. */
export interface HoldAttemptRow {
  readonly id: Id;
  readonly holdId: Id;
  readonly runId: Id;
  readonly verdict: 'approve' | 'reject';
  readonly approver: string;
  readonly decisionId: Id;
  readonly sealedSha256: Buffer;
  /** ISO 8601 UTC, to the millisecond. */
  readonly notAfter: string;
  readonly signature: Buffer;
  readonly reason: string | null;
  readonly actor: string;
}

export interface QuarantineRow {
  readonly id: Id;
  readonly versionId: Id;
  readonly hostId: Id;
  readonly action: QuarantineAction;
  readonly signature: string;
}

/**
 * - `moved`: sealed in quarantine, and no longer under its name.
 * - `copied`: sealed in quarantine; the original stays.
 * - `replaced`: sealed in quarantine; something else had its name before it could be taken away.
 * - `reported`: nothing is kept; the original stays, or was gone already.
 */
export type QuarantineAction = 'moved' | 'copied' | 'replaced' | 'reported';

/** Content that lies sealed in this host's quarantine folder; its id is the quarantine's. */
export interface QuarantineCopyRow {
  readonly id: Id;
  readonly versionId: Id;
  readonly hostId: Id;
  readonly sealingId: Id;
  readonly sealedLength: number;
  readonly sealedSha256: Buffer;
}

/** What a person did with quarantined content, which is no longer kept then. */
export interface QuarantineEndRow {
  readonly id: Id;
  readonly ended: 'released' | 'deleted';
  readonly actor: string;
  readonly reason: string;
  readonly runId: Id;
}

/** Content that a person released although this signature finds it. Its id is the quarantine's. */
export interface InfectionExceptionRow {
  readonly id: Id;
  readonly sha512: Buffer;
  readonly signature: string;
  readonly actor: string;
  readonly reason: string;
}

/** What may be a breach or threatens what is kept; one per kind and subject, the first stands. */
export interface IncidentRow {
  readonly id: Id;
  readonly kind: IncidentKind;
  /** Id of the version, object, sweep or run it is about. */
  readonly subject: Id;
  readonly sourceId: Id | null;
  readonly runId: Id;
  /** Ids and codes, never a path. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** An event of the audit trail; members that are undefined are left out of it. */
export interface AuditRow {
  readonly id: Id;
  readonly event: Readonly<Record<string, unknown>>;
  readonly at: string;
}

/** The end of a version: its outcome, and the hints of its entry that are answered by it. */
export interface Settlement {
  readonly versionId: Id;
  readonly entryId: Id;
  readonly observation: number;
  readonly hint: number;
  readonly runId: Id;
  readonly outcome: Outcome;
  readonly reason: string | null;
  /**
   * Since when there was something to protect: the later of the oldest unanswered event and the content's last change.
   * Milliseconds since 1970. Not stored: latency is told of it. Left out where nothing of a file's content settled.
   */
  readonly dueSinceMs?: number;
}

/** What became of one item of a batch: it has its outcome, or its entry's own workflow takes it. */
export interface BatchItemRow {
  readonly batchId: Id;
  readonly position: number;
  readonly state: 'settled' | 'passed_on';
}

export interface LostObject {
  readonly objectId: Id;
  readonly result: 'missing' | 'tampered';
}

/**
 * What one step of one file writes, as data: everything in it becomes durable together, in the order below.
 */
export interface Change {
  readonly content?: ContentRow;
  readonly version?: VersionRow;
  readonly admission?: { versionId: Id; admission: AdmissionResult; bundleRevision: string };
  readonly decisions?: readonly DecisionRow[];
  readonly scan?: ScanRow;
  readonly rescan?: RescanRow;
  /** Another verdict on stored content than before: it counts for every version of it, and the next manifests say so. */
  readonly contentScan?: ScanRow;
  /** Of bytes that are sealed already and come out otherwise each time: stored together with the intent to send them. */
  readonly sealing?: SealingRow;
  readonly intent?: IntentRow;
  readonly packMembers?: readonly PackMemberRow[];
  readonly uploadBegun?: { intentId: Id; uploadId: string };
  readonly intentPart?: IntentPartRow;
  readonly intentClosed?: { id: Id; state: 'committed' | 'aborted'; reason: string };
  readonly object?: ObjectRow;
  readonly lockExtended?: { objectId: Id; lockMode: LockMode; retainUntil: Date };
  /** Objects this change rests on: it is refused whole unless all are `live`, and they stay so until it is durable. */
  readonly restsOn?: readonly Id[];
  readonly placements?: readonly PlacementRow[];
  readonly hold?: HoldRow;
  readonly holdChange?: HoldChange;
  readonly holdAttempt?: HoldAttemptRow;
  /** `result` as in the table: the first one stands. */
  readonly attemptJudged?: { readonly id: Id; readonly result: string };
  readonly quarantine?: QuarantineRow;
  readonly quarantineCopy?: QuarantineCopyRow;
  readonly quarantineEnd?: QuarantineEndRow;
  readonly infectionException?: InfectionExceptionRow;
  readonly settle?: Settlement;
  /** Hints answered without a new version: the state they told of was known already. */
  readonly unchanged?: { entryId: Id; hint: number };
  /** Stat facts that say nothing about content (a new inode, a later ctime) brought up to date on a known version. */
  readonly restat?: { versionId: Id; ctimeNs: bigint; inode: bigint; device: bigint };
  /**
   * An object the bucket no longer has, or not as it was written: nothing may rest on it again, and versions that rest on
   * nothing else are `failed(object_lost)`, so that the next look at their files uploads them anew.
   */
  readonly objectLost?: LostObject;
  /** Damaged members of a pack whose others are whole: what rested on them has lost its object, as with `objectLost`. */
  readonly membersLost?: { readonly objectId: Id; readonly byteOffsets: readonly number[] };
  /** A lost object whose sealed bytes lie under another one now: what rested on it rests on that one. */
  readonly objectReplaced?: LostObject & { readonly byObjectId: Id };
  readonly reservationEnded?: { versionId: Id };
  readonly batchItem?: BatchItemRow;
  readonly incident?: IncidentRow;
  /** Nothing of a source expires any more, nor what stood at `pinnedAt`. One that is paused already stays as it is. */
  readonly retentionPaused?: { sourceId: Id; pinnedAt: Date; incidentId: Id };
  readonly events: readonly AuditRow[];
}
