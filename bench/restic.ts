import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { resolvePaths } from '../src/stack/paths.ts';
import { runCommand } from '../src/stack/run.ts';
import { findProgram } from '../src/stack/toolchain/find-program.ts';

/** restic from PATH, else Debian's, unpacked into the cache: it is one static program and needs no installation. */
export async function ensureRestic(): Promise<string> {
  const found = findProgram('restic', process.env.PATH ?? '', { forEveryUser: false });
  if (found !== undefined) return found;
  const folder = path.join(resolvePaths(process.env, process.getuid?.() ?? 0).cache, 'bench', 'restic');
  const program = path.join(folder, 'usr/bin/restic');
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  const download = await runCommand('apt-get', ['download', 'restic'], { cwd: folder });
  const deb = readdirSync(folder).find((name) => name.endsWith('.deb'));
  if (download.code !== 0 || deb === undefined)
    throw new Error('The comparison needs restic: sudo apt-get install restic');
  const unpacked = await runCommand('dpkg', ['-x', path.join(folder, deb), folder]);
  if (unpacked.code !== 0) throw new Error(unpacked.stderr);
  return program;
}
