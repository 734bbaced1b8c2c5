import { dirname, join } from 'node:path';
import { Failure } from '../../src/domain/failures.ts';
import { isProgramMissing } from '../../src/stack/run.ts';
import type { Progress } from '../../src/stack/toolchain/cached-folder.ts';
import { unpackedPackages } from '../../src/stack/toolchain/debian-packages.ts';
import { findProgram, systemFolders } from '../../src/stack/toolchain/find-program.ts';

/**
 * The folder of the programs prometheus and promtool: this machine's, else the distribution's package unpacked into the
 * cache, without the scripts of its web pages. Failures: `tool_missing`, `tool_failed`.
 */
export async function ensurePrometheus(
  cache: string,
  searchPath: string,
  onProgress: Progress,
): Promise<string> {
  const [prometheus, promtool] = ['prometheus', 'promtool'].map((program) =>
    findProgram(program, searchPath, { more: systemFolders, forEveryUser: false }),
  );
  if (prometheus !== undefined && promtool !== undefined && dirname(prometheus) === dirname(promtool))
    return dirname(prometheus);
  try {
    const packages = ['prometheus'];
    const unpacked = { cache, what: 'Prometheus', packages, isNeeded: () => false, missing, onProgress };
    return join(await unpackedPackages(unpacked), 'usr/bin');
  } catch (error) {
    throw isProgramMissing(error) ? missing() : error;
  }
}

const missing = () =>
  new Failure('tool_missing', { what: 'Prometheus', command: 'sudo apt-get install prometheus' });
