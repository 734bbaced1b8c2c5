/** Values that several of the format's JSON objects hold: docs/format.md sections 1, 2 and 4.4. */
import { z } from 'zod';

/** Whether a value that JSON gave is one of the format's. */
export type Check = (value: unknown) => boolean;

/** Lower-case hex of exactly `sizeBytes` bytes. */
export function isHex(sizeBytes: number): Check {
  const form = new RegExp(`^[0-9a-f]{${2 * sizeBytes}}$`);
  return (value) => typeof value === 'string' && form.test(value);
}

/** 1 to 255 bytes of well-formed UTF-8: a scope, a retention class. */
export const isName: Check = (value) =>
  typeof value === 'string' && value !== '' && value.isWellFormed() && Buffer.byteLength(value) <= 255;

export const isWhole =
  (min: number, max: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;

/** Nanoseconds since 1970 UTC: decimal, signed 64 bits, no leading zero. */
export const isNanoseconds: Check = (value) =>
  typeof value === 'string' &&
  /^(?:0|-?[1-9][0-9]{0,18})$/.test(value) &&
  BigInt.asIntN(64, BigInt(value)) === BigInt(value);

export const hex = (sizeBytes: number) => z.custom<string>(isHex(sizeBytes));
export const name = z.custom<string>(isName);
export const whole = (min: number, max: number) => z.custom<number>(isWhole(min, max));
export const nanoseconds = z.custom<string>(isNanoseconds);
export const attributes = z.custom<Record<string, string>>(isAttributes);

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Extended attributes: name to base64 of the value. */
export function isAttributes(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([attribute, text]) => attribute.isWellFormed() && typeof text === 'string' && base64.test(text),
  );
}
