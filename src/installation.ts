import { type Config, readConfig } from './config.ts';
import { Ids } from './domain/ids.ts';
import { type KeyringDocument, keyringDocuments } from './keys/keyring-files.ts';
import { type Keyring, openKeyring, requireCurrent } from './keys/open-keyring.ts';
import { RepositoryKeys } from './keys/repository-keys.ts';
import type { Paths } from './stack/paths.ts';

/** One installation, opened with its password: what every process of ours and most commands begin with. */
export interface Installation {
  readonly paths: Paths;
  readonly config: Config;
  readonly keyring: Keyring;
  readonly keyringDocuments: readonly KeyringDocument[];
  readonly keys: RepositoryKeys;
  readonly ids: Ids;
}

/** Failures: `config_missing`, `config_invalid`, and the keyring's, exit code 6. */
export async function openInstallation(
  paths: Paths,
  configPath: string,
  password: Buffer,
): Promise<Installation> {
  const config = readConfig(configPath);
  const documents = await keyringDocuments(paths.home);
  const keyring = requireCurrent(await openKeyring(documents, config.repository, password));
  return {
    paths,
    config,
    keyring,
    keyringDocuments: documents,
    keys: new RepositoryKeys(keyring),
    ids: new Ids(keyring.root.pathId),
  };
}

/** Queue group of this host's sources: hosts that mount the same tree share one. */
export const groupOf = (config: Config): string => config.host.group ?? config.host.id;
