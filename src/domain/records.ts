/**
 * The nouns every part shares, as plain data: no class, no I/O, safe inside the workflow sandbox.
 */

/** Identifiers are 32 lower-case hex digits (16 bytes); see ids.ts for how each is derived. */
export type Id = string;

/** What an entry is on disk. `special` is a FIFO, socket or device, which is never opened. */
export type EntryKind = 'file' | 'dir' | 'link' | 'special';

/** S3 Object Lock retention modes, weaker first. */
export const lockModes = ['GOVERNANCE', 'COMPLIANCE'] as const;
export type LockMode = (typeof lockModes)[number];

/** A retention as S3 stores it. `retainUntil` is an instant; comparisons are to the second. */
export interface Lock {
  readonly mode: LockMode;
  readonly retainUntil: Date;
}

export const verdictStates = ['clean', 'infected', 'not_scanned'] as const;
export type VerdictState = (typeof verdictStates)[number];

export const notScannedReasons = [
  'too_large',
  'encrypted',
  'limits',
  'timeout',
  'scanner_error',
  'stale_signatures',
] as const;
export type NotScannedReason = (typeof notScannedReasons)[number];

/** Why a verdict is `not_scanned`: something kept the scanner from it, or policy asks for no scan. */
export const verdictReasons = [...notScannedReasons, 'not_required'] as const;
export type VerdictReason = (typeof verdictReasons)[number];

/** How content is sealed: docs/format.md sections 4 and 8. */
export const sealedFormats = ['sealed-v1', 'openpgp'] as const;
export type SealedFormat = (typeof sealedFormats)[number];

/** Where a signature set comes from; `builtin-test` knows nothing but the EICAR test file. */
export type SignatureSet = 'official' | 'custom' | 'builtin-test';

/** What the scanner says of itself, recorded beside every verdict. */
export interface ScannerFacts {
  readonly engine: string;
  /** Identifies the loaded signatures; two equal revisions give equal verdicts. */
  readonly signatureRevision: string;
  /** When the signatures were published, ISO 8601 UTC. */
  readonly signaturesAt: string;
  readonly signatureSet: SignatureSet;
}

export interface Verdict extends ScannerFacts {
  readonly state: VerdictState;
  /** Set exactly when `state` is `not_scanned`. */
  readonly reason?: VerdictReason;
  /** Set exactly when `state` is `infected`. */
  readonly signature?: string;
}

/** One reason of a policy decision: a stable rule id and its sentence for people. */
export interface PolicyReason {
  readonly id: string;
  readonly text: string;
}

export type Classification = 'public' | 'internal' | 'confidential' | 'restricted';

/** What admission (policy 1) is asked. `path` and `names` are private: never logged, stored encrypted. */
export interface AdmissionInput {
  readonly gate: 'admission';
  readonly source: { readonly id: Id; readonly name: string };
  readonly entry: {
    /** Path inside the source, lossy UTF-8 (U+FFFD for invalid bytes), `/` between names. */
    readonly path: string;
    /** Last name of the path. */
    readonly name: string;
    /** Last extension, lower case, without the dot; empty when there is none. */
    readonly extension: string;
  };
  readonly content: {
    readonly sizeBytes: number;
    /** Media type sniffed from the first bytes, e.g. `application/pdf`; `application/octet-stream` if unknown. */
    readonly mediaType: string;
    readonly sha256: string;
  };
}

export interface AdmissionResult {
  readonly allow: boolean;
  readonly reasons: readonly PolicyReason[];
  readonly classification: Classification;
  /** Key scope name; content sealed under one scope is never shared with another. */
  readonly scope: string;
  readonly retention: { readonly class: string; readonly mode: LockMode; readonly days: number };
  /** What the verdict must be; see `verdicts` for what happens to each `not_scanned` reason. */
  readonly scan: {
    readonly required: boolean;
    readonly allowTestSignatures: boolean;
    readonly notScanned: Readonly<Record<NotScannedReason, 'allow' | 'hold' | 'retry'>>;
  };
  readonly format: SealedFormat;
  readonly compression: { readonly algorithm: 'none' | 'zstd'; readonly level: number };
  /** Names of the destinations this content goes to, at least one when allowed. */
  readonly destinations: readonly string[];
}

