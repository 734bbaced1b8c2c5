import { z } from 'zod';
import {
  type AdmissionResult,
  type ApprovalTerms,
  lockModes,
  notScannedReasons,
  type PolicyReason,
  type ReleaseResult,
  type RetentionClass,
  sealedFormats,
} from '../domain/records.ts';
import { classifications } from './config.ts';
import { ed25519PublicKey } from './data.ts';
import { undefinedAnswer } from './engine.ts';

const reasons = z.array(z.strictObject({ id: z.string().min(1), text: z.string() }));

/** A denial must say why and an allowance must not: anything else is a rule set that contradicts itself. */
const consistent = ({ allow, reasons }: { allow: boolean; reasons: PolicyReason[] }): boolean =>
  allow === (reasons.length === 0);

const admissionResult = z
  .strictObject({
    allow: z.boolean(),
    reasons,
    classification: z.enum(classifications),
    scope: z.string().min(1),
    retention: z.strictObject({
      class: z.string().min(1),
      mode: z.enum(lockModes),
      days: z.number().min(1),
    }),
    scan: z.strictObject({
      required: z.boolean(),
      allowTestSignatures: z.boolean(),
      notScanned: z.strictObject(
        Object.fromEntries(
          notScannedReasons.map((reason) => [reason, z.enum(['allow', 'hold', 'retry'])]),
        ) as Record<
          (typeof notScannedReasons)[number],
          z.ZodEnum<{ allow: 'allow'; hold: 'hold'; retry: 'retry' }>
        >,
      ),
    }),
    format: z.enum(sealedFormats),
    compression: z
      .strictObject({ algorithm: z.enum(['none', 'zstd']), level: z.int().min(0).max(22) })
      .refine(({ algorithm, level }) => algorithm === 'none' || level > 0),
    destinations: z.array(z.string().min(1)),
  })
  .refine(consistent)
  .refine((result) => !result.allow || result.destinations.length > 0);

const count = z.int().min(0);

const releaseResult = z
  .strictObject({
    allow: z.boolean(),
    reasons,
    approvals: z
      .strictObject({ required: count, given: count, waived: z.array(z.string().min(1)) })
      .exactOptional(),
    transferAuthorisation: z.string().min(1).exactOptional(),
  })
  .refine(consistent);

const retentionClasses = z
  .record(
    z.string().min(1),
    z.strictObject({
      mode: z.enum(lockModes),
      days: z.int().min(1),
      versions: z.int().min(1),
      minimumDays: count,
      erasable: z.boolean(),
    }),
  )
  .refine((classes) => Object.keys(classes).length > 0);

const classification = z.enum(classifications);

const approvalTerms = z.strictObject({
  approvers: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        publicKey: ed25519PublicKey,
        classifications: z.array(classification),
      }),
    )
    .refine((approvers) => new Set(approvers.map(({ name }) => name)).size === approvers.length),
  required: z.record(classification, z.int().min(1)),
});

/** Checks an admission answer in full; `undefined` when it is out of form. */
export function readAdmission(result: unknown): AdmissionResult | undefined {
  return admissionResult.safeParse(result).data;
}

/** Checks a release answer in full; `undefined` when it is out of form. */
export function readRelease(result: unknown): ReleaseResult | undefined {
  return releaseResult.safeParse(result).data;
}

/** Checks the retention classes in full; `undefined` when one is out of form. */
export function readRetentionClasses(result: unknown): Readonly<Record<string, RetentionClass>> | undefined {
  return retentionClasses.safeParse(result).data;
}

/** Checks who may approve in full; `undefined` when it is out of form. */
export function readApprovalTerms(result: unknown): ApprovalTerms | undefined {
  return approvalTerms.safeParse(result).data;
}

const undefinedReason = (detail: string): PolicyReason => ({
  id: undefinedAnswer,
  text: `The policy engine gave no usable answer: ${detail}.`,
});

/** The denial that stands for an unusable admission answer; its other fields are the strictest there are. */
export function undefinedAdmission(detail: string): AdmissionResult {
  return {
    allow: false,
    reasons: [undefinedReason(detail)],
    classification: 'restricted',
    // Its evidence is sealed under a scope that every repository has.
    scope: 'default',
    retention: { class: 'none', mode: 'GOVERNANCE', days: 1 },
    scan: {
      required: true,
      allowTestSignatures: false,
      notScanned: {
        too_large: 'hold',
        encrypted: 'hold',
        limits: 'hold',
        timeout: 'hold',
        scanner_error: 'hold',
        stale_signatures: 'hold',
      },
    },
    format: 'sealed-v1',
    compression: { algorithm: 'none', level: 0 },
    destinations: [],
  };
}

/** The denial that stands for an unusable release answer. */
export function undefinedRelease(detail: string): ReleaseResult {
  return { allow: false, reasons: [undefinedReason(detail)] };
}
