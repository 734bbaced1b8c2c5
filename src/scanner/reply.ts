import type { NotScannedReason } from '../domain/records.ts';

/** What clamd found, before signature age and set are looked at. */
export type Finding =
  | { readonly state: 'clean' }
  | { readonly state: 'infected'; readonly signature: string }
  | { readonly state: 'not_scanned'; readonly reason: NotScannedReason };

const scannerError: Finding = { state: 'not_scanned', reason: 'scanner_error' };

/** clamd's reply to INSTREAM or FILDES within an IDSESSION (clamd(8)), without its terminating NUL; names are printable ASCII. */
const grammar = /^(\d+): (?:stream|fd\[\d+\]): (?:(OK)|([ -~]+) FOUND|[ -~]+ ERROR)$/;

const overStreamLimit = /^(\d+): INSTREAM size limit exceeded\. ERROR$/;

/**
 * Reads the reply to command number `id` of a session.
 *
 * @param complete whether the whole content had been handed over when the reply came: clamd judges only then,
 *   so an earlier judgement is about something else.
 */
export function readReply(reply: string, id: number, complete: boolean): Finding {
  if (overStreamLimit.exec(reply)?.[1] === String(id)) return { state: 'not_scanned', reason: 'too_large' };
  const match = grammar.exec(reply);
  if (match === null || match[1] !== String(id) || !complete) return scannerError;
  const [, , ok, signature] = match;
  if (ok !== undefined) return { state: 'clean' };
  if (signature === undefined) return scannerError;
  return readSignature(signature);
}

/**
 * With AlertExceedsMax and AlertEncrypted clamd reports what it could not look into under these names; they
 * tell of a scan that did not happen, not of malware.
 */
function readSignature(signature: string): Finding {
  if (signature.startsWith('Heuristics.Limits.Exceeded')) return { state: 'not_scanned', reason: 'limits' };
  if (signature.startsWith('Heuristics.Encrypted')) return { state: 'not_scanned', reason: 'encrypted' };
  return { state: 'infected', signature };
}
