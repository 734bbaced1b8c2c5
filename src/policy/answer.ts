import { z } from 'zod';
import {
  type AdmissionResult,
  lockModes,
  notScannedReasons,
  type PolicyReason,
  type ReleaseResult,
  sealedFormats,
} from '../domain/records.ts';
import { classifications } from './config.ts';

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

const releaseResult = z.strictObject({ allow: z.boolean(), reasons }).refine(consistent);

/** Checks an admission answer in full; `undefined` when it is out of form. */
export function readAdmission(result: unknown): AdmissionResult | undefined {
  return admissionResult.safeParse(result).data;
}

/** Checks a release answer in full; `undefined` when it is out of form. */
export function readRelease(result: unknown): ReleaseResult | undefined {
  return releaseResult.safeParse(result).data;
}

const undefinedReason = (detail: string): PolicyReason => ({
  id: 'policy_undefined',
  text: `The policy engine gave no usable answer: ${detail}.`,
});

/** The denial that stands for an unusable admission answer; its other fields are the strictest there are. */
export function undefinedAdmission(detail: string): AdmissionResult {
  return {
    allow: false,
    reasons: [undefinedReason(detail)],
    classification: 'restricted',
    scope: 'none',
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
