/** clamd's StreamMaxLength and MaxFileSize as this program sets them: nothing over 2 GiB is ever scanned. Bytes. */
export const maxScanBytes = 2_000 * 1024 * 1024;

/**
 * Container signatures (ClamAV's manual, "Container Metadata Signatures") that make clamd tell of what it cuts off without
 * a word: members of zip archives, at any depth, that are longer than MaxFileSize.
 */
export const limitSignatures = (maxFileBytes: number): string =>
  `Heuristics.Limits.Exceeded.LongZipMember:CL_TYPE_ZIP:*:*:*:${maxFileBytes + 1}-18446744073709551615:*:*:*:*\n`;
