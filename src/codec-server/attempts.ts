/** So many wrong tokens within a minute are looked at; further ones are turned away unseen until the minute is over. */
const most = 5;
const withinMs = 60_000;

/** Bounds how fast anybody can try tokens, all clients together: they share one address behind a tunnel or proxy. */
export class Attempts {
  readonly #now: () => number;
  #since = 0;
  #count = 0;

  /** @param now a clock that never goes back. Milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Seconds until a token is looked at again; 0: now. */
  waitSeconds(): number {
    const passedMs = this.#now() - this.#since;
    return this.#count < most || passedMs >= withinMs ? 0 : Math.ceil((withinMs - passedMs) / 1_000);
  }

  failed(): void {
    if (this.#count === 0 || this.#now() - this.#since >= withinMs) {
      this.#since = this.#now();
      this.#count = 0;
    }
    this.#count += 1;
  }
}
