import { z } from 'zod';
import { lockModes, sealedFormats } from '../domain/records.ts';

/** Every classification a policy may give; `satisfies` keeps it equal to the type. */
export const classifications = ['public', 'internal', 'confidential', 'restricted'] as const;

const glob = z.string().min(1);

/**
 * What the program renders from its configuration into the bundle, read by the rules as
 * `data.holdfast.config`. Strict, because a misspelt key would silently not restrict anything.
 *
 * Patterns are OPA globs: without a slash they are matched against an entry's last name, with one against its
 * path inside the source; an invalid pattern denies every entry of its source.
 */
export const policyConfigSchema = z.strictObject({
  /** The least lock every object gets; a retention class in `policies/data.json` may ask for more. */
  lock: z.strictObject({ mode: z.enum(lockModes), days: z.int().min(1) }),
  /** Whether `clean` from the built-in signatures, which know only the EICAR test file, counts as clean. */
  allow_test_signatures: z.boolean(),
  /** How content is sealed where neither its source nor its classification says. */
  format: z.enum(sealedFormats),
  /** Names of the recipients that an OpenPGP message must have, exactly and in this order. */
  openpgp_recipients: z.array(z.string().min(1)),
  /** By source name. A source that is not listed is denied. */
  sources: z.record(
    z.string().min(1),
    z.strictObject({
      classification: z.enum(classifications).optional(),
      scope: z.string().min(1).optional(),
      /** A retention class of `policies/data.json`. */
      retention_class: z.string().min(1).optional(),
      format: z.enum(sealedFormats).optional(),
      destinations: z.array(z.string().min(1)).min(1).optional(),
      /** Zstandard level of what is compressed. */
      compression_level: z.int().min(1).max(22).optional(),
      admission: z
        .strictObject({
          deny_names: z.array(glob).optional(),
          deny_extensions: z.array(z.string().min(1)).optional(),
          deny_media_types: z.array(glob).optional(),
          max_size_bytes: z.int().min(0).optional(),
        })
        .optional(),
      /** `off`: nothing of this source is scanned, and its versions say so. */
      scan: z.enum(['required', 'off']).optional(),
      release: z.strictObject({ deny_names: z.array(glob).optional() }).optional(),
    }),
  ),
  /** By destination name. `region`, where given, must be the region the bucket really lies in. */
  destinations: z.record(
    z.string().min(1),
    z.strictObject({
      jurisdiction: z.string().min(1),
      region: z.string().min(1).optional(),
      classifications: z.array(z.enum(classifications)),
    }),
  ),
});

export type PolicyConfig = z.infer<typeof policyConfigSchema>;
