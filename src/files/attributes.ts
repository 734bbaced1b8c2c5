import { isUtf8 } from 'node:buffer';
import { noAttributes, type RecordedAttributes, withinBytes } from '../domain/attributes.ts';
import { errorCode } from './error-code.ts';
import { type At, type SystemCalls, systemCalls } from './system-calls.ts';

/**
 * What belongs to the entry and means the same elsewhere: what users attach, capabilities of programs, and access control
 * lists. Not `security.selinux` and the like, which a host's own rules give; not `trusted.*`, which file systems keep
 * for themselves; not `system.*` besides, which is made up when it is read.
 */
const recorded: readonly string[] = [
  'security.capability',
  'system.posix_acl_access',
  'system.posix_acl_default',
];
const recordedPrefix = 'user.';

/** Leaves room in a sealed file's metadata (1 MiB) for the longest path, 64 KiB, and everything else in it. */
const maxRecordedBytes = 896 * 1024;

type AttributeCalls = Pick<SystemCalls, 'listAttributes' | 'attribute'>;

/**
 * The extended attributes of an entry. Counted as dropped: names that are not UTF-8, values that this user may not read or
 * that no call gives (over 64 KiB), and the longest ones where they are too much together; names of over 64 KiB count as
 * one. None where the file system has none, or the system calls are missing. Costs one call where there is no attribute.
 * Throws the system's error.
 */
export function readAttributes(
  at: At,
  calls: AttributeCalls | undefined = systemCalls(),
): RecordedAttributes {
  if (calls === undefined) return noAttributes;
  const names = listOf(calls, at);
  if (names === 'unreadable') return { kept: {}, dropped: 1 };
  if (names.length === 0) return noAttributes;
  const kept: Record<string, string> = {};
  let dropped = 0;
  for (const name of names) {
    const value = isUtf8(name) ? readValue(calls, at, name) : 'unreadable';
    if (value === 'unreadable') dropped += 1;
    else if (value !== 'gone') kept[name.toString('utf8')] = value.toString('base64');
  }
  return withinBytes({ kept, dropped }, maxRecordedBytes);
}

function listOf(calls: AttributeCalls, at: At): Buffer[] | 'unreadable' {
  try {
    return calls.listAttributes(at).filter(isRecorded);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOTSUP' || code === 'ENOSYS') return [];
    if (code === 'E2BIG') return 'unreadable';
    throw error;
  }
}

function isRecorded(name: Buffer): boolean {
  const text = name.toString('latin1');
  return text.startsWith(recordedPrefix) || recorded.includes(text);
}

function readValue(calls: AttributeCalls, at: At, name: Buffer): Buffer | 'gone' | 'unreadable' {
  try {
    return calls.attribute(at, name);
  } catch (error) {
    const code = errorCode(error);
    // Removed since it was listed: the entry's ctime tells.
    if (code === 'ENODATA') return 'gone';
    if (code === 'EACCES' || code === 'EPERM' || code === 'E2BIG' || code === 'ERANGE') return 'unreadable';
    throw error;
  }
}
