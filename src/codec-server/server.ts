import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { PayloadCodec } from '@temporalio/common';
import type { RefusedAccess } from '../audit/refused-access.ts';
import { isFailure } from '../domain/failures.ts';
import { Accesses, type Note } from './accesses.ts';
import { Attempts } from './attempts.ts';
import { decodeBody, InvalidBody } from './decode.ts';
import { pagePolicy, signedInPage, signInPage } from './page.ts';
import { type CodecToken, holderOf } from './tokens.ts';

export interface CodecServerOptions {
  /** Where it listens; port 0 is any that is free. */
  readonly address: string;
  readonly port: number;
  /** PEM; without them plain HTTP, which the caller allows on loopback addresses only. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  /** Of the Web UI, as browsers send it: `http://127.0.0.1:8233`. */
  readonly webUiOrigin: string;
  readonly codec: Pick<PayloadCodec, 'decode'>;
  /** Asked for at each request, so that one that is revoked counts no more. */
  readonly tokens: () => readonly CodecToken[];
  /** Puts on record what somebody did, and who tried with a wrong token. */
  readonly note: Note;
  /** Puts on record who came without a token, or from another page: browsers do so by the dozen. */
  readonly refused: Pick<RefusedAccess, 'note' | 'tell'>;
}

/** One payload takes 2 MiB at most; a page of history has some hundreds of small ones. */
const mostBodyBytes = 16 * 1024 * 1024;
const mostFormBytes = 4 * 1024;
/** Whoever has not sent its request by then is cut off. */
const patienceMs = 30_000;
const cookieName = 'holdfast_codec';
const tellEveryMs = 1_000;
const preflightSeconds = 600;

/** Why somebody was turned away, as the audit trail has it; no more is told to them. */
type Refused = 'codec_token_missing' | 'codec_token_refused' | 'codec_origin_refused';

/** An answer without a body of its own. */
class Answer extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, text: string, headers: Readonly<Record<string, string>> = {}) {
    super(text);
    this.status = status;
    this.headers = headers;
  }
}

/**
 * Temporal's remote codec for the Web UI and the `temporal` command: POST /decode with a token, as bearer or, in a browser,
 * as the session that was opened with it. A session is as valid as its token, and ends with this process.
 */
export class CodecServer {
  readonly #options: CodecServerOptions;
  readonly #server: Server;
  readonly #attempts = new Attempts();
  readonly #accesses: Accesses;
  /** SHA-256 of the session's secret → SHA-256 of its token. */
  readonly #sessions = new Map<string, string>();
  #telling: NodeJS.Timeout | undefined;
  #url = '';

  constructor(options: CodecServerOptions) {
    this.#options = options;
    this.#accesses = new Accesses(options.note);
    const listener: RequestListener = (request, response) => void this.#serve(request, response);
    const limits = { requestTimeout: patienceMs, headersTimeout: patienceMs };
    this.#server =
      options.tls === undefined
        ? createServer(limits, listener)
        : createTlsServer({ ...limits, ...options.tls, minVersion: 'TLSv1.3' }, listener);
  }

