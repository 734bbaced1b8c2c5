/** Both clocks of this machine in milliseconds; the wall clock may jump, the monotonic one stops in sleep. */
export interface LocalClocks {
  wallMs(): number;
  monotonicMs(): number;
}

const staleAfterMs = 60_000;
const clocksAgreeMs = 2_000;

/**
 * The storage server's clock, followed through the `Date` header of its answers (RFC 9110 §6.6.1).
 *
 * The header has whole seconds, so up to one second is added: a lock computed from `now()` is never short
 * on that account.
 */
export class ServerClock {
  readonly #local: LocalClocks;
  #seen: { serverMs: number; wallMs: number; monotonicMs: number } | undefined;

  constructor(local: LocalClocks) {
    this.#local = local;
  }

  /** Takes the `Date` header of an answer that has just arrived; ignores what is no date. */
  observe(dateHeader: string | undefined): void {
    const headerMs = Date.parse(dateHeader ?? '');
    if (Number.isNaN(headerMs)) return;
    this.#seen = {
      serverMs: headerMs + 1000,
      wallMs: this.#local.wallMs(),
      monotonicMs: this.#local.monotonicMs(),
    };
  }

  /**
   * The server's time, or undefined when it must be asked: nothing seen for a minute, or the two local
   * clocks disagree about how long ago that was (the machine slept, or its clock was set).
   */
  now(): Date | undefined {
    if (this.#seen === undefined) return undefined;
    const elapsedMs = this.#local.monotonicMs() - this.#seen.monotonicMs;
    const wallElapsedMs = this.#local.wallMs() - this.#seen.wallMs;
    if (elapsedMs > staleAfterMs || Math.abs(wallElapsedMs - elapsedMs) > clocksAgreeMs) return undefined;
    return new Date(this.#seen.serverMs + elapsedMs);
  }
}
