import { mkdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { ConfigFile } from '../config.ts';
import { Failure } from '../domain/failures.ts';
import { writeDocument } from '../keys/keyring-files.ts';
import { openKeyring } from '../keys/open-keyring.ts';
import { policiesFolder } from '../policy/installed.ts';
import { writePrivate } from '../stack/secrets.ts';
import type { JoinFile, JoinS3, JoinTls } from './join-file.ts';

type External<Name extends 'temporal' | 'postgres' | 's3'> = Extract<
  NonNullable<NonNullable<ConfigFile['services']>[Name]>,
  { mode: 'external' }
>;

/** Where a host that joined keeps what it was handed; 0700. */
const clusterFolder = (home: string): string => join(home, 'secrets', 'cluster');

/** The configuration of a host that joins. What it refers to is written by {@link installJoined}. */
export function joinedConfig(
  file: JoinFile,
  home: string,
  own: Pick<ConfigFile, 'sources'> & Partial<ConfigFile>,
): ConfigFile {
  const { settings, temporal, postgres, s3, destinations, policyData } = file;
  const folder = clusterFolder(home);
  const at = (name: string): string => join(folder, name);
  const common = settings as Partial<ConfigFile>;
  return {
    ...common,
    version: 1,
    repository: file.repository,
    host: { id: file.host.id, ...(file.host.group === undefined ? {} : { group: file.host.group }) },
    keeper: false,
    destinations: destinations.map((destination, index) => ({
      ...(destination.settings as ConfigFile['destinations'][number]),
      ...(destination.s3 === undefined ? {} : { s3: s3Settings(destination.s3, at(`s3-${index + 1}`)) }),
    })),
    services: {
      temporal: {
        mode: 'external',
        ...{ address: temporal.address, namespace: temporal.namespace },
        ...(temporal.tls === undefined ? {} : { tls: tlsSettings(temporal.tls, at('temporal')) }),
        ...(temporal.apiKey === undefined ? {} : { apiKeyFile: at('temporal.api-key') }),
      } satisfies External<'temporal'>,
      postgres: {
        mode: 'external',
        writerUriFile: at('postgres.uri'),
        ...tlsSettings(postgres.tls, at('postgres')),
      } satisfies External<'postgres'>,
      s3: {
        mode: 'external',
        ...(s3 === undefined ? {} : s3Settings(s3, at('s3'))),
      } satisfies External<'s3'>,
      opa: { mode: 'embedded' },
      clamd: { mode: 'embedded' },
    },
    ...own,
    policy: {
      ...common.policy,
      ...own.policy,
      ...(policyData === undefined ? {} : { data: join(home, 'policy-data.json') }),
    },
  };
}

/** Checks that the password opens the repository that is to be joined. Exit code 6 where it does not. */
export async function requireJoinPassword(
  { keyring, repository }: JoinFile,
  password: Buffer,
): Promise<void> {
  await openKeyring(documentsOf({ keyring }), repository, password);
}

/** Writes what {@link joinedConfig} refers to: certificates and credentials (0600), policy, and the keyring. */
export async function installJoined(file: JoinFile, home: string): Promise<void> {
  const { temporal, postgres, s3, destinations, policies, policyData } = file;
  const folder = clusterFolder(home);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const at = (name: string): string => join(folder, name);
  writeTls(temporal.tls ?? {}, at('temporal'));
  if (temporal.apiKey !== undefined) writePrivate(at('temporal.api-key'), `${temporal.apiKey}\n`);
  writeTls(postgres.tls, at('postgres'));
  writePrivate(at('postgres.uri'), `${postgres.uri}\n`);
  if (s3 !== undefined) writeS3(s3, at('s3'));
  for (const [index, destination] of destinations.entries())
    if (destination.s3 !== undefined) writeS3(destination.s3, at(`s3-${index + 1}`));
  const rules = policiesFolder(home);
  await rm(rules, { recursive: true, force: true });
  for (const [name, text] of Object.entries(policies)) {
    const path = join(rules, name);
    if (relative(rules, path).startsWith('..'))
      throw new Failure('join_file_invalid', { file: name, detail: 'a policy lies outside of its folder' });
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  if (policyData !== undefined) await writeFile(join(home, 'policy-data.json'), JSON.stringify(policyData));
  for (const document of documentsOf(file)) await writeDocument(home, document);
}

const documentsOf = ({ keyring }: Pick<JoinFile, 'keyring'>) =>
  keyring.map(({ name, bytes }) => ({ name, bytes: Buffer.from(bytes, 'base64') }));

function s3Settings({ endpoint, region, pathStyle, credentials, tls }: JoinS3, at: string) {
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...{ region, pathStyle },
    ...(credentials === undefined ? {} : { credentialsFile: `${at}.credentials` }),
    ...tlsSettings(tls, at),
  };
}

function writeS3({ credentials, tls }: JoinS3, at: string): void {
  if (credentials !== undefined) writePrivate(`${at}.credentials`, credentials);
  writeTls(tls, at);
}

function tlsSettings({ ca, certificate, key, serverName }: JoinTls, at: string) {
  return {
    ...(ca === undefined ? {} : { caFile: `${at}-ca.pem` }),
    ...(certificate === undefined ? {} : { certFile: `${at}.pem` }),
    ...(key === undefined ? {} : { keyFile: `${at}.key` }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

function writeTls({ ca, certificate, key }: JoinTls, at: string): void {
  if (ca !== undefined) writePrivate(`${at}-ca.pem`, ca);
  if (certificate !== undefined) writePrivate(`${at}.pem`, certificate);
  if (key !== undefined) writePrivate(`${at}.key`, key);
}
