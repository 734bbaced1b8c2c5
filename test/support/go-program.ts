import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { resolvePaths } from '../../src/stack/paths.ts';
import { projectRoot } from '../../src/stack/project.ts';
import { runCommand } from '../../src/stack/run.ts';
import { cachedFolder } from '../../src/stack/toolchain/cached-folder.ts';

/** Builds packages of the Go module tools/<tool> once into the cache; gives the folder with their programs. */
export async function builtGoPrograms(tool: string, packages: readonly string[]): Promise<string> {
  const module = path.join(projectRoot, 'tools', tool);
  const hash = createHash('sha256');
  for (const name of readdirSync(module).sort()) hash.update(readFileSync(path.join(module, name)));
  const { cache } = resolvePaths(process.env, process.getuid?.() ?? 0);
  const name = `${tool}-${hash.digest('hex').slice(0, 12)}`;
  const build = async (temporary: string): Promise<void> => {
    const flags = ['-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w'];
    // A slash at the end has each program put there under the last part of its package's name.
    const args = ['build', ...flags, '-o', `${temporary}/`, ...packages];
    const env = { ...process.env, CGO_ENABLED: '0' };
    const { code, stderr } = await runCommand('go', args, { cwd: module, env });
    if (code !== 0) throw new Error(`${tool} cannot be built: ${stderr}`);
  };
  return cachedFolder(cache, name, () => {}, build);
}
