/** A chore that runs again and again, never twice at a time. */
export interface Repetition {
  /** Resolves when the run that is under way has ended; none follows. */
  stop(): Promise<void>;
}

/** Runs `chore` every `everyMs` milliseconds, or right after the run before where that took longer. It must not reject. */
export function repeat(everyMs: number, chore: () => Promise<void>): Repetition {
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= chore().finally(() => {
      running = undefined;
    });
  }, everyMs);
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
