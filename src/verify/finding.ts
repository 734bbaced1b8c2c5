import type { AffectedVersion } from '../catalog/verify-query.ts';
import type { Id } from '../domain/records.ts';

/**
 * What is not as the catalog says.
 *
 * - `missing`: the bucket does not have the object version.
 * - `tampered`: it has other bytes than were written.
 * - `lock_mismatch`: it has them under a shorter or weaker lock than was promised.
 * - `unreadable`: no key of this keyring opens it.
 *
 * And, of an inventory:
 * - `unknown_object`: lies under a name that the catalog does not know.
 * - `foreign_version`: lies under a name of ours and is not ours.
 * - `delete_marker`: hides an object of ours from programs that name no versions; the object is there.
 * - `open_upload`: an upload in parts that nobody announced.
 * - `leftover`: ours, but nothing rests on it: given up, or its upload ended unrecorded. No harm, it costs room.
 */
export const findingKinds = [
  'missing',
  'tampered',
  'lock_mismatch',
  'unreadable',
  'foreign_version',
  'unknown_object',
  'delete_marker',
  'open_upload',
  'leftover',
] as const;
export type FindingKind = (typeof findingKinds)[number];

/** What the thing is, by what the catalog or its name says. */
export type Subject = 'content' | 'manifest' | 'keyring' | 'other';

/**
 * What was done about it at once.
 *
 * - `copied`: the same sealed bytes were copied from another destination, verified, and recorded.
 * - `found again`: the same bytes lie under another version of the name, which is recorded now.
 * - `lock extended`: the promised lock is in force again.
 * - `upload anew`: its versions count as failed, so the next look at their files uploads them.
 * - `list anew`: the next manifest lists what this one listed.
 */
export type Remedy = 'copied' | 'found again' | 'lock extended' | 'upload anew' | 'list anew';

export interface Finding {
  readonly kind: FindingKind;
  readonly subject: Subject;
  readonly destination: string;
  /** Object name with the destination's prefix. */
  readonly key: string;
  readonly s3VersionId?: string;
  readonly objectId?: Id;
  readonly detail?: string;
  readonly remedy?: Remedy;
  /** Of content: versions that rest on it, newest first, a few of them. */
  readonly affected?: readonly AffectedVersion[];
}

export type FindingCounts = Readonly<Partial<Record<FindingKind, number>>>;

export interface VerifySummary {
  /** Objects whose existence, bytes and lock were held against the catalog. */
  readonly checked: number;
  /** Of these, the ones whose content was read and hashed. */
  readonly read: number;
  readonly bytesRead: number;
  readonly manifests: number;
  readonly keyringDocuments: number;
  /** Versions and delete markers that an inventory listed. */
  readonly listed: number;
  /** Objects that no key opens any more because their scope was shredded: no finding. */
  readonly shredded: number;
  readonly findings: FindingCounts;
  /** Of the findings, those that were put right at once. */
  readonly repaired: number;
  /** False: the time was up, or it was interrupted; the next run goes on with what was not looked at. */
  readonly complete: boolean;
  /** Live objects in all destinations that were looked at, and since when each of them was looked at, or read. */
  readonly coverage: CoverageSummary;
  /** Destinations with objects that the configuration does not have: nobody can look there. */
  readonly unreachable: readonly string[];
  /** Destinations that did not answer while others did. */
  readonly away: readonly string[];
}

export interface CoverageSummary {
  readonly live: number;
  readonly neverChecked: number;
  readonly neverRead: number;
  /** ISO 8601 UTC: every object was looked at since then; null while one never was. */
  readonly allCheckedSince: string | null;
  readonly allReadSince: string | null;
}

/** How many findings are mismatches; a leftover of ours is none. */
export function mismatches(findings: FindingCounts): number {
  return findingKinds.reduce((sum, kind) => sum + (kind === 'leftover' ? 0 : (findings[kind] ?? 0)), 0);
}

/** Remedies after which nothing is wrong any more; `upload anew` and `list anew` are still to come. */
export const isRepaired = ({ remedy }: Finding): boolean =>
  remedy === 'copied' || remedy === 'found again' || remedy === 'lock extended';
