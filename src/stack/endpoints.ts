import path from 'node:path';
import type { DatabaseOptions } from '../catalog/database.ts';
import { type Config, type DestinationConfig, embeddedRegion, type TlsFiles } from '../config.ts';
import { Failure } from '../domain/failures.ts';
import type { SignatureSet } from '../domain/records.ts';
import type { S3StoreOptions } from '../storage/s3-client.ts';
import type { TemporalAddress } from '../temporal/connect.ts';
import { defaultNamespace } from '../temporal/names.ts';
import type { Paths } from './paths.ts';
import { readSecret } from './secrets.ts';
import { type S3Role, s3CredentialFiles } from './services/s3-roles.ts';
import type { ServiceFacts } from './services/service.ts';
import type { SupervisorStatus } from './supervisor-state.ts';

/** Where every service is, whether this installation runs it or somebody else does. */
export interface Endpoints {
  readonly temporal: TemporalAddress;
  /** URL of Temporal's Web UI; undefined where an external one was not configured. */
  readonly temporalUi: string | undefined;
  /** Failure `joined_host` on a host that was added to a cluster. */
  readonly catalogOwner: DatabaseOptions;
  readonly catalogWriter: DatabaseOptions;
  /** Set where this installation makes the writer role's password itself. */
  readonly writerPassword: string | undefined;
  readonly opaSocket: string;
  readonly clamdSocket: string;
  /** File that describes embedded signatures, or the set an external clamd is said to have. */
  readonly signatures: { readonly factsFile: string } | { readonly set: SignatureSet };
  readonly s3: (destination: DestinationConfig, role: S3Role | 'owner') => S3StoreOptions;
}

/** The services whose facts {@link endpoints} may ask for, by name. */
export type Running = (name: string) => ServiceFacts | undefined;

/** Failure `service_not_running` names the embedded service that is missing. */
export function endpoints(config: Config, paths: Paths, running: Running): Endpoints {
  const embedded = (name: string): ServiceFacts => {
    const facts = running(name);
    if (facts === undefined || facts.address === '')
      throw new Failure('service_not_running', { service: name });
    return facts;
  };
  // Each is looked up when it is asked for: a command that needs one service works while another is down.
  return {
    get temporal() {
      return temporalAddress(config, embedded);
    },
    get temporalUi() {
      const { temporal } = config.services;
      return temporal.mode === 'external' ? temporal.webUi : embedded('temporal').extra.ui;
    },
    get catalogOwner() {
      const { postgres } = config.services;
      if (postgres.mode === 'external') {
        if (postgres.ownerUriFile === undefined) throw new Failure('joined_host');
        return externalDatabase(postgres.ownerUriFile, postgres);
      }
      return { uri: readSecret(embedded('postgres').extra.uriFile ?? '') };
    },
    get catalogWriter() {
      const { postgres } = config.services;
      if (postgres.mode === 'external') return externalDatabase(postgres.writerUriFile, postgres);
      const uri = new URL(readSecret(embedded('postgres').extra.uriFile ?? ''));
      uri.username = 'holdfast_writer';
      uri.password = readSecret(writerPasswordFile(paths));
      return { uri: uri.href };
    },
    get writerPassword() {
      return config.services.postgres.mode === 'external' ? undefined : readSecret(writerPasswordFile(paths));
    },
    get opaSocket() {
      const { opa } = config.services;
      return opa.mode === 'external' ? opa.socket : embedded('opa').address;
    },
    get clamdSocket() {
      const { clamd } = config.services;
      return clamd.mode === 'external' ? clamd.socket : embedded('clamd').address;
    },
    get signatures() {
      const { clamd } = config.services;
      if (clamd.mode === 'external') return { set: clamd.signatureSet };
      return { factsFile: embedded('clamd').extra.signatureFacts ?? '' };
    },
    s3: (destination, role) => s3Options(config, paths, destination, role, embedded),
  };
}

