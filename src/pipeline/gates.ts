import type { Dependency } from '../domain/steps.ts';

/** One probe per dependency, however many wait for it; slower from try to try, at most every 15 s. */
export class Gates {
  private readonly probeOf: (dependency: Dependency) => () => Promise<unknown>;
  private readonly waiting = new Map<Dependency, Promise<void>>();

  /** @param probeOf gives the question that resolves when the dependency answers, and rejects while it does not */
  constructor(probeOf: (dependency: Dependency) => () => Promise<unknown>) {
    this.probeOf = probeOf;
  }

  /** Resolves once the dependency answers; rejects only with the signal's reason. */
  async until(dependency: Dependency, heartbeat: () => void, signal: AbortSignal): Promise<void> {
    const beating = setInterval(heartbeat, 10_000);
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    try {
      await Promise.race([this.answered(dependency), aborted]);
    } finally {
      clearInterval(beating);
    }
  }

  private answered(dependency: Dependency): Promise<void> {
    let waiting = this.waiting.get(dependency);
    if (waiting === undefined) {
      waiting = this.probe(dependency).finally(() => this.waiting.delete(dependency));
      this.waiting.set(dependency, waiting);
    }
    return waiting;
  }

  private async probe(dependency: Dependency): Promise<void> {
    for (let pauseMs = 250; ; pauseMs = Math.min(2 * pauseMs, 15_000)) {
      try {
        await this.probeOf(dependency)();
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  }
}
