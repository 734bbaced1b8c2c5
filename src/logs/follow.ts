import { fstatSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { requirePrivate } from '../stack/endpoints.ts';
import { LogEcho } from './echo.ts';
import { pushTo } from './loki.ts';
import { LogShipper } from './shipper.ts';
import { standingFile } from './standing.ts';

/** Our processes: what they log holds no path. The logs of the services they use do, and stay in their files. */
const ownProcesses = ['supervisor', 'worker', 'watcher', 'gate'] as const;

/** The log of each of our processes, by its name. */
export const logFilesOf = (home: string): ReadonlyMap<string, string> =>
  new Map(ownProcesses.map((name) => [name, join(home, 'logs', `${name}.log`)] as const));

export interface FollowedLogs {
  /** To be called right before a log is put aside. */
  beforeRotation(file: string): void;
  /** Hands on what is left. */
  stop(): Promise<void>;
}

/**
 * Hands on what our processes log: to Loki where one is configured, and to `echo` where there is one.
 * Failure `plaintext_refused`.
 */
export function followLogs(options: {
  readonly home: string;
  readonly config: Config['logs'];
  readonly log: Logger;
  readonly echo?: { readonly write: (line: string) => void; readonly forJournal: boolean } | undefined;
}): FollowedLogs {
  const { home, log, echo } = options;
  const { keep, loki } = options.config;
  const files = logFilesOf(home);
  const echoing = echo && new LogEcho({ ...echo, files, keep });
  let shipping: LogShipper | undefined;
  if (loki !== undefined) {
    requirePrivate('loki', loki.url, loki.url.startsWith('https:') || loki.insecure);
    const push = pushTo(loki, hostname());
    shipping = new LogShipper({ files, push, keep, log, standingFile: standingFile(home) });
    shipping.start();
  }
  return {
    beforeRotation(file) {
      echoing?.beforeRotation(file);
      shipping?.beforeRotation(file);
    },
    async stop() {
      await shipping?.stop();
      await echoing?.stop();
    },
  };
}

/** Whether the standard output goes to journald: it names the stream it made, by device and inode (systemd.exec(5)). */
export function isJournal(journalStream: string | undefined, descriptor: number): boolean {
  if (journalStream === undefined) return false;
  const { dev, ino } = fstatSync(descriptor);
  return journalStream === `${dev}:${ino}`;
}