  /** Gives the endpoint to set in the Web UI. The error of a port that cannot be had is thrown. */
  async open(): Promise<string> {
    const { address, port, tls } = this.#options;
    this.#server.listen(port, address);
    await once(this.#server, 'listening');
    const host = address.includes(':') ? `[${address}]` : address;
    this.#url = `http${tls === undefined ? '' : 's'}://${host}:${(this.#server.address() as AddressInfo).port}`;
    this.#telling = setInterval(() => {
      this.#accesses.tell('due');
      this.#options.refused.tell('due');
    }, tellEveryMs);
    return this.#url;
  }

  async close(): Promise<void> {
    clearInterval(this.#telling);
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
    this.#accesses.tell('all');
    this.#options.refused.tell('all');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    try {
      await this.#route(request, response);
    } catch (error) {
      const { status, message, headers } = answerTo(error);
      // What is left of a body that was too long is not waited for.
      response.writeHead(status, { ...headers, 'Content-Type': 'text/plain', Connection: 'close' });
      response.end(`${message}\n`);
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    const route = `${method} ${new URL(url, 'http://codec').pathname}`;
    if (route === 'GET /') return page(response, signInPage());
    if (route === 'POST /sign-in') return this.#signIn(request, response);
    if (route === 'POST /sign-out') return this.#signOut(request, response);
    if (route === 'OPTIONS /decode') {
      this.#allowOrigin(request, response);
      response.writeHead(204, {
        'Access-Control-Allow-Methods': 'POST',
        'Access-Control-Allow-Headers': 'Content-Type, X-Namespace, Authorization, Authorization-Extras',
        'Access-Control-Max-Age': String(preflightSeconds),
      });
      response.end();
      return;
    }
    if (route === 'POST /decode') return this.#decode(request, response);
    throw new Answer(404, 'not here');
  }

  async #decode(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#allowOrigin(request, response);
    const { name: who } = this.#holder(request);
    if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
      throw new Answer(415, 'send application/json');
    const { payloads, ...counts } = await decodeBody(
      this.#options.codec,
      (await read(request, mostBodyBytes)).toString('utf8'),
    );
    // What nobody could find out later is not shown.
    if (!this.#accesses.had({ who, namespace: namespaceOf(request), ...counts }))
      throw new Answer(503, 'the access cannot be recorded');
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ payloads }));
  }

  /** Browsers say where a request comes from; other programs do not, and have no cookie that somebody could make use of. */
  #allowOrigin(request: IncomingMessage, response: ServerResponse): void {
    const { origin } = request.headers;
    response.setHeader('Vary', 'Origin');
    if (origin === undefined) return;
    if (origin !== this.#options.webUiOrigin) throw this.#refuse(403, 'codec_origin_refused');
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Allow-Credentials', 'true');
  }

  #holder(request: IncomingMessage): CodecToken {
    const [, bearer] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (bearer !== undefined) return this.#holderOf(bearer);
    const session = request.headers.origin === undefined ? undefined : sessionOf(request);
    const sha256 = session === undefined ? undefined : this.#sessions.get(hashOf(session));
    const found = this.#options.tokens().find((token) => token.sha256 === sha256);
    if (found !== undefined && Date.now() < Date.parse(found.expiresAt)) return found;
    throw this.#refuse(401, 'codec_token_missing', { 'WWW-Authenticate': 'Bearer' });
  }

  #holderOf(token: string): CodecToken {
    const waitSeconds = this.#attempts.waitSeconds();
    if (waitSeconds > 0)
      throw new Answer(429, 'too many wrong tokens', { 'Retry-After': String(waitSeconds) });
    const found = holderOf(this.#options.tokens(), token, new Date());
    if (found !== undefined) return found;
    this.#attempts.failed();
    throw this.#refuse(401, 'codec_token_refused', { 'WWW-Authenticate': 'Bearer' });
  }

  #refuse(status: number, what: Refused, headers: Readonly<Record<string, string>> = {}): Answer {
    const { note, refused } = this.#options;
    // Each is an attempt: so many of them are an incident.
    if (what === 'codec_token_refused')
      note({ step: 'access', actor: 'unknown', facts: { what, command: 'codec-server' } });
    else refused.note({ what });
    return new Answer(status, what, headers);
  }

  async #signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#requireOwnPage(request);
    const form = new URLSearchParams((await read(request, mostFormBytes)).toString('utf8'));
    let holder: CodecToken;
    try {
      holder = this.#holderOf((form.get('token') ?? '').trim());
    } catch (error) {
      if (!(error instanceof Answer)) throw error;
      return page(response, signInPage(error.status === 429 ? 'wait' : 'refused'), error);
    }
    const session = randomBytes(32).toString('base64url');
    this.#sessions.set(hashOf(session), holder.sha256);
    const seconds = Math.floor((Date.parse(holder.expiresAt) - Date.now()) / 1_000);
    response.setHeader('Set-Cookie', this.#cookie(session, seconds));
    page(response, signedInPage(holder.name, this.#url));
  }

  async #signOut(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#requireOwnPage(request);
    this.#sessions.delete(hashOf(sessionOf(request) ?? ''));
    response.setHeader('Set-Cookie', this.#cookie('', 0));
    page(response, signInPage());
  }

  /** Sent to nobody but this server (and others of the same host), by no page of another site, readable by no script. */
  #cookie(value: string, seconds: number): string {
    const secure = this.#options.tls === undefined ? '' : '; Secure';
    return `${cookieName}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`;
  }

  /** No other page signs anybody in or out. */
  #requireOwnPage(request: IncomingMessage): void {
    if (request.headers['sec-fetch-site'] !== 'same-origin') throw this.#refuse(403, 'codec_origin_refused');
  }
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

function sessionOf({ headers }: IncomingMessage): string | undefined {
  return new RegExp(`(?:^|; )${cookieName}=([\\w-]+)`).exec(headers.cookie ?? '')?.[1];
}

/** As the Web UI says it; anything else is nobody's namespace. */
function namespaceOf({ headers }: IncomingMessage): string {
  const namespace = headers['x-namespace'];
  return typeof namespace === 'string' && /^[\w.-]{1,100}$/.test(namespace) ? namespace : '';
}

function page(
  response: ServerResponse,
  html: string,
  { status, headers }: Pick<Answer, 'status' | 'headers'> = { status: 200, headers: {} },
): void {
  response.writeHead(status, {
    ...headers,
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': pagePolicy,
    'Referrer-Policy': 'same-origin',
  });
  response.end(html);
}

async function read(request: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > mostBytes) throw new Answer(413, 'too long');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function answerTo(error: unknown): Answer {
  if (error instanceof Answer) return error;
  if (error instanceof InvalidBody) return new Answer(400, error.message);
  return isFailure(error, 'tampered') ? new Answer(422, error.code) : new Answer(500, 'internal');
}
