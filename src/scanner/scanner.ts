import type { ScannerFacts, Verdict } from '../domain/records.ts';

export interface ScanOptions {
  readonly sizeBytes: number;
  readonly signal?: AbortSignal;
  /** Wait as long as the scanner itself would: for what it did not judge in the usual time. */
  readonly patient?: boolean;
}

/**
 * Looks for malware. Only an explicit OK about exactly the bytes that were handed over, inside all limits and
 * with signatures fresh enough, is `clean`; everything else that can be said about the content is
 * `not_scanned` with its reason: `scanner_error` also where its signatures changed during the scan, or where the scanner
 * was seen to say OK of what it does not look into. A scanner that cannot be reached is the retryable failure
 * `scanner_unavailable`: that says nothing about the content.
 */
export interface Scanner {
  /**
   * Scans `content`, which is consumed once and in order. It is not touched when `sizeBytes` is over the
   * scanner's limit. An error thrown by `content`, or the reason of an aborted `signal`, is rethrown unchanged.
   */
  scan(content: AsyncIterable<Buffer>, options: ScanOptions): Promise<Verdict>;
  /**
   * The same of many small contents, in order, at less cost. Of what the scanner gave no clear answer about:
   * `not_scanned`. Throws the reason of an aborted `signal`.
   */
  scanMany(contents: readonly Buffer[], signal?: AbortSignal): Promise<Verdict[]>;
  /** The engine and signatures in force; at most ten seconds old. */
  facts(): Promise<ScannerFacts>;
  /** The same, asked for after this call: what is equal before and after a scan judged it. */
  currentFacts(): Promise<ScannerFacts>;
  /** Whether `clean` from these signatures means too little. */
  isStale(facts: ScannerFacts): boolean;
  /** Throws `scanner_unavailable` unless the scanner answers, tells its signatures, and gives verdicts. */
  ping(): Promise<void>;
}

/** Whether both give equal verdicts. */
export const isSameScanner = (a: ScannerFacts, b: ScannerFacts): boolean =>
  a.engine === b.engine && a.signatureRevision === b.signatureRevision;
