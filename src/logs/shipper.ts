import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { ownLine } from './line.ts';
import type { Push, PushAnswer, ShippedLine } from './loki.ts';
import { afterRotation, endOf, type LogPosition, readLog } from './read-log.ts';
import { readStanding, type ShippingStanding, writeStanding } from './standing.ts';

/** What one push holds at most. Bytes of log; Loki takes 4 MiB by default. */
const pushBytes = 512 * 1024;
/** No line of ours is so long: with less room than that left nothing more is read. */
const longestLineBytes = 64 * 1024;

export interface ShipperTiming {
  /** How often the logs are looked at. Milliseconds, as the others. */
  readonly everyMs: number;
  /** Pause after a push that failed, doubled each time. */
  readonly firstBackoffMs: number;
  readonly lastBackoffMs: number;
}

const defaultTiming: ShipperTiming = { everyMs: 1_000, firstBackoffMs: 1_000, lastBackoffMs: 60_000 };

export interface ShipperOptions {
  /** The log of each of our processes, by its name. */
  readonly files: ReadonlyMap<string, string>;
  /** Where it notes how far it is. */
  readonly standingFile: string;
  readonly push: Push;
  /** How many logs are kept beside each. */
  readonly keep: number;
  readonly log: Logger;
  readonly timing?: ShipperTiming;
}

interface Tail {
  readonly file: string;
  /** What Loki has. */
  sent: LogPosition;
  /** What it is being sent. */
  read: LogPosition;
}

/**
 * Sends what our processes log to Loki. The files are its buffer: what Loki does not take now waits in them, across
 * restarts, until they are given up by their own rotation; that is counted and said. So neither memory nor the pipeline
 * knows of it when Loki is slow or down.
 */
export class LogShipper {
  readonly #options: ShipperOptions;
  readonly #timing: ShipperTiming;
  readonly #tails: ReadonlyMap<string, Tail>;
  readonly #stopping = new AbortController();
  #standing: ShippingStanding;
  #backoffMs: number;
  #running: Promise<void> = Promise.resolve();

  /** Goes on where an earlier one stopped; a log that is new to it begins at its end. */
  constructor(options: ShipperOptions) {
    this.#options = options;
    this.#timing = options.timing ?? defaultTiming;
    this.#backoffMs = this.#timing.firstBackoffMs;
    this.#standing = readStanding(options.standingFile) ?? { sent: {} };
    this.#tails = new Map(
      [...options.files].map(([service, file]) => {
        const sent = this.#standing.sent[service] ?? endOf(file);
        return [service, { file, sent, read: sent }];
      }),
    );
    this.#note({});
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Ends what is under way, then sends the last lines; where Loki takes nothing they are for the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    if (this.#standing.waiting === undefined) await this.#ship();
  }

  /** To be called right before a log is put aside. */
  beforeRotation(file: string): void {
    for (const tail of this.#tails.values()) {
      if (tail.file !== file) continue;
      const { position, lostLines } = afterRotation(file, tail.sent, this.#options.keep);
      tail.sent = position;
      tail.read = afterRotation(file, tail.read, this.#options.keep).position;
      this.#note(lostLines === 0 ? {} : this.#lost(lostLines));
      if (lostLines > 0)
        this.#options.log.error({ lines: lostLines }, 'lines of the log were given up before Loki took them');
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const pauseMs = await this.#ship();
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  /** One push. How long to wait before the next one, in milliseconds. */
  async #ship(): Promise<number> {
    const { lines, isFull } = this.#gather();
    if (lines.length === 0) {
      this.#advance({});
      return isFull ? 0 : this.#timing.everyMs;
    }
    const answer = await this.#options.push(lines);
    if (answer.result === 'later') return this.#postpone(answer);
    this.#tellRecovery();
    this.#backoffMs = this.#timing.firstBackoffMs;
    if (answer.result === 'refused') {
      this.#options.log.error({ lines: lines.length, why: answer.why }, 'Loki refused lines of the log');
      this.#advance(this.#lost(lines.length));
    } else this.#advance({});
    return isFull ? 0 : this.#timing.everyMs;
  }

  /** What the logs gained, up to one push; from where each was read is noted. */
  #gather(): { readonly lines: readonly ShippedLine[]; readonly isFull: boolean } {
    const gathered: ShippedLine[] = [];
    let roomBytes = pushBytes;
    for (const [service, tail] of this.#tails) {
      tail.read = tail.sent;
      if (roomBytes < longestLineBytes) continue;
      const { lines, next } = readLog(tail.file, tail.sent, roomBytes);
      tail.read = next;
      for (const text of lines) {
        roomBytes -= Buffer.byteLength(text) + 1;
        const line = ownLine(text, service);
        if (line !== undefined) gathered.push({ ...line, service });
      }
    }
    return { lines: gathered, isFull: roomBytes < pushBytes / 2 };
  }

  #advance(change: Partial<ShippingStanding>): void {
    let isNews = Object.keys(change).length > 0 || this.#standing.waiting !== undefined;
    for (const tail of this.#tails.values()) {
      if (tail.sent === tail.read) continue;
      isNews ||= tail.sent.number !== tail.read.number || tail.sent.offset !== tail.read.offset;
      tail.sent = tail.read;
    }
    if (!isNews) return;
    const { waiting: _, ...rest } = this.#standing;
    this.#standing = rest;
    this.#note(change);
  }

  #postpone({ why, afterMs }: Extract<PushAnswer, { result: 'later' }>): number {
    const { waiting } = this.#standing;
    if (waiting?.why !== why) {
      this.#options.log.warn({ why }, 'the log waits for Loki, in its files');
      this.#note({ waiting: { since: waiting?.since ?? new Date().toISOString(), why } });
    }
    const pauseMs = Math.max(this.#backoffMs, Math.min(afterMs ?? 0, this.#timing.lastBackoffMs));
    this.#backoffMs = Math.min(this.#backoffMs * 2, this.#timing.lastBackoffMs);
    return pauseMs;
  }

  #tellRecovery(): void {
    const { waiting } = this.#standing;
    if (waiting === undefined) return;
    const seconds = Math.round((Date.now() - Date.parse(waiting.since)) / 1_000);
    this.#options.log.info({ seconds }, 'Loki takes the log again');
  }

  #lost(lines: number): Pick<ShippingStanding, 'lost'> {
    const before = this.#standing.lost?.lines ?? 0;
    return { lost: { lines: before + lines, lastAt: new Date().toISOString() } };
  }

  #note(change: Partial<ShippingStanding>): void {
    const sent = Object.fromEntries([...this.#tails].map(([service, tail]) => [service, tail.sent]));
    this.#standing = { ...this.#standing, ...change, sent };
    writeStanding(this.#options.standingFile, this.#standing);
  }
}
