import { readFile } from 'node:fs/promises';
import { Client, Connection, type TLSConfig } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { Failure } from '../domain/failures.ts';
import type { PayloadKey } from '../sealed/keyring.ts';
import { EncryptingCodec } from './codec.ts';
import { failureConverterPath } from './failure-converter-path.ts';

/** How to reach a Temporal cluster. */
export interface TemporalAddress {
  /** `host:port` of the frontend. */
  readonly address: string;
  readonly namespace: string;
  readonly tls?: {
    readonly caFile?: string | undefined;
    readonly certFile?: string | undefined;
    readonly keyFile?: string | undefined;
    readonly serverName?: string | undefined;
  };
  readonly apiKeyFile?: string;
}

export function dataConverter(keys: readonly PayloadKey[]): DataConverter {
  return {
    payloadCodecs: [new EncryptingCodec(keys)],
    failureConverterPath,
  };
}

/** A client whose payloads are encrypted. Failure `temporal_unavailable` when the cluster does not answer. */
export async function connectClient(to: TemporalAddress, keys: readonly PayloadKey[]): Promise<Client> {
  const connection = await connected(async () =>
    Connection.connect({ ...(await connectionOptions(to)), connectTimeout: '5s' }),
  );
  return new Client({ connection, namespace: to.namespace, dataConverter: dataConverter(keys) });
}

/** What client and worker connect with alike. */
export async function connectionOptions(to: TemporalAddress) {
  return {
    address: to.address,
    ...(to.tls === undefined ? {} : { tls: await readTls(to.tls) }),
    ...(to.apiKeyFile === undefined ? {} : { apiKey: (await readFile(to.apiKeyFile, 'utf8')).trim() }),
  };
}

async function readTls(tls: NonNullable<TemporalAddress['tls']>): Promise<TLSConfig> {
  const [ca, crt, key] = await Promise.all(
    [tls.caFile, tls.certFile, tls.keyFile].map((f) => f && readFile(f)),
  );
  return {
    ...(ca ? { serverRootCACertificate: ca } : {}),
    ...(tls.serverName ? { serverNameOverride: tls.serverName } : {}),
    ...(crt && key ? { clientCertPair: { crt, key } } : {}),
  };
}

/** Failure `temporal_unavailable` where `connect` fails. */
export async function connected<T>(connect: () => Promise<T>): Promise<T> {
  try {
    return await connect();
  } catch (error) {
    throw new Failure('temporal_unavailable', {}, { cause: error });
  }
}
