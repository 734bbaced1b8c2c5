import { type Config, readConfig } from './config.ts';
import { Ids } from './domain/ids.ts';
import { hostDocuments, type KeyringDocument, keyringDocuments } from './keys/keyring-files.ts';
import { type Keyring, openKeyring, requireCurrent } from './keys/open-keyring.ts';
import { RepositoryKeys } from './keys/repository-keys.ts';
import type { Paths } from './stack/paths.ts';
import { hostKeyFile, readHostKeys, writeOnlyKeyring } from './write-only/host-keys.ts';
import type { SigningHost } from './write-only/signed-message.ts';

/** One installation, opened with its password, or a write-only host's with its key file: what every process of ours and most commands begin with. */
export interface Installation {
  readonly paths: Paths;
  readonly config: Config;
  readonly keyring: Keyring;
  readonly keyringDocuments: readonly KeyringDocument[];
  /** What makes write-only hosts known, published beside the keyring. */
  readonly hostDocuments: readonly KeyringDocument[];
  readonly keys: RepositoryKeys;
  readonly ids: Ids;
  /** On a write-only host: what it signs with. */
  readonly signingHost?: SigningHost;
}

/** Failures: `config_missing`, `config_invalid`, and the keyring's, exit code 6. */
export async function openInstallation(
  paths: Paths,
  configPath: string,
  password: Buffer,
): Promise<Installation> {
  const config = readConfig(configPath);
  const documents = await keyringDocuments(paths.home);
  const hostKeys = config.writeOnly ? readHostKeys(hostKeyFile(paths.home)) : undefined;
  const keyring = hostKeys
    ? writeOnlyKeyring(hostKeys)
    : requireCurrent(await openKeyring(documents, config.repository, password));
  return {
    ...(hostKeys === undefined ? {} : { signingHost: hostKeys.host }),
    paths,
    config,
    keyring,
    keyringDocuments: documents,
    hostDocuments: await hostDocuments(paths.home),
    keys: new RepositoryKeys(keyring),
    ids: new Ids(keyring.root.pathId),
  };
}

/** Queue group of a source, or of what this host does for no single one: hosts that mount the same tree share one. */
export const groupOf = ({ host, sources }: Config, sourceName?: string): string =>
  sources.find(({ name }) => name === sourceName)?.group ?? host.group ?? host.id;
