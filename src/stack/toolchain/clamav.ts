import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../../domain/failures.ts';
import { withLock } from '../lock.ts';
import { isProgramMissing, runCommand } from '../run.ts';
import type { Progress } from './cached-folder.ts';
import { aptGet, unpackedPackages } from './debian-packages.ts';
import { findProgram, systemFolders } from './find-program.ts';

/** ClamAV's programs and what they need in their environment. */
export interface ClamavTools {
  readonly clamd: string;
  readonly freshclam: string;
  readonly env: Readonly<Record<string, string>>;
}

interface ClamavOptions {
  readonly cache: string;
  readonly searchPath: string;
  readonly isRoot: boolean;
  readonly onProgress: Progress;
}

const packages = ['clamav-daemon', 'clamav-freshclam'];
const missing = () =>
  new Failure('tool_missing', {
    what: 'ClamAV (clamd, freshclam)',
    command: `sudo apt-get install ${packages.join(' ')}`,
  });

/**
 * clamd and freshclam: those of this machine; else, for root, installed by apt-get; else the distribution's packages
 * unpacked into the cache, which needs no right at all.
 */
export async function ensureClamav(options: ClamavOptions): Promise<ClamavTools> {
  const found = installed(options);
  if (found !== undefined) return found;
  try {
    if (!options.isRoot) return await unpacked(options);
    await withLock(
      'apt-get',
      () => options.onProgress('waiting for another installation'),
      async () => {
        if (installed(options) === undefined) await install(options.onProgress);
      },
    );
  } catch (error) {
    throw isProgramMissing(error) ? missing() : error;
  }
  const now = installed(options);
  if (now === undefined) throw missing();
  return now;
}

function installed({ searchPath, isRoot }: ClamavOptions): ClamavTools | undefined {
  const [clamd, freshclam] = ['clamd', 'freshclam'].map((program) =>
    findProgram(program, searchPath, { more: [...systemFolders, '/usr/bin'], forEveryUser: isRoot }),
  );
  return clamd === undefined || freshclam === undefined ? undefined : { clamd, freshclam, env: {} };
}

/** invoke-rc.d's gate for packages that start what they install; 101 forbids it (invoke-rc.d(8)). */
const startGate = '/usr/sbin/policy-rc.d';

/** Installs the packages without letting them start, now or at boot, services of their own. */
async function install(onProgress: Progress): Promise<void> {
  onProgress('installing ClamAV (apt-get install)');
  const mayGate = !existsSync(startGate);
  if (mayGate) writeFileSync(startGate, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const args = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages];
    await aptGet(args, missing);
  } finally {
    if (mayGate) rmSync(startGate, { force: true });
  }
  if (existsSync('/run/systemd/system')) {
    await runCommand('systemctl', [
      'disable',
      'clamav-daemon.service',
      'clamav-daemon.socket',
      'clamav-freshclam',
    ]);
  }
}

async function unpacked({ cache, onProgress }: ClamavOptions): Promise<ClamavTools> {
  const folder = await unpackedPackages({ cache, what: 'ClamAV', packages, missing, onProgress });
  return {
    clamd: path.join(folder, 'usr/sbin/clamd'),
    freshclam: path.join(folder, 'usr/bin/freshclam'),
    env: { LD_LIBRARY_PATH: libraryFolders(folder).join(':') },
  };
}

/** The folders of shared libraries below an unpacked distribution: lib, usr/lib and their architecture's folder. */
function libraryFolders(root: string): string[] {
  return ['lib', 'usr/lib']
    .map((name) => path.join(root, name))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => [
      ...readdirSync(folder)
        .filter((name) => name.includes('-linux-gnu'))
        .map((name) => path.join(folder, name)),
      folder,
    ]);
}