/** The facts of services from what their supervisor says or last wrote; a service that has no process is not running. */
export function runningFrom(status: SupervisorStatus | undefined): Running {
  return (name) => {
    const row = status?.services[name];
    if (row === undefined || row.pid === 0) return undefined;
    const { address, pid: _pid, startTicks: _ticks, healthy: _healthy, log: _log, ...extra } = row;
    return { address, extra: extra as Record<string, string> };
  };
}

export const writerPasswordFile = (paths: Paths): string =>
  path.join(paths.home, 'secrets', 'postgres-writer');

function temporalAddress(config: Config, embedded: (name: string) => ServiceFacts): TemporalAddress {
  const { temporal } = config.services;
  if (temporal.mode === 'embedded')
    return { address: embedded('temporal').address, namespace: defaultNamespace };
  const isEncrypted = temporal.tls !== undefined || temporal.apiKeyFile !== undefined;
  requirePrivate('temporal', `tcp://${temporal.address}`, isEncrypted || temporal.insecure);
  return {
    address: temporal.address,
    namespace: temporal.namespace,
    ...(temporal.tls === undefined ? {} : { tls: temporal.tls }),
    ...(temporal.apiKeyFile === undefined ? {} : { apiKeyFile: temporal.apiKeyFile }),
  };
}

function externalDatabase(
  uriFile: string,
  { insecure, ...tls }: TlsFiles & { readonly insecure: boolean },
): DatabaseOptions {
  const uri = readSecret(uriFile);
  requirePrivate(
    'postgres',
    uri,
    tls.caFile !== undefined || /[?&]sslmode=(require|verify-)/.test(uri) || insecure,
  );
  return { uri, ...tlsOf(tls) };
}

/** What stays on this machine needs no encryption. Failure `plaintext_refused` for what would cross a network in the clear. */
export function requirePrivate(service: string, uri: string, isPrivate: boolean): void {
  if (isPrivate) return;
  // Of Postgres: the folder of a unix socket stands where the host is not.
  const [, host = ''] = /^\w+:\/\/(?:[^@/]*@)?(\[[^\]]*\]|[^:/?]*)/.exec(uri) ?? [];
  const address = host.replace(/^\[|\]$/g, '');
  if (/^(|localhost|127(\.\d+){3}|::1|%2[fF].*)$/.test(address)) return;
  throw new Failure('plaintext_refused', { service });
}

function tlsOf({ caFile, certFile, keyFile, serverName }: TlsFiles) {
  return {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

function s3Options(
  config: Config,
  paths: Paths,
  destination: DestinationConfig,
  role: S3Role | 'owner',
  embedded: (name: string) => ServiceFacts,
): S3StoreOptions {
  const s3 = connectionOf(config, destination);
  const common = {
    name: destination.name,
    bucket: destination.bucket,
    jurisdiction: destination.jurisdiction,
  };
  if (s3 === 'embedded') {
    const { address, extra } = embedded('s3');
    const files = s3CredentialFiles(paths.home);
    return {
      ...common,
      endpoint: address,
      region: extra.region ?? embeddedRegion,
      forcePathStyle: true,
      credentialsFile: role === 'owner' ? files.credentialsFile : path.join(files.rolesDir, role),
    };
  }
  if (s3.endpoint !== undefined)
    requirePrivate('s3', s3.endpoint, s3.endpoint.startsWith('https:') || s3.insecure);
  return {
    ...common,
    region: s3.region,
    forcePathStyle: s3.pathStyle,
    ...(s3.endpoint === undefined ? {} : { endpoint: s3.endpoint }),
    ...(s3.credentialsFile === undefined ? {} : { credentialsFile: s3.credentialsFile }),
    ...(s3.profile === undefined ? {} : { profile: s3.profile }),
    ...tlsOf(s3),
  };
}

/** How a destination is reached: its own server, else the one of all, which may be run by this installation. */
export function connectionOf({ services }: Config, { s3 }: DestinationConfig) {
  if (s3 !== undefined) return s3;
  return services.s3.mode === 'embedded' ? 'embedded' : services.s3;
}
