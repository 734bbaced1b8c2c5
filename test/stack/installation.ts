import { mkdirSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureFolders } from '../../src/stack/folders.ts';
import { type Paths, resolvePaths } from '../../src/stack/paths.ts';

export const uid = process.getuid?.() ?? 0;

/** An installation of its own below a 0700 folder with spaces, its path about 150 characters long. */
export interface TestInstallation {
  readonly paths: Paths;
  /** Removes everything it left on this machine. */
  remove(): void;
}

export function testInstallation(): TestInstallation {
  const outer = mkdtempSync(path.join(tmpdir(), 'holdfast stack '));
  const home = path.join(outer, `state of ${'a long name '.repeat(9).trim()}`);
  mkdirSync(home, { recursive: true });
  const paths = resolvePaths({ ...process.env, HOLDFAST_HOME: home }, uid);
  ensureFolders(paths, uid);
  return {
    paths,
    remove() {
      const elsewhere = linkTarget(path.join(home, 'data'));
      for (const folder of [outer, paths.runtime, elsewhere]) {
        if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

function linkTarget(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    return undefined;
  }
}
