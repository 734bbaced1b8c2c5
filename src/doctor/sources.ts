import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceConfig } from '../config.ts';
import { Failure, failureIn, isFailure } from '../domain/failures.ts';
import { errorCode } from '../files/error-code.ts';
import { currentMounts, type Mount, mountsIn } from '../files/mounts.ts';
import { openRoot } from '../files/root.ts';
import { explainUnreadable } from '../files/unreadable.ts';
import { awayDetails } from '../sources.ts';
import { failureTexts, say } from '../text/voice.ts';
import { watchingOf, watchingSentence } from '../watcher/watching.ts';
import { type Check, type Finding, ok, type Patient } from './check.ts';

/** Whether the sources are there, can be read, and how changes in them are noticed. */
export const sources: Check = {
  name: 'sources',
  async look({ config, catalog }) {
    const mounts = currentMounts();
    const inodes = await recordedInodes(catalog);
    const found: Finding[] = [];
    for (const source of config.sources)
      found.push(
        ...(await lookAtSource(source, mounts, process.getuid?.() ?? 0, inodes.get(source.name) ?? 0n)),
      );
    return found;
  },
};

/** Of sources that were looked at before, by name; none where the catalog is away, which its own check tells. */
async function recordedInodes(catalog: Patient['catalog']): Promise<Map<string, bigint>> {
  try {
    const known = await catalog();
    const rows = await known.rows<{ name: string; inode: string }>(
      'select name, inode::text as inode from sources',
    );
    return new Map(rows.map(({ name, inode }) => [name, BigInt(inode)]));
  } catch (error) {
    if (isFailure(error)) return new Map();
    throw error;
  }
}

/** So many folders of a source are opened: enough to find out who may not read it. */
const mostFolders = 200;

/**
 * @param uid that the program runs as
 * @param recordedInode of the folder the source is; 0n: nobody knows
 */
export async function lookAtSource(
  source: Pick<SourceConfig, 'name' | 'path' | 'watch' | 'pollEvery' | 'oneFileSystem'>,
  mounts: readonly Mount[],
  uid: number,
  recordedInode = 0n,
): Promise<Finding[]> {
  const { name, path } = source;
  const problem = (at: string, code: string): Finding => {
    const [mount] = mountsIn(mounts, Buffer.from(at));
    const kind = mount === undefined ? '' : say('doctor', 'on_mount', { type: mount.type });
    const what = say('doctor', 'source_unreadable', { at, name, code, kind });
    return { state: 'problem', what, ...explainUnreadable(code, mount, uid) };
  };
  try {
    const { realPath, inode } = await openRoot(path);
    if (recordedInode !== 0n && inode !== recordedInode)
      throw new Failure('source_unavailable', { detail: awayDetails.changed });
    const unreadable = firstUnreadable(realPath.toString());
    if (unreadable !== undefined) return [problem(unreadable.path, unreadable.code)];
    const watching = watchingOf(source, mounts, realPath);
    const note = watchingSentence(watching, source);
    if (note === undefined) return [ok(say('doctor', 'source_well', { name }))];
    if (watching.by === 'poll' || watching.remote === undefined)
      return [ok(say('doctor', 'source_note', { name, note }))];
    return [
      {
        state: 'warning',
        what: say('doctor', 'source_note', { name, note }),
        means: say('doctor', 'source_note_means'),
        todo: say('doctor', 'source_note_todo'),
      },
    ];
  } catch (error) {
    if (!isFailure(error, 'source_unavailable')) throw error;
    const code = String(error.facts.detail);
    if (/^E[A-Z]+$/.test(code)) return [problem(path, code)];
    const { hint: todo } = failureIn(failureTexts(), error);
    return [{ state: 'problem', what: say('doctor', 'source_gone', { name, code }), todo }];
  }
}

/** The source's folder, or one right in it, that cannot be listed. */
function firstUnreadable(folder: string): { path: string; code: string } | undefined {
  const listed = [folder];
  for (const path of listed) {
    try {
      const inside = readdirSync(path, { withFileTypes: true });
      if (path === folder)
        for (const entry of inside.slice(0, mostFolders))
          if (entry.isDirectory()) listed.push(join(folder, entry.name));
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      // It went away while it was looked at.
      if (code !== 'ENOENT') return { path, code };
    }
  }
  return undefined;
}