/** What release (policy 2) is asked, per destination. */
export interface ReleaseInput {
  readonly gate: 'release';
  readonly source: AdmissionInput['source'];
  readonly entry: AdmissionInput['entry'];
  readonly classification: Classification;
  readonly content: { readonly sizeBytes: number; readonly sha256: string };
  /** What an independent reader found in the sealed bytes, or, for `basis: plan`, what is going to be made. */
  readonly sealing: {
    readonly basis: 'sealed-bytes' | 'plan' | 'existing-object';
    readonly format: string;
    readonly cipher: string;
    readonly authentication: string;
    readonly keyId: Id;
    readonly scope: string;
    readonly keyScope: string;
    readonly contentMatches: boolean;
    /** Whom an OpenPGP message is sealed to: sorted key ids, 16 hex digits each, then `passphrase` where there is one. */
    readonly recipients?: readonly string[];
  };
  readonly destination: {
    readonly name: string;
    readonly jurisdiction: string;
    readonly region: string;
    readonly tls: boolean;
    /** True for an address on this machine, where TLS protects nothing. */
    readonly loopback: boolean;
    readonly versioning: boolean;
    readonly objectLock: boolean;
  };
  readonly lock: {
    readonly mode: LockMode;
    readonly days: number;
    readonly requiredMode: LockMode;
    readonly requiredDays: number;
  };
  readonly verdict: {
    readonly state: VerdictState;
    readonly reason?: VerdictReason;
    readonly signatureSet?: SignatureSet;
  };
  /** When release is asked, ISO 8601 UTC: authorisations are valid for a time. */
  readonly at: string;
  /** Who approved it, each verified before (docs/format.md, "approval"); absent: nobody. */
  readonly approvals?: readonly Approval[];
}

/** One person's signed approval, as release is told of it. */
export interface Approval {
  /** Name in the policy data's `approvers`. */
  readonly approver: string;
  /** When it was given, ISO 8601 UTC. */
  readonly at: string;
}

export interface ReleaseResult {
  readonly allow: boolean;
  readonly reasons: readonly PolicyReason[];
  /** Approvals: how many distinct persons policy wants and counted, and the reasons that they outweighed. */
  readonly approvals?: {
    readonly required: number;
    readonly given: number;
    readonly waived: readonly string[];
  };
  /** The authorisation that lets content into the destination's jurisdiction, where one is demanded. */
  readonly transferAuthorisation?: string;
}

/** What becomes of the versions of a retention class; never weaker than the lock of the configuration. */
export interface RetentionClass {
  readonly mode: LockMode;
  /** How long an object is locked from each time something comes to rest on it. */
  readonly days: number;
  /** How many of an entry's newest versions are kept whatever their age. */
  readonly versions: number;
  /** No version expires earlier than this after it was observed. Days. */
  readonly minimumDays: number;
  /** Objects hold one file each, so that it can be erased by itself: never packed. */
  readonly erasable: boolean;
}

/** Somebody whose signature counts as an approval. */
export interface Approver {
  readonly name: string;
  /** Ed25519, the raw 32 bytes, base64url. */
  readonly publicKey: string;
  /** What they may approve. */
  readonly classifications: readonly Classification[];
}

/** Who may approve, and how many distinct persons it takes by classification, at least one. */
export interface ApprovalTerms {
  readonly approvers: readonly Approver[];
  readonly required: Readonly<Record<Classification, number>>;
}

/** A policy answer with the evidence that is kept for it. */
export interface Decision<Result> {
  readonly result: Result;
  /** SHA-256 of the bundle that judged, hex. */
  readonly bundleRevision: string;
  /** OPA's own id of the decision. */
  readonly decisionId: string;
}

/** What became of a version. Order is worst first, as the CLI prints them. */
export const outcomes = [
  'failed',
  'quarantined',
  'held',
  'cancelled',
  'vanished',
  'deleted',
  'ignored',
  'uploaded',
  'duplicate',
] as const;
export type Outcome = (typeof outcomes)[number];

export const placementStates = [
  'planned',
  'uploading',
  'committed',
  'held',
  'denied',
  'failed',
  'deleted',
] as const;
export type PlacementState = (typeof placementStates)[number];

/** What an incident is: each kind is a row of the breach register's vocabulary. */
export const incidentKinds = [
  'infection',
  'late_detection',
  'tampering',
  'lock_mismatch',
  'audit_mismatch',
  'planted_object',
  'unauthorised_access',
  'policy_bypass',
  'mass_change',
  // What only people know of: they enter it by hand.
  'other',
] as const;
export type IncidentKind = (typeof incidentKinds)[number];
