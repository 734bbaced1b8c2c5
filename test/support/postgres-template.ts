import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorCode } from '../../src/files/error-code.ts';
import { runCommand } from '../../src/stack/run.ts';

const catalogFolder = fileURLToPath(new URL('../../src/catalog', import.meta.url));
/** Those of schemas that nobody tests any more. */
const keptMs = 7 * 24 * 60 * 60 * 1_000;

/**
 * The data folder of a cluster with the newest schema, made once for each schema and kept below `cache`: `make` takes 3 s of CPU in
 * each of seventy test files, a copy 0.1 s.
 *
 * @param kind whatever else the cluster depends on
 * @param make fills an empty folder and gives the path of the data folder in it, of a cluster that was shut down in order
 */
export async function clusterTemplate(
  cache: string,
  kind: string,
  make: () => Promise<{ readonly data: string; readonly discard: () => void }>,
): Promise<string> {
  const kept = join(cache, 'test-postgres');
  const template = join(kept, schemaHash(kind));
  if (existsSync(template)) return template;
  mkdirSync(kept, { recursive: true });
  removeOld(kept);
  const { data, discard } = await make();
  const partial = join(kept, `${randomUUID()}.partial`);
  try {
    await copyCluster(data, partial);
    renameSync(partial, template);
  } catch (error) {
    // Another test file was faster.
    if (!existsSync(template)) throw error;
    rmSync(partial, { recursive: true, force: true });
  } finally {
    discard();
  }
  return template;
}

/** Owners and modes stay; where the file system can share what is in the files, nothing is copied. */
export async function copyCluster(from: string, to: string): Promise<void> {
  const { code, stderr } = await runCommand('cp', ['-a', '--reflink=auto', from, to]);
  if (code !== 0) throw new Error(stderr);
}

function schemaHash(kind: string): string {
  const hash = createHash('sha256').update(kind);
  const folder = join(catalogFolder, 'migrations');
  for (const name of readdirSync(folder).sort()) hash.update(name).update(readFileSync(join(folder, name)));
  return hash
    .update(readFileSync(join(catalogFolder, 'migrate.ts')))
    .digest('hex')
    .slice(0, 32);
}

function removeOld(kept: string): void {
  for (const name of readdirSync(kept)) {
    const folder = join(kept, name);
    try {
      if (Date.now() - statSync(folder).mtimeMs > keptMs) rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }
}
