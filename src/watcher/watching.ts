import type { SourceConfig } from '../config.ts';
import { changesElsewhere, currentMounts, type Mount, mountsIn } from '../files/mounts.ts';
import { openRoot } from '../files/root.ts';
import { say } from '../text/voice.ts';

/** How changes of a source are noticed between two sweeps. */
export interface Watching {
  /** By the kernel's events; by looking at every entry, again and again; or not at all. */
  readonly by: 'events' | 'poll' | 'off';
  /** Kind of the first file system in the source that others can change unnoticed: `nfs4`. Undefined: there is none. */
  readonly remote?: string;
}

/** @param realPath the source's folder, absolute, without links */
export function watchingOf(
  { watch, oneFileSystem }: Pick<SourceConfig, 'watch' | 'oneFileSystem'>,
  mounts: readonly Mount[],
  realPath: Buffer,
): Watching {
  const inside = mountsIn(mounts, realPath);
  const remote = (oneFileSystem ? inside.slice(0, 1) : inside).find(changesElsewhere)?.type;
  const by = watch === 'auto' ? (remote === undefined ? 'events' : 'poll') : watch;
  return { by, ...(remote === undefined ? {} : { remote }) };
}

/** What people should know of it; undefined where all is as one would think. */
export function watchingSentence(
  { by, remote }: Watching,
  { pollEvery }: Pick<SourceConfig, 'pollEvery'>,
): string | undefined {
  const seconds = pollEvery / 1_000;
  if (by === 'off') return say('warnings', 'not_watched');
  if (by === 'poll')
    return remote === undefined
      ? say('warnings', 'looked_at_configured', { seconds })
      : say('warnings', 'looked_at_remote', { remote, seconds });
  return remote === undefined ? undefined : say('warnings', 'sweeps_remote', { remote });
}

/** However long a look at everything takes, it takes a tenth of the time at most. */
export function pollPauseMs({ pollEvery }: Pick<SourceConfig, 'pollEvery'>, tookMs: number): number {
  return Math.max(pollEvery, 9 * tookMs);
}

/** What people should know of how each source is watched on this machine, by the source's name; nothing of one that is away. */
export async function watchingNotes(sources: readonly SourceConfig[]): Promise<Map<string, string>> {
  const mounts = currentMounts();
  const notes = new Map<string, string>();
  for (const source of sources) {
    const root = await openRoot(source.path).catch(() => undefined);
    const note = root && watchingSentence(watchingOf(source, mounts, root.realPath), source);
    if (note !== undefined) notes.set(source.name, note);
  }
  return notes;
}
