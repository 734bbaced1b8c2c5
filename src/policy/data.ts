import { z } from 'zod';
import { lockModes, notScannedReasons, sealedFormats } from '../domain/records.ts';
import { classifications } from './config.ts';

/** The raw 32 bytes of an Ed25519 public key, base64url. */
export const ed25519PublicKey = z
  .string()
  .regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, 'not an Ed25519 public key');

const name = z.string().min(1);
const glob = z.string().min(1);
const bytes = z.int().min(0);
const classification = z.enum(classifications);
/** Upper-case letters would never match: names and extensions are compared in lower case. */
const lowerCase = z
  .string()
  .min(1)
  .refine((text) => text === text.toLowerCase(), 'must be in lower case');
const instant = z.iso.datetime({ offset: true });
const perReason = z.partialRecord(z.enum(notScannedReasons), z.enum(['allow', 'hold', 'retry']));
const atLeastOne = <Shape extends object>(shape: Shape): boolean => Object.keys(shape).length > 1;

/**
 * One rule of classification: all of what it states must hold of the content. `names` and `extensions` are compared in
 * lower case; `patterns` are OPA globs, without a slash of the last name, with one of the path inside the source.
 */
const classifyRule = z
  .strictObject({
    classification,
    sources: z.array(name).min(1).optional(),
    names: z.array(lowerCase).min(1).optional(),
    extensions: z.array(lowerCase).min(1).optional(),
    patterns: z.array(lowerCase).min(1).optional(),
    media_types: z.array(glob).min(1).optional(),
    larger_than_bytes: bytes.optional(),
    smaller_than_bytes: bytes.optional(),
  })
  .refine(atLeastOne, 'states no condition');

/**
 * The data the rules judge by, `data.holdfast.defaults`: `policies/data.json` with the operator's own laid over it. Strict
 * everywhere, because a misspelt key would silently not restrict anything.
 */
export const policyDataSchema = z
  .strictObject({
    limits: z.strictObject({
      max_size_bytes: bytes,
      deny_media_types: z.array(glob),
      deny_names: z.array(glob),
      deny_extensions: z.array(lowerCase),
    }),
    /** Of what no rule classifies. */
    classification,
    classifications: z.record(
      classification,
      z.strictObject({
        /** Of several rules that match, the one with the highest rank counts. */
        rank: z.int().min(0),
        /** Key scope it is sealed under. */
        scope: name,
        retention_class: name,
        /** Where it may rest; `*` is anywhere. */
        jurisdictions: z.array(name),
        max_size_bytes: bytes.optional(),
        format: z.enum(sealedFormats).optional(),
        compression_level: z.int().min(1).max(22).optional(),
        not_scanned: perReason.optional(),
        /** How many distinct persons must have approved before it may leave; 0: nobody need. */
        approvals: z.int().min(0).optional(),
      }),
    ),
    classify: z.record(name, classifyRule),
    retention_classes: z.record(
      name,
      z.strictObject({
        mode: z.enum(lockModes),
        /** How long an object is locked from each time something comes to rest on it. */
        days: z.int().min(1).max(36_500),
        /** How many of an entry's newest versions are kept whatever their age. */
        versions: z.int().min(1),
        /** No version expires earlier than this after it was observed. */
        minimum_days: z.int().min(0).max(36_500),
        erasable: z.boolean().optional(),
      }),
    ),
    /** By destination name; what is not stated here is not restricted. */
    destinations: z.record(
      name,
      z.strictObject({
        classifications: z.array(classification).optional(),
        transfer_authorisations: z
          .array(
            z.strictObject({
              id: name,
              valid_from: instant,
              valid_until: instant,
              classifications: z.array(classification).optional(),
            }),
          )
          .optional(),
      }),
    ),
    /** By jurisdiction; `*` stands for those not named. */
    jurisdictions: z.record(
      name,
      z.strictObject({
        requires_authorisation: z.boolean(),
        /** What needs the authorisation; everything where not stated. */
        classifications: z.array(classification).optional(),
      }),
    ),
    approval: z.strictObject({
      /** Reasons of a denial that enough approvals outweigh. */
      waives: z.array(z.enum(['name_denied', 'verdict_unacceptable'])),
    }),
    approvers: z
      .array(
        z.strictObject({
          name,
          public_key: ed25519PublicKey,
          /** What they may approve; everything where not stated. */
          classifications: z.array(classification).optional(),
        }),
      )
      .refine((all) => new Set(all.map((each) => each.name)).size === all.length, 'names somebody twice')
      .refine((all) => new Set(all.map((each) => each.public_key)).size === all.length, 'has one key twice'),
    not_scanned: z.record(z.enum(notScannedReasons), z.enum(['allow', 'hold', 'retry'])),
    signature_sets: z.array(z.enum(['official', 'custom'])),
    compression: z.strictObject({
      algorithm: z.literal('zstd'),
      level: z.int().min(1).max(22),
      larger: z.strictObject({ than_bytes: bytes, level: z.int().min(1).max(22) }),
    }),
    incompressible: z.strictObject({
      families: z.array(name),
      prefixes: z.array(name),
      media_types: z.array(name),
    }),
    sealing: z.record(z.enum(sealedFormats), z.strictObject({ cipher: name, authentication: name })),
  })
  .superRefine((data, context) => {
    for (const [key, { retention_class }] of Object.entries(data.classifications)) {
      if (!(retention_class in data.retention_classes))
        context.addIssue({
          code: 'custom',
          path: ['classifications', key, 'retention_class'],
          message: `there is no retention class ${retention_class}`,
        });
    }
  });
