import type {
  AdmissionInput,
  AdmissionResult,
  ApprovalTerms,
  Decision,
  ReleaseInput,
  ReleaseResult,
  RetentionClass,
} from '../domain/records.ts';

/** The reason of a denial that stands for an answer nobody can understand. It says nothing about the file: it is asked again. */
export const undefinedAnswer = 'policy_undefined';

/**
 * Asks the two gates. An answer that cannot be understood is a denial with the reason `policy_undefined`; an
 * engine that cannot be asked is the retryable failure `policy_unavailable`. Neither is ever an allowance.
 */
export interface PolicyEngine {
  /** Policy 1: may this content be backed up at all, and how? */
  admit(input: AdmissionInput): Promise<Decision<AdmissionResult>>;
  /** Policy 2, once per destination: may these sealed bytes leave the host for it? */
  release(input: ReleaseInput): Promise<Decision<ReleaseResult>>;
  /**
   * Each as {@link admit} would answer it, with one question to the engine. What the engine gives no answer for is denied;
   * where it answers for what was not asked, all are.
   */
  admitMany(inputs: readonly AdmissionInput[]): Promise<Decision<AdmissionResult>[]>;
  /** The same of {@link release}. */
  releaseMany(inputs: readonly ReleaseInput[]): Promise<Decision<ReleaseResult>[]>;
  /** The retention classes by name. Throws `policy_unavailable` where the answer is not one. */
  retentionClasses(): Promise<Decision<Readonly<Record<string, RetentionClass>>>>;
  /** Who may approve what is held. Throws `policy_unavailable` where the answer is not one. */
  approvalTerms(): Promise<Decision<ApprovalTerms>>;
  /** Throws `policy_unavailable` unless the engine answers with a bundle loaded. */
  ping(): Promise<{ revision: string }>;
}

/** What `ReleaseInput.sealing` says of a file in sealed format v1; the release rules compare these strings. */
export const sealedV1Terms = {
  authentication: 'HMAC-SHA-256',
  cipher: 'AES-256-CTR',
  format: 'sealed-v1',
} as const;

/** The same of an OpenPGP message. */
export const openpgpTerms = {
  authentication: 'SEIPD-1',
  cipher: 'AES-256-CFB',
  format: 'openpgp',
} as const;
