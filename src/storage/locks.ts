import { createHash } from 'node:crypto';
import { type Lock, lockModes } from '../domain/records.ts';
import type { LockDays } from './object-store.ts';

const secondMs = 1000;
const dayMs = 24 * 60 * 60 * secondMs;
/** Gains below this are not worth a request: some servers refuse an extension right after the PUT. */
const worthwhileGainMs = 60 * 60 * secondMs;

/** The lock of `days` from `now`, in whole seconds (S3 stores no fractions), rounded up so it is never short. */
export function lockFrom(now: Date, { mode, days }: LockDays): Lock {
  if (!Number.isInteger(days) || days < 1) throw new RangeError('days must be a whole number from 1');
  return { mode, retainUntil: wholeSecond(new Date(now.getTime() + days * dayMs)) };
}

/** Whether `lock` keeps an object at least as long and as strongly as `wanted`. */
export function satisfies(lock: Lock | undefined, wanted: Lock): boolean {
  return (
    lock !== undefined &&
    strength(lock) >= strength(wanted) &&
    toSecond(lock.retainUntil) >= toSecond(wanted.retainUntil)
  );
}

/**
 * The lock to ask for so that `wanted` holds without shortening or weakening `present`; undefined when
 * nothing is worth asking.
 */
export function extension(present: Lock | undefined, wanted: Lock): Lock | undefined {
  if (present === undefined) return wanted;
  const mode = strength(present) > strength(wanted) ? present.mode : wanted.mode;
  const gainMs = wanted.retainUntil.getTime() - present.retainUntil.getTime();
  if (mode === present.mode && gainMs < worthwhileGainMs) return undefined;
  return { mode, retainUntil: wholeSecond(gainMs > 0 ? wanted.retainUntil : present.retainUntil) };
}

/**
 * The checksum S3 gives an object made of parts: SHA-256 of the parts' SHA-256, in order. S3 writes it as
 * base64 with `-<number of parts>` behind it (Amazon S3 User Guide, "Checking object integrity", composite).
 */
export function compositeSha256(parts: readonly { sha256: Buffer }[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part.sha256);
  return hash.digest();
}

function strength(lock: Lock): number {
  return lockModes.indexOf(lock.mode);
}

function toSecond(date: Date): number {
  return Math.floor(date.getTime() / secondMs);
}

function wholeSecond(date: Date): Date {
  return new Date(Math.ceil(date.getTime() / secondMs) * secondMs);
}
