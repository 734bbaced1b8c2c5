import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

interface Received {
  readonly labels: Readonly<Record<string, string>>;
  readonly atNs: string;
  readonly text: string;
}

/** What a Loki would be sent: its push API on loopback, with the behaviour of the moment. */
export class LokiReceiver {
  readonly lines: Received[] = [];
  readonly requests: { readonly url: string; readonly headers: IncomingHttpHeaders }[] = [];
  /** How it answers; it takes lines only where that is 204. `never`: not at all. */
  behaviour: { status: number; headers?: Record<string, string> } | 'never' = { status: 204 };
  readonly #server = createServer(async (request, response) => {
    const body = JSON.parse(gunzipSync(await buffer(request)).toString()) as {
      streams: { stream: Record<string, string>; values: [string, string][] }[];
    };
    this.requests.push({ url: request.url ?? '', headers: request.headers });
    const { behaviour } = this;
    if (behaviour === 'never') return this.#hanging.push(response);
    if (behaviour.status === 204)
      for (const { stream, values } of body.streams)
        for (const [atNs, text] of values) this.lines.push({ labels: stream, atNs, text });
    return response.writeHead(behaviour.status, behaviour.headers).end();
  });
  readonly #hanging: ServerResponse[] = [];

  /** Listens on `port`, or any that is free. */
  async open(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const response of this.#hanging) response.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
