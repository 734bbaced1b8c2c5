import { readFileSync } from 'node:fs';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { gzipSync } from 'node:zlib';
import type { Config } from '../config.ts';
import { readSecret } from '../stack/secrets.ts';
import type { OwnLine } from './line.ts';

export type LokiConfig = NonNullable<Config['logs']['loki']>;

/** A line, and which of our processes wrote it. */
export interface ShippedLine extends OwnLine {
  readonly service: string;
}

/** What Loki made of a push: took it, will not ever take it, or may take it later. */
export type PushAnswer =
  | { readonly result: 'taken' }
  | { readonly result: 'refused'; readonly why: string }
  | { readonly result: 'later'; readonly why: string; readonly afterMs?: number };

export type Push = (lines: readonly ShippedLine[]) => Promise<PushAnswer>;

/** An answer that takes longer is none. */
const defaultAnswerMs = 10_000;
/** What of an answer is read. Bytes; Loki's are short. */
const mostAnswerBytes = 64 * 1024;

/**
 * Loki's push API (Grafana Loki documentation, "Ingest logs"): JSON, compressed. Credentials and certificates are read anew
 * for each push, so that changed ones need no restart. `host` is what the label of that name says.
 */
export function pushTo(config: LokiConfig, host: string, answerWithinMs = defaultAnswerMs): Push {
  const url = new URL('loki/api/v1/push', config.url.endsWith('/') ? config.url : `${config.url}/`);
  return async (lines) => {
    try {
      const body = gzipSync(JSON.stringify({ streams: streamsOf(lines, host) }));
      return await post(url, config, body, AbortSignal.timeout(answerWithinMs));
    } catch (error) {
      return { result: 'later', why: codeOf(error) };
    }
  };
}

/** Labels of few values only: each combination is a stream of its own. Ids are found in the lines. */
function streamsOf(lines: readonly ShippedLine[], host: string): object[] {
  const streams = Map.groupBy(lines, ({ service, level }) => `${service} ${level}`);
  return [...streams.values()].map((stream) => ({
    stream: { service: stream[0]?.service, level: stream[0]?.level, host },
    values: stream.map(({ atMs, text }) => [`${atMs}000000`, text]),
  }));
}

async function post(url: URL, config: LokiConfig, body: Buffer, signal: AbortSignal): Promise<PushAnswer> {
  const isEncrypted = url.protocol === 'https:';
  const request = (isEncrypted ? requestHttps : requestHttp)(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
      'content-length': body.length,
      ...(config.tenant === undefined ? {} : { 'x-scope-orgid': config.tenant }),
      ...authorization(config),
    },
    ...(isEncrypted ? tlsOf(config) : {}),
    signal,
  });
  return new Promise((resolve, reject) => {
    request.on('error', reject).once('response', (response) => {
      const { statusCode = 0, headers } = response;
      const afterMs = Number(headers['retry-after']) * 1_000;
      const answer = answerOf(statusCode, afterMs > 0 ? afterMs : undefined);
      let received = 0;
      response.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received > mostAnswerBytes) response.destroy();
      });
      response.on('error', () => {}).once('close', () => resolve(answer));
    });
    request.end(body);
  });
}

/** What is wrong with lines stays wrong; what is wrong with credentials, address or load can be put right. */
function answerOf(status: number, afterMs: number | undefined): PushAnswer {
  if (status >= 200 && status < 300) return { result: 'taken' };
  const why = `status ${status}`;
  if ([400, 413, 422].includes(status)) return { result: 'refused', why };
  return { result: 'later', why, ...(afterMs === undefined ? {} : { afterMs }) };
}

function authorization({ username, passwordFile }: LokiConfig): Record<string, string> {
  if (passwordFile === undefined) return {};
  const secret = readSecret(passwordFile);
  if (username === undefined) return { authorization: `Bearer ${secret}` };
  return { authorization: `Basic ${Buffer.from(`${username}:${secret}`).toString('base64')}` };
}

function tlsOf({ caFile, certFile, keyFile, serverName }: LokiConfig) {
  return {
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
    ...(certFile === undefined ? {} : { cert: readFileSync(certFile) }),
    ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

/** An error's own words may hold a path: only its code is told. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
