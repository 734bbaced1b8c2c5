import type { FileHandle } from 'node:fs/promises';
import type { ScannerFacts, Verdict } from '../domain/records.ts';
import { systemCalls } from '../files/system-calls.ts';
import { type ClamdVersion, clamdVersion, pingClamd } from './clamscan-facts.ts';
import { scanPipelined } from './pipelined.ts';
import { withPrivateFile } from './private-file.ts';
import type { ScannerProof } from './proof.ts';
import { type Finding, readReply } from './reply.ts';
import { isSameScanner, type Scanner, type ScanOptions } from './scanner.ts';
import { Session, type SessionReply } from './session.ts';
import { isStale, type SignatureInfo } from './signatures.ts';

export interface ClamdScannerOptions {
  /** Unix socket of clamd. */
  readonly socketPath: string;
  /** Longest time from the first byte sent to clamd's reply, by content size. */
  readonly deadlineMs: (sizeBytes: number, patient: boolean) => number;
  /** clamd's StreamMaxLength, or MaxFileSize where that is less: what is larger is not sent. */
  readonly maxScanBytes: number;
  readonly maxSignatureAgeDays: number;
  readonly signatures: (clamd: ClamdVersion) => Promise<SignatureInfo>;
  /** Puts clamd to the proof: asked with new signatures or another engine, and again every ten minutes. */
  readonly prove: (facts: ScannerFacts) => Promise<ScannerProof>;
  readonly now?: () => Date;
  /**
   * Folder on a disk where longer content is copied to be handed over as an open file, which costs clamd less than a stream
   * does; it writes such a copy itself otherwise. Without one everything is streamed.
   */
  readonly copies?: string;
}

/** clamd closes a session that is idle for 30 s (IdleTimeout); a session is not reused near that. */
const maxIdleMs = 5000;

/**
 * Sessions at once. clamd counts every open session against MaxQueue (100 by default) and never answers those
 * beyond it, idle ones included (measured with 1.4.6); other clients may want some too.
 */
const maxSessions = 32;

const factsLifeMs = 10_000;
const proofLifeMs = 600_000;

/** From here on a copy pays. Bytes. */
const copiedBytes = 1024 * 1024;

const scannerError: Finding = { state: 'not_scanned', reason: 'scanner_error' };

/** {@link Scanner} by clamd's INSTREAM command on a unix socket, one reused session for each scan at a time. */
export class ClamdScanner implements Scanner {
  readonly #options: ClamdScannerOptions;
  readonly #idle: { readonly session: Session; readonly since: number }[] = [];
  readonly #waiting: (() => void)[] = [];
  #sessions = 0;
  #facts: { readonly value: Promise<ScannerFacts>; readonly since: number } | undefined;
  /** The reading of facts that begins next, shared by all who came after the one under way had begun. */
  #nextFacts: Promise<ScannerFacts> | undefined;
  #proof:
    | { readonly value: Promise<ScannerProof>; readonly since: number; readonly of: ScannerFacts }
    | undefined;

  constructor(options: ClamdScannerOptions) {
    this.#options = options;
  }

