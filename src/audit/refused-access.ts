import { noteDeed } from './deeds.ts';
import type { Refusal } from './refusals.ts';

/** How often the same refusal is told at most. */
const everyMs = 3_600_000;

/** What a process that runs for long is refused, or refuses others. */
interface Tally {
  readonly refusal: Refusal;
  toldAtMs: number;
  /** Since it was told. */
  untold: number;
}

/**
 * Puts refusals on record that may come by the thousand: the first of a kind at once, further ones as a number, once an
 * hour. A kind is all that is told of one: what, where, by whom.
 */
export class RefusedAccess {
  readonly #home: string;
  readonly #process: string;
  readonly #now: () => number;
  readonly #tallies = new Map<string, Tally>();

  /**
   * @param home folder whose `deeds` are told
   * @param process that is refused, or refuses: `worker`, `gate`
   * @param now a clock that never goes back. Milliseconds
   */
  constructor(home: string, process: string, now: () => number = () => performance.now()) {
    this.#home = home;
    this.#process = process;
    this.#now = now;
  }

  note(refusal: Refusal | undefined): void {
    if (refusal === undefined) return;
    const kind = JSON.stringify(refusal);
    const known = this.#tallies.get(kind);
    if (known !== undefined) known.untold += 1;
    else {
      this.#tallies.set(kind, { refusal, toldAtMs: this.#now(), untold: 0 });
      this.#tell(refusal, 1);
    }
  }

  /** Tells the numbers that are due, or with `all` every one. */
  tell(which: 'due' | 'all'): void {
    for (const [kind, tally] of this.#tallies) {
      if (which === 'due' && this.#now() - tally.toldAtMs < everyMs) continue;
      if (tally.untold > 0) this.#tell(tally.refusal, tally.untold);
      // What comes after an hour without any is a first one again.
      if (tally.untold === 0 || which === 'all') this.#tallies.delete(kind);
      else Object.assign(tally, { toldAtMs: this.#now(), untold: 0 });
    }
  }

  #tell(refusal: Refusal, count: number): void {
    noteDeed(this.#home, {
      ...{ step: 'access', actor: 'holdfast' },
      facts: { ...refusal, process: this.#process, count },
    });
  }
}
