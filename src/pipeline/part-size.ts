const mebibyte = 1024 * 1024;
const smallestPartBytes = 8 * mebibyte;
/** Amazon S3 User Guide, "Amazon S3 multipart upload limits". */
const maxParts = 10_000;

/** At least 8 MiB, whole MiB, at most 10,000 parts for an object of at most `bound` bytes. Admission refused what is over 5 TiB. */
export function partSizeFor(bound: number): number {
  return Math.max(smallestPartBytes, Math.ceil(bound / maxParts / mebibyte) * mebibyte);
}
