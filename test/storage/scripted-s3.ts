import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import type { S3StoreOptions } from '../../src/storage/s3-client.ts';
import { openS3Store } from '../../src/storage/s3-store.ts';

export interface SeenRequest {
  /** Method, path and query, e.g. `PUT /bucket/key?x-id=PutObject`. */
  readonly line: string;
  readonly headers: IncomingHttpHeaders;
}

/** What the server does with one request; `cut` closes the connection, `hang` never answers. */
export type Reply =
  | 'cut'
  | 'hang'
  | {
      status: number;
      headers?: Record<string, string>;
      body?: string;
      code?: string;
      cutAfter?: string;
      stallAfter?: string;
    };

export interface ScriptedS3 {
  readonly store: ObjectStore;
  readonly seen: SeenRequest[];
  stop(): Promise<void>;
}

/** A server that answers as `reply` says: for what a well-behaved S3 server cannot be made to do. */
export async function scriptedS3(
  reply: (request: SeenRequest, count: number) => Reply | Promise<Reply>,
  options: Partial<S3StoreOptions> = {},
): Promise<ScriptedS3> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const one = { line: `${request.method} ${request.url}`, headers: request.headers };
      seen.push(one);
      void Promise.resolve(reply(one, seen.length)).then((said) => answer(response, said));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const store = await openS3Store({
    name: 'scripted',
    endpoint: `http://127.0.0.1:${address.port}`,
    region: 'us-east-1',
    bucket: 'bucket',
    forcePathStyle: true,
    credentialsFile: new URL('scripted-credentials', import.meta.url).pathname,
    jurisdiction: 'local',
    ...options,
  });
  return {
    store,
    seen,
    async stop() {
      store.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(response: ServerResponse, reply: Reply): void {
  if (reply === 'hang') return;
  if (reply === 'cut') {
    response.destroy();
    return;
  }
  const body = reply.code
    ? `<Error><Code>${reply.code}</Code><Message>${reply.code}</Message></Error>`
    : reply.body;
  response.writeHead(reply.status, reply.headers);
  const begun = reply.cutAfter ?? reply.stallAfter;
  if (begun === undefined) {
    response.end(body);
    return;
  }
  response.write(begun, () => {
    if (reply.cutAfter !== undefined) response.destroy();
  });
}
