import { isUtf8 } from 'node:buffer';
import type { PastEntry, PastVersion } from '../catalog/history-query.ts';
import type { EntryKind, Id, Outcome } from '../domain/records.ts';
import { say } from '../text/voice.ts';
import { bytes, localTime, printable } from './output.ts';
import { pathFields } from './rows.ts';
import { outcomeWithReason } from './words.ts';

/** One version as `ls`, `find` and `diff` print it: names in this shape are promises, those of `files --json` the same. */
export interface VersionFields {
  readonly kind: EntryKind;
  /** Content of a file, bytes; null for anything else. */
  readonly size: number | null;
  /** Four octal digits, e.g. `0644`. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** ISO 8601 UTC with nine decimals. */
  readonly mtime: string;
  readonly linkTarget?: string;
  /** base64 of the target's bytes, when they are not UTF-8. */
  readonly linkTargetBytes?: string;
  readonly versionId: Id;
  readonly outcome: Outcome | null;
  readonly reason: string | null;
  /** The signature that found its stored content infected; only where one did. */
  readonly infected?: string;
  /** When the version was seen: `--at` from this moment on finds it. */
  readonly observedAt: string;
}

/** A row of `ls`. */
export interface ListedRow extends Partial<Omit<VersionFields, 'kind'>> {
  readonly source: string;
  readonly path: string;
  readonly pathBytes?: string;
  /** Null while the first version is under way. */
  readonly kind: EntryKind | null;
  /** Whether `restore` brings this version back; true for a folder that is only known from what is in it. */
  readonly restorable: boolean;
  /** What became of the newest version, where this is an earlier one because that one is not protected. */
  readonly newest?: Outcome | null;
}

export function versionFields(version: PastVersion): VersionFields {
  const { kind, linkTarget, outcome, reason } = version;
  return {
    kind,
    size: kind === 'file' ? version.sizeBytes : null,
    mode: version.mode.toString(8).padStart(4, '0'),
    uid: version.uid,
    gid: version.gid,
    mtime: isoNanoseconds(version.mtimeNs),
    ...(linkTarget === null ? {} : { linkTarget: linkTarget.toString('utf8') }),
    ...(linkTarget === null || isUtf8(linkTarget) ? {} : { linkTargetBytes: linkTarget.toString('base64') }),
    versionId: version.id,
    outcome,
    reason,
    ...(version.lateSignature === null ? {} : { infected: version.lateSignature }),
    observedAt: version.observedAt.toISOString(),
  };
}

export function listedRow(source: string, entry: PastEntry): ListedRow {
  const shown = entry.version ?? entry.head;
  const named = { source, ...pathFields(entry.path) };
  if (entry.isImpliedFolder) return { ...named, kind: 'dir', restorable: true };
  if (shown === undefined) return { ...named, kind: null, restorable: false };
  return {
    ...named,
    ...versionFields(shown),
    restorable: entry.version !== undefined,
    ...(isOlder(entry) ? { newest: entry.head?.outcome ?? null } : {}),
  };
}

const isOlder = ({ version, head }: PastEntry): boolean => version !== undefined && version.id !== head?.id;

/** Remarks on an entry of which restore does not bring back the newest version. */
export function remark(entry: PastEntry): string {
  const { version, head, isImpliedFolder } = entry;
  if (isImpliedFolder) return '';
  const newest = head === undefined ? say('files', 'under_way') : outcomeText(head);
  if (version === undefined) return `  ${say('files', 'never_protected', { newest })}`;
  const infected =
    version.lateSignature === null
      ? ''
      : `  ${say('files', 'infected_in_brackets', { signature: printable(version.lateSignature) })}`;
  return infected + (isOlder(entry) ? `  ${say('files', 'earlier_version', { newest })}` : '');
}

export function outcomeText({ outcome, reason }: Pick<PastVersion, 'outcome' | 'reason'>): string {
  return outcome === null ? say('files', 'under_way') : outcomeWithReason(outcome, reason);
}

/** A path as people read it: a folder's ends with a slash, a link's names what it leads to. */
export function pathText(
  path: Buffer,
  version: Pick<PastVersion, 'kind' | 'linkTarget'> | undefined,
): string {
  const text = printable(path.toString('utf8'));
  if (version?.kind === 'dir') return `${text}/`;
  if (version?.kind !== 'link' || version.linkTarget === null) return text;
  return `${text} -> ${printable(version.linkTarget.toString('utf8'))}`;
}

export const sizeText = (version: PastVersion): string =>
  version.kind === 'file' ? bytes(version.sizeBytes) : '-';

const kindLetters: Readonly<Record<EntryKind, string>> = { file: '-', dir: 'd', link: 'l', special: 's' };

/** Kind and permissions as `ls -l` shows them, e.g. `drwxr-x--T`. */
export function modeText({ kind, mode }: Pick<PastVersion, 'kind' | 'mode'>): string {
  const triple = (shift: number, special: number, letter: string): string => {
    const bits = (mode >> shift) & 7;
    const runs = (bits & 1) !== 0;
    const last = (mode & special) === 0 ? (runs ? 'x' : '-') : runs ? letter : letter.toUpperCase();
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${last}`;
  };
  return `${kindLetters[kind]}${triple(6, 0o4000, 's')}${triple(3, 0o2000, 's')}${triple(0, 0o1000, 't')}`;
}

const nanosecondsPerSecond = 1_000_000_000n;

function splitSeconds(ns: bigint): { readonly seconds: bigint; readonly rest: bigint } {
  const rest = ((ns % nanosecondsPerSecond) + nanosecondsPerSecond) % nanosecondsPerSecond;
  return { seconds: (ns - rest) / nanosecondsPerSecond, rest };
}

export function mtimeText(ns: bigint): string {
  return localTime(new Date(Number(splitSeconds(ns).seconds) * 1_000));
}

function isoNanoseconds(ns: bigint): string {
  const { seconds, rest } = splitSeconds(ns);
  const whole = new Date(Number(seconds) * 1_000).toISOString().slice(0, -'.000Z'.length);
  return `${whole}.${String(rest).padStart(9, '0')}Z`;
}

/** A moment that a command was given, for people. */
export const momentText = (at: Date | undefined): string =>
  at === undefined ? say('look', 'now') : say('look', 'on', { at: localTime(at) });
