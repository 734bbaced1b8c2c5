/** Values that several of the format's JSON objects hold: docs/format.md sections 1, 2 and 4.4. */
import { z } from 'zod';

/** Lower-case hex of exactly `sizeBytes` bytes. */
export const hex = (sizeBytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * sizeBytes}}$`));

/** 1 to 255 bytes of well-formed UTF-8: a scope, a retention class. */
export const name = z
  .string()
  .min(1)
  .refine((text) => text.isWellFormed() && Buffer.byteLength(text) <= 255);

export const whole = (min: number, max: number) => z.number().int().min(min).max(max);

/** Nanoseconds since 1970 UTC: decimal, signed 64 bits, no leading zero. */
export const nanoseconds = z
  .string()
  // Without abort, what is no number would still reach BigInt, which throws.
  .regex(/^(?:0|-?[1-9][0-9]{0,18})$/, { abort: true })
  .refine((text) => BigInt.asIntN(64, BigInt(text)) === BigInt(text));

/** Extended attributes: name to base64 of the value. */
export const attributes = z.custom<Record<string, string>>(isAttributes);

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Checked by hand, because zod's records pass over a member named `__proto__`. */
function isAttributes(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([attribute, text]) => attribute.isWellFormed() && typeof text === 'string' && base64.test(text),
  );
}
