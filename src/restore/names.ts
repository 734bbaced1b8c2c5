import { randomBytes } from 'node:crypto';
import type { Id } from '../domain/records.ts';

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

/** A name for what is in the making; what has such a name when a restore begins was left by one that was killed. */
export const partialName = (): string => `.holdfast-${randomBytes(8).toString('hex')}.partial`;

export const isPartialName = (name: string): boolean => /^\.holdfast-[0-9a-f]{16}\.partial$/.test(name);

/** The name of a large file in the making, by which a later run finds it and goes on. */
export const resumableName = (versionId: Id): string => `.holdfast-${versionId}.partial`;

export const isResumableName = (name: string): boolean => /^\.holdfast-[0-9a-f]{32}\.partial$/.test(name);

/**
 * Names that stand for devices in every folder of Windows, with or without an extension
 * (https://learn.microsoft.com/windows/win32/fileio/naming-a-file).
 */
export const isDeviceName = (name: Buffer): boolean =>
  /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\xb9\xb2\xb3]|(?:com|lpt)\xc2[\xb9\xb2\xb3])[ .]*(?:\..*)?$/is.test(
    name.toString('latin1'),
  );

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
