import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { resolvePaths } from '../src/stack/paths.ts';
import { runCommand } from '../src/stack/run.ts';
import { findProgram } from '../src/stack/toolchain/find-program.ts';

/** Where the files of a Debian package are: downloaded once and unpacked into the cache, without installing it. */
export async function debianPackage(name: string): Promise<string> {
  const cache = path.join(resolvePaths(process.env, process.getuid?.() ?? 0).cache, 'bench');
  const folder = path.join(cache, name);
  if (existsSync(folder)) return folder;
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  try {
    const download = await runCommand('apt-get', ['download', name], { cwd: fresh });
    const deb = readdirSync(fresh).find((file) => file.endsWith('.deb'));
    if (download.code !== 0 || deb === undefined)
      throw new Error(
        `The comparison needs the Debian package ${name}, and it cannot be had: ${download.stderr}`,
      );
    const unpacked = await runCommand('dpkg', ['-x', path.join(fresh, deb), path.join(fresh, 'files')]);
    if (unpacked.code !== 0) throw new Error(unpacked.stderr);
    renameSync(path.join(fresh, 'files'), folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

/** A program from PATH, else from the Debian package of its name. */
export async function programOf(name: 'restic' | 'rclone' | 'clamdscan'): Promise<string> {
  const found = findProgram(name, process.env.PATH ?? '', { forEveryUser: false });
  return found ?? path.join(await debianPackage(name), 'usr/bin', name);
}
