import type { noteDeed } from '../audit/deeds.ts';

/** Gives whether it is on record. */
export type Note = (deed: Parameters<typeof noteDeed>[1]) => boolean;

/** A page of the Web UI asks dozens of times. */
const togetherMs = 10_000;

export interface Access {
  /** Name of the token. */
  readonly who: string;
  /** The Temporal namespace that the client named, empty where it named none. */
  readonly namespace: string;
  readonly decrypted: number;
  readonly unknownKey: number;
}

interface Tally {
  notedAtMs: number;
  requests: number;
  decrypted: number;
  unknownKey: number;
}

/**
 * Puts on record who had payloads decrypted: the first time at once, further ones as numbers, every ten seconds. A process
 * that is killed takes at most those numbers with it, never that somebody looked.
 */
export class Accesses {
  readonly #note: Note;
  readonly #now: () => number;
  readonly #tallies = new Map<string, Tally>();

  /** @param now a clock that never goes back. Milliseconds */
  constructor(note: Note, now: () => number = () => performance.now()) {
    this.#note = note;
    this.#now = now;
  }

  /** Gives whether the access is on record, or counts with one that is; else it must not be. */
  had({ who, namespace, decrypted, unknownKey }: Access): boolean {
    const key = JSON.stringify([who, namespace]);
    const known = this.#tallies.get(key);
    if (known === undefined) {
      if (!this.#tell(key, { requests: 1, decrypted, unknownKey })) return false;
      this.#tallies.set(key, { notedAtMs: this.#now(), requests: 0, decrypted: 0, unknownKey: 0 });
      return true;
    }
    known.requests += 1;
    known.decrypted += decrypted;
    known.unknownKey += unknownKey;
    return true;
  }

  /** Tells the numbers that are due, or with `all` every one. */
  tell(which: 'due' | 'all'): void {
    for (const [key, tally] of this.#tallies) {
      if (which === 'due' && this.#now() - tally.notedAtMs < togetherMs) continue;
      if (tally.requests > 0) this.#tell(key, tally);
      this.#tallies.delete(key);
    }
  }

  #tell(key: string, { requests, decrypted, unknownKey }: Omit<Tally, 'notedAtMs'>): boolean {
    const [actor, namespace] = JSON.parse(key) as [string, string];
    return this.#note({
      ...{ step: 'keyring', actor },
      facts: { action: 'decrypt-payloads', namespace, requests, decrypted, unknownKey },
    });
  }
}