  async scan(
    content: AsyncIterable<Buffer>,
    { sizeBytes, signal, patient = false }: ScanOptions,
  ): Promise<Verdict> {
    signal?.throwIfAborted();
    const facts = await this.facts();
    const proof = await this.#proven(facts);
    if (sizeBytes > Math.min(this.#options.maxScanBytes, proof.takesBytes))
      return { ...facts, state: 'not_scanned', reason: 'too_large' };
    const { copies } = this.#options;
    const finding =
      copies !== undefined && proof.takesFiles && sizeBytes > copiedBytes
        ? await this.#findInCopy(content, sizeBytes, patient, copies, signal)
        : await this.#findInStream(content, sizeBytes, patient, signal);
    if (finding.state === 'not_scanned') return { ...facts, ...finding };
    return this.#judged(facts, finding, proof, isSameScanner(facts, await this.currentFacts()));
  }

  async scanMany(contents: readonly Buffer[], signal?: AbortSignal): Promise<Verdict[]> {
    signal?.throwIfAborted();
    const facts = await this.facts();
    const proof = await this.#proven(facts);
    const most = Math.min(this.#options.maxScanBytes, proof.takesBytes);
    const { socketPath, deadlineMs } = this.#options;
    const fitting = contents.filter(({ length }) => length <= most);
    const findings = (
      await scanPipelined(fitting, {
        ...{ socketPath, signal },
        files: proof.takesFiles ? systemCalls() : undefined,
        deadlineMs: (sizeBytes) => deadlineMs(sizeBytes, false),
      })
    ).values();
    const sameScanner = isSameScanner(facts, await this.currentFacts());
    return contents.map(({ length }) => {
      if (length > most) return { ...facts, state: 'not_scanned', reason: 'too_large' };
      return this.#judged(facts, findings.next().value ?? scannerError, proof, sameScanner);
    });
  }

  facts(): Promise<ScannerFacts> {
    const now = performance.now();
    if (this.#facts === undefined || now - this.#facts.since > factsLifeMs) return this.#askFacts();
    return this.#facts.value;
  }

  currentFacts(): Promise<ScannerFacts> {
    const underWay = this.#facts?.value ?? Promise.resolve();
    this.#nextFacts ??= underWay
      .catch(() => {})
      .then(() => {
        this.#nextFacts = undefined;
        return this.#askFacts();
      });
    return this.#nextFacts;
  }

  /** @param sameScanner whether the facts before the scan were those after it */
  #judged(facts: ScannerFacts, finding: Finding, proof: ScannerProof, sameScanner: boolean): Verdict {
    if (finding.state === 'not_scanned') return { ...facts, ...finding };
    // Signatures loaded meanwhile may or may not be those that judged: then nobody knows which ones did.
    if (!sameScanner) return { ...facts, ...scannerError };
    if (finding.state === 'infected') return { ...facts, ...finding };
    if (proof.problems.length > 0) return { ...facts, ...scannerError };
    if (this.isStale(facts)) return { ...facts, state: 'not_scanned', reason: 'stale_signatures' };
    return { ...facts, ...finding };
  }

  #askFacts(): Promise<ScannerFacts> {
    const asked = { value: this.#readFacts(), since: performance.now() };
    this.#facts = asked;
    asked.value.catch(() => {
      if (this.#facts === asked) this.#facts = undefined;
    });
    return asked.value;
  }

  #proven(facts: ScannerFacts): Promise<ScannerProof> {
    const known = this.#proof;
    const now = performance.now();
    if (known && isSameScanner(known.of, facts) && now - known.since < proofLifeMs) return known.value;
    const asked = { value: this.#options.prove(facts), since: now, of: facts };
    this.#proof = asked;
    asked.value.catch(() => {
      if (this.#proof === asked) this.#proof = undefined;
    });
    return asked.value;
  }

  isStale(facts: ScannerFacts): boolean {
    return isStale(facts, this.#options.now?.() ?? new Date(), this.#options.maxSignatureAgeDays);
  }

  async ping(): Promise<void> {
    await pingClamd(this.#options.socketPath);
    // It may answer and yet not scan: who waits for it would go on, only to wait again.
    await this.#proven(await this.currentFacts());
  }

  /** Closes idle sessions; scans under way end by themselves. */
  close(): void {
    for (const { session } of this.#idle.splice(0)) session.destroy();
  }

  async #readFacts(): Promise<ScannerFacts> {
    const version = await clamdVersion(this.#options.socketPath);
    const { set, revision, at } = await this.#options.signatures(version);
    const { engine } = version;
    return { engine, signatureRevision: revision, signaturesAt: at, signatureSet: set };
  }

  #findInStream(
    content: AsyncIterable<Buffer>,
    sizeBytes: number,
    patient: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Finding> {
    return this.#find(sizeBytes, patient, signal, {
      begin: (session) => session.begin(),
      send: (session, interrupted) => send(session, content, sizeBytes, interrupted),
    });
  }

  /** The copy is this program's own from its first byte on: what is judged is what `content` gave. */
  async #findInCopy(
    content: AsyncIterable<Buffer>,
    sizeBytes: number,
    patient: boolean,
    folder: string,
    signal: AbortSignal | undefined,
  ): Promise<Finding> {
    const calls = systemCalls();
    if (calls === undefined) return this.#findInStream(content, sizeBytes, patient, signal);
    return withPrivateFile(folder, async (file) => {
      if ((await copy(content, file, signal)) !== sizeBytes) return scannerError;
      return this.#find(sizeBytes, patient, signal, {
        begin: (session) => session.judge(file.fd, calls),
        send: async () => 'sent',
      });
    });
  }

  async #find(
    sizeBytes: number,
    patient: boolean,
    signal: AbortSignal | undefined,
    ask: {
      begin(session: Session): Promise<SessionReply>;
      send(session: Session, interrupted: Promise<SessionReply | 'late'>): Promise<Sent>;
    },
  ): Promise<Finding> {
    const session = await this.#take();
    const deadline = startDeadline(this.#options.deadlineMs(sizeBytes, patient), signal);
    const reply = ask.begin(session);
    let kept = false;
    try {
      const interrupted = Promise.race([reply, deadline.passed]);
      const sent = await ask.send(session, interrupted);
      const ended = sent === 'wrong_length' ? sent : await interrupted;
      signal?.throwIfAborted();
      if (ended === 'late') return { state: 'not_scanned', reason: 'timeout' };
      if (ended === 'wrong_length' || ended.kind === 'broken') return scannerError;
      const finding = readReply(ended.text, session.id, ended.complete);
      kept = finding.state !== 'not_scanned' && session.usable;
      return finding;
    } finally {
      deadline.clear();
      if (kept) this.#keep(session);
      else session.destroy();
      this.#leave();
    }
  }

  /** A session to scan with, in the order it was asked for. */
  async #take(): Promise<Session> {
    if (this.#sessions === maxSessions) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#sessions += 1;
    try {
      return await this.#session();
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  /** Hands the place to who waits longest. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#sessions -= 1;
    else next();
  }

  async #session(): Promise<Session> {
    const now = performance.now();
    for (let kept = this.#idle.pop(); kept !== undefined; kept = this.#idle.pop()) {
      if (kept.session.usable && now - kept.since < maxIdleMs) {
        kept.session.idle(false);
        return kept.session;
      }
      kept.session.destroy();
    }
    return Session.open(this.#options.socketPath);
  }

  #keep(session: Session): void {
    session.idle(true);
    this.#idle.push({ session, since: performance.now() });
  }
}

type Sent = 'sent' | 'wrong_length' | 'interrupted';

/** Writes all of `content`, and gives its length; less where there is no room for it. */
async function copy(
  content: AsyncIterable<Buffer>,
  file: FileHandle,
  signal: AbortSignal | undefined,
): Promise<number> {
  let length = 0;
  for await (const chunk of content) {
    signal?.throwIfAborted();
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await file
        .write(chunk, written, chunk.length - written)
        .catch(() => ({ bytesWritten: 0 }));
      if (bytesWritten === 0) return length;
      written += bytesWritten;
    }
    length += chunk.length;
  }
  return length;
}

/** Hands `content` to clamd, at clamd's pace, until it ends or something else ends the scan. */
async function send(
  session: Session,
  content: AsyncIterable<Buffer>,
  sizeBytes: number,
  interrupted: Promise<SessionReply | 'late'>,
): Promise<Sent> {
  let over = false;
  const stop = interrupted.then(() => {
    over = true;
    return undefined;
  });
  const chunks = content[Symbol.asyncIterator]();
  let sentBytes = 0;
  while (!over) {
    const next = await Promise.race([chunks.next(), stop]);
    if (next === undefined) break;
    if (next.done) {
      if (sentBytes !== sizeBytes) return 'wrong_length';
      session.finish();
      return 'sent';
    }
    sentBytes += next.value.length;
    if (sentBytes > sizeBytes) {
      await chunks.return?.();
      return 'wrong_length';
    }
    await Promise.race([session.send(next.value), stop]);
  }
  // Not awaited: content that hangs in a read cannot return before that read does.
  chunks.return?.().catch(() => {});
  return 'interrupted';
}

/** `passed` settles when the time is over or the signal is aborted, whichever comes first. */
function startDeadline(
  timeoutMs: number,
  signal: AbortSignal | undefined,
): { readonly passed: Promise<'late'>; clear(): void } {
  const { promise: passed, resolve } = Promise.withResolvers<'late'>();
  const end = (): void => resolve('late');
  const timer = setTimeout(end, timeoutMs);
  signal?.addEventListener('abort', end);
  if (signal?.aborted) end();
  return {
    passed,
    clear() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
    },
  };
}
