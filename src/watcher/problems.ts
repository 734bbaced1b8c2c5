import { readFileSync } from 'node:fs';
import { Failure } from '../domain/failures.ts';

/**
 * What keeps a watcher from seeing everything. After `source_returned` the caller looks for what changed meanwhile
 * (a walk); the others are for people, and until they are solved only sweeps find everything.
 */
export type WatchProblem =
  | { readonly kind: 'source_absent' | 'source_changed' | 'source_returned' }
  | { readonly kind: 'watch_limit'; readonly failure: Failure }
  | { readonly kind: 'watch_error'; readonly code: string };

/** The kernel's limit behind an error of fs.watch (inotify(7)), or undefined when it is about something else. */
export function watchLimit(code: string): WatchProblem | undefined {
  const name = { ENOSPC: 'max_user_watches', EMFILE: 'max_user_instances' }[code];
  if (name === undefined) return undefined;
  const current = Number(readFileSync(`/proc/sys/fs/inotify/${name}`, 'utf8'));
  const suggested = Math.max(current * 4, name === 'max_user_watches' ? 524_288 : 512);
  const failure = new Failure('watch_limit', { sysctl: `fs.inotify.${name}`, current, suggested });
  return { kind: 'watch_limit', failure };
}
