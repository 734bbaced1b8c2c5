import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../src/domain/failures.ts';
import { isWithin } from '../../src/files/paths.ts';
import { ensureFolders } from '../../src/stack/folders.ts';
import { configFile, type Paths } from '../../src/stack/paths.ts';
import { ensureSecret, writePrivate } from '../../src/stack/secrets.ts';
import { detail } from '../../src/text/voice.ts';
import { type PlantedFile, plant, plantedFiles } from './planted.ts';

export interface Source {
  readonly name: string;
  readonly path: string;
}

/** What one run of the quickstart works on. */
export interface Installation {
  readonly paths: Paths;
  /** Whether `init` has not run here yet. */
  readonly isNew: boolean;
  /** The given folder, which is only read. */
  readonly files: Source;
  /** The folder with the planted files. */
  readonly planted: Source;
  readonly plantedFiles: readonly PlantedFile[];
  readonly passwordFile: string;
  /** Whether the quickstart made the password. */
  readonly hasOwnPassword: boolean;
}

/**
 * Makes the state folder ready, planted files and password included. Failures: `quickstart_home_taken` when an
 * installation of somebody's own is there, `usage` for a folder inside the state folder, `no_password`.
 */
export function prepareInstallation(options: {
  readonly paths: Paths;
  readonly uid: number;
  /** Real path of the folder to protect. */
  readonly folder: string;
  readonly givenPasswordFile: string | undefined;
}): Installation {
  const { paths, folder, givenPasswordFile } = options;
  const { home } = paths;
  if (isWithin(Buffer.from(folder), Buffer.from(home)))
    throw new Failure('usage', { detail: detail(`This folder lies in the state folder ${home}: ${folder}`) });
  const isNew = !existsSync(configFile(home));
  if (!isNew && !existsSync(markFile(home))) throw new Failure('quickstart_home_taken', { home });
  ensureFolders(paths, options.uid);

  const plantedFolder = join(home, 'planted');
  const toPlant = plantedFiles(new Date());
  plant(plantedFolder, toPlant);
  const known = readMark(home);
  const files = sourceOf('files', folder, known);
  const planted = sourceOf('planted', plantedFolder, known);
  const others = known.filter(({ name }) => name !== files.name && name !== planted.name);
  writePrivate(markFile(home), `${JSON.stringify([...others, files, planted], undefined, 2)}\n`);

  const passwordFile = givenPasswordFile ?? join(home, 'quickstart-password');
  if (givenPasswordFile === undefined) {
    // A keyring that was made with another password is not opened by a new one.
    if (!isNew && !existsSync(passwordFile)) throw new Failure('no_password');
    ensureSecret(passwordFile);
  }
  const hasOwnPassword = givenPasswordFile === undefined;
  return { paths, isNew, files, planted, plantedFiles: toPlant, passwordFile, hasOwnPassword };
}

/** A folder that some run has met, with the inode that the catalog knows its source by. */
interface KnownSource extends Source {
  readonly inode: string;
}

/** Says that an installation is the quickstart's, and which folders it has met: JSON of {@link KnownSource}s. */
const markFile = (home: string): string => join(home, 'quickstart.json');

function readMark(home: string): KnownSource[] {
  if (!existsSync(markFile(home))) return [];
  return JSON.parse(readFileSync(markFile(home), 'utf8')) as KnownSource[];
}

/** A source is one folder for ever, so another folder gets another name: `files`, `files-2`, … */
function sourceOf(kind: string, path: string, known: readonly KnownSource[]): KnownSource {
  const inode = String(statSync(path, { bigint: true }).ino);
  const same = known.filter(({ name }) => name === kind || name.startsWith(`${kind}-`));
  const met = same.find((source) => source.path === path && source.inode === inode);
  return met ?? { name: same.length === 0 ? kind : `${kind}-${same.length + 1}`, path, inode };
}
