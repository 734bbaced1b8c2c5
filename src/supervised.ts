import { closeSync, writeSync } from 'node:fs';

/** Tells the supervisor that this process does its work now (a line on descriptor 3). */
export function announceReady(): void {
  writeSync(3, 'ready\n');
  closeSync(3);
}

/** Runs until SIGTERM or SIGINT, then `stop`. */
export async function untilStopped(stop: () => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  await stop();
}
