import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Failure } from '../../domain/failures.ts';
import { type CommandResult, runCommand } from '../run.ts';
import { cachedFolder, type Progress } from './cached-folder.ts';

interface UnpackOptions {
  readonly cache: string;
  /** The program's name, for people; in lower case the beginning of the folder's name. */
  readonly what: string;
  readonly packages: readonly string[];
  /** Which of the packages that they need, and this machine lacks, are unpacked too; all unless it is given. */
  readonly isNeeded?: (name: string) => boolean;
  /** What is thrown where they cannot be had. */
  readonly missing: () => Failure;
  readonly onProgress: Progress;
}

/**
 * Packages of the distribution and what they need that this machine lacks, unpacked into a folder of the cache, which needs
 * no right at all. Failures: `tool_failed`, and what `missing` gives.
 */
export async function unpackedPackages(wanted: UnpackOptions): Promise<string> {
  const { cache, what, packages, missing, onProgress, isNeeded = () => true } = wanted;
  const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-apt-'));
  try {
    // Without rights, apt can still keep package lists of its own.
    const ownLists = ['lists', 'cache'].map((name) => path.join(scratch, name));
    for (const folder of ownLists) mkdirSync(path.join(folder, 'partial'), { recursive: true });
    const own = ['-o', `Dir::State::lists=${ownLists[0]}`, '-o', `Dir::Cache=${ownLists[1]}`];
    const simulated = ['install', '--simulate', '--no-install-recommends', ...packages];
    const { result, options } = await aptGet(simulated, missing, own);
    const names = [...result.stdout.matchAll(/^Inst (\S+) \((\S+) /gm)]
      .filter(([, name = '']) => packages.includes(name) || isNeeded(name))
      .map(([, name, version]) => `${name}=${version}`);
    const digest = createHash('sha256').update(names.sort().join('\n')).digest('hex').slice(0, 12);
    return await cachedFolder(cache, `${what.toLowerCase()}-${digest}`, onProgress, async (temporary) => {
      onProgress(`unpacking ${what} into the cache (apt-get download)`);
      const download = await runCommand('apt-get', [...options, 'download', ...names], { cwd: scratch });
      if (download.code !== 0) throw missing();
      for (const deb of readdirSync(scratch).filter((name) => name.endsWith('.deb'))) {
        const unpack = await runCommand('dpkg', ['-x', path.join(scratch, deb), temporary]);
        if (unpack.code !== 0) throw new Failure('tool_failed', { what, detail: unpack.stderr.trim() });
      }
      chmodSync(temporary, 0o755);
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Runs apt-get with `args`; where that fails, once more after an update, both with `secondOptions`. */
export async function aptGet(
  args: readonly string[],
  missing: () => Failure,
  secondOptions: readonly string[] = [],
): Promise<{ result: CommandResult; options: readonly string[] }> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };
  const first = await runCommand('apt-get', args, { env });
  if (first.code === 0) return { result: first, options: [] };
  await runCommand('apt-get', [...secondOptions, 'update'], { env });
  const second = await runCommand('apt-get', [...secondOptions, ...args], { env });
  if (second.code !== 0) throw missing();
  return { result: second, options: secondOptions };
}
