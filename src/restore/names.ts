import { randomBytes } from 'node:crypto';

/** NAME_MAX of Linux file systems, bytes. */
const longestNameBytes = 255;
/** What follows the last dot counts as an extension up to this length. */
const longestExtensionBytes = 32;
const dot = 0x2e;

/** `name` for 0, then `name (1).ext`, `name (2).ext`, … A folder's name has no extension. */
export function numberedName(name: Buffer, number: number, kind: 'file' | 'folder'): Buffer {
  if (number === 0) return name;
  const at = kind === 'file' ? extensionAt(name) : name.length;
  const tail = Buffer.concat([Buffer.from(` (${number})`), name.subarray(at)]);
  const stem = name.subarray(0, at);
  return Buffer.concat([stem.subarray(0, wholeCharacters(stem, longestNameBytes - tail.length)), tail]);
}

/** A name for a file in the making; what has such a name when a restore begins was left by one that was killed. */
export const partialName = (): string => `.holdfast-${randomBytes(8).toString('hex')}.partial`;

export const isPartialName = (name: string): boolean => /^\.holdfast-[0-9a-f]{16}\.partial$/.test(name);

function extensionAt(name: Buffer): number {
  const at = name.lastIndexOf(dot);
  return at <= 0 || name.length - at > longestExtensionBytes ? name.length : at;
}

/** At most `length`, less where that would cut a UTF-8 character. */
function wholeCharacters(bytes: Buffer, length: number): number {
  if (bytes.length <= length) return bytes.length;
  let end = length;
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return end;
}
