import { Failure } from '../domain/failures.ts';
import type { HoldEnd } from '../domain/holds.ts';
import type { Id } from '../domain/records.ts';
import type { Told } from '../holds/ask-hold.ts';
import type { HeldFile } from '../holds/held.ts';
import { say } from '../text/voice.ts';
import { printable } from './output.ts';
import { pathFields } from './rows.ts';
import { reasonText, word } from './words.ts';

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
    released: say('holds', 'released', { outcome: word(String(row.outcome)) }),
    rejected: say('holds', 'rejected'),
    counted: say('holds', 'counted', { approvals: String(row.approvals), needed: String(row.needed) }),
    repeated: say('holds', 'repeated', { approvals: String(row.approvals), needed: String(row.needed) }),
    waiting: say('holds', 'waiting'),
    resealed: say('holds', 'resealed'),
    under_way: say('holds', 'under_way'),
    ended: say('holds', 'ended', { reason: word(String(row.reason)) }),
    held: say('holds', 'still_held', { reason: reasonText(row.reason) }),
    refused: say('holds', 'refused', { reason: reasonText(row.reason) }),
    not_delivered: say('holds', 'not_delivered'),
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
