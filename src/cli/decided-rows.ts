import { Failure } from '../domain/failures.ts';
import type { HoldEnd } from '../domain/holds.ts';
import type { Id } from '../domain/records.ts';
import type { Told } from '../holds/ask-hold.ts';
import type { HeldFile } from '../holds/held.ts';
import { printable } from './output.ts';
import { pathFields } from './rows.ts';

/** What became of one hold; names in this shape are promises. */
export interface DecidedRow {
  readonly hold: Id;
  readonly source: string;
  readonly path: string;
  readonly pathBytes?: string;
  readonly destination: string;
  readonly result: Result;
  /** Why it is refused, or still held; how it had ended. */
  readonly reason?: string;
  readonly outcome?: string;
  readonly approvals?: number;
  readonly needed?: number;
}

type Result = Exclude<Told['next'], 'too_late'> | 'rejected';

/** @param wish what was asked for */
export function decidedRow(
  held: HeldFile,
  wish: 'approve' | 'reject' | 'reseal',
  told: Exclude<Told, { next: 'too_late' }>,
): DecidedRow {
  const about = {
    hold: held.id,
    source: held.source,
    ...pathFields(held.path),
    destination: held.destination,
  };
  const isRejected = wish === 'reject' && told.next === 'ended' && told.state === 'rejected';
  if (isRejected) return { ...about, result: 'rejected' };
  switch (told.next) {
    case 'released':
      return { ...about, result: 'released', outcome: told.outcome };
    case 'ended':
      return { ...about, result: 'ended', reason: told.state satisfies HoldEnd };
    case 'counted':
    case 'repeated':
      return { ...about, result: told.next, approvals: told.approvals, needed: told.needed };
    case 'refused':
      return { ...about, result: 'refused', reason: told.code };
    case 'held':
      return { ...about, result: 'held', reason: told.reason };
    default:
      return { ...about, result: told.next };
  }
}

/** Whether it did not come out as asked. */
export const isFailed = ({ result }: DecidedRow): boolean =>
  ['refused', 'held', 'ended', 'not_delivered'].includes(result);

export function decidedSentence(row: DecidedRow): string {
  const told: Record<Result, string> = {
    released: `released: ${row.outcome}`,
    rejected: 'rejected; the file in its source stays as it is',
    counted: `counted: ${row.approvals} of ${row.needed} approvals`,
    repeated: `you approved it before: still ${row.approvals} of ${row.needed} approvals`,
    waiting: 'approved; it goes as soon as its host answers',
    resealed: 'sealed anew; it has to be approved anew too',
    under_way: 'under way; it goes on by itself (`holdfast hold list`)',
    ended: `had ended already: ${row.reason}`,
    held: `still held: ${row.reason}`,
    refused: `refused: ${row.reason}`,
    not_delivered: 'not delivered: is the worker running? (`holdfast status`)',
  };
  return `${printable(`${row.source}:${row.path}`)}  ${told[row.result]}`;
}

/** The failure of a single hold that did not come out as asked. */
export function failureOf({ hold, result, reason = result }: DecidedRow, approver = ''): Failure {
  if (result === 'ended') return new Failure('hold_ended', { hold, state: reason });
  switch (reason) {
    case 'approval_invalid':
    case 'approval_expired':
    case 'approval_outdated':
    case 'approver_unknown':
    case 'approver_not_entitled':
    case 'hold_source_changed':
    case 'staging_full':
    case 'hold_unknown':
      return new Failure(reason, { hold, approver });
    default:
      return new Failure('hold_not_decided', { hold, reason });
  }
}
