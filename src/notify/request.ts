import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { trusted } from './trust.ts';
import { Undelivered } from './undelivered.ts';

export interface SentRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly caFile?: string | undefined;
  /** For what is beyond this machine. */
  readonly proxy?: string | undefined;
  /** What each answer may take, from the first byte of its request to its own last one. Milliseconds. */
  readonly withinMs?: number;
}

const longestMs = 20_000;
const mostRedirects = 3;
/** Of an answer that nobody reads. */
const mostAnswerBytes = 64 * 1024;
const redirects = [307, 308];

/**
 * Sends a request and waits for an answer that says it was taken (2xx). Follows redirects that keep method and body, and
 * only those to the same scheme, host and port.
 *
 * @throws Undelivered
 */
export async function sendRequest(request: SentRequest): Promise<void> {
  const { protocol, host } = new URL(request.url);
  let url = request.url;
  for (let redirected = 0; redirected <= mostRedirects; redirected++) {
    const { status, location } = await once({ ...request, url });
    if (status >= 200 && status < 300) return;
    if (!redirects.includes(status) || location === undefined) throw new Undelivered(`HTTP ${status}`);
    const next = new URL(location, url);
    if (next.protocol !== protocol || next.host !== host) throw new Undelivered('redirected elsewhere');
    url = next.href;
  }
  throw new Undelivered('redirected too often');
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
}

async function once({
  url,
  method,
  headers = {},
  body,
  caFile,
  proxy,
  withinMs = longestMs,
}: SentRequest): Promise<Answer> {
  const { protocol } = new URL(url);
  const proxyEnv =
    proxy === undefined
      ? {}
      : { HTTP_PROXY: proxy, HTTPS_PROXY: proxy, NO_PROXY: 'localhost,127.0.0.1,[::1],::1' };
  const isTls = protocol === 'https:';
  const agent = isTls ? new HttpsAgent({ proxyEnv }) : new HttpAgent({ proxyEnv });
  const options = {
    method,
    agent,
    signal: AbortSignal.timeout(withinMs),
    headers: {
      'user-agent': 'holdfast',
      ...headers,
      ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
    },
  };
  const tls = isTls ? await trusted(caFile) : {};
  try {
    return await new Promise((resolve, reject) => {
      let answer: Answer | undefined;
      const take = (response: IncomingMessage): void => {
        const told = { status: response.statusCode ?? 0, location: response.headers.location };
        answer = told;
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > mostAnswerBytes) response.destroy();
        });
        response.on('error', () => {});
        response.on('close', () => resolve(told));
      };
      const sent = isTls ? httpsRequest(url, { ...options, ...tls }, take) : httpRequest(url, options, take);
      // The status says whether it was taken, also where the rest of the answer breaks off or takes too long.
      sent.on('error', (error) => (answer === undefined ? reject(error) : resolve(answer)));
      sent.end(body);
    });
  } catch (error) {
    throw Undelivered.by(error);
  } finally {
    agent.destroy();
  }
}
