import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** A served socket. `close` ends every connection, which tells whoever waits at its other end. */
export interface LineServer {
  close(): void;
}

/**
 * Serves a unix socket, mode 0600, on which every line asked and answered is a JSON value. `respond` says as much as it likes, until
 * `gone` is aborted: whoever asked has hung up. It must not reject. The caller is the only one who serves this socket.
 */
export async function serveLines(
  file: string,
  respond: (line: string, say: (answer: unknown) => void, gone: AbortSignal) => Promise<void>,
): Promise<LineServer> {
  // Whoever made this socket is dead.
  rmSync(file, { force: true });
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    const gone = new AbortController();
    connections.add(socket);
    socket
      .on('error', () => {})
      .on('close', () => {
        connections.delete(socket);
        gone.abort();
      });
    const say = (answer: unknown): void => {
      if (socket.writable) socket.write(`${JSON.stringify(answer)}\n`);
    };
    createInterface({ input: socket }).on('line', (line) => void respond(line, say, gone.signal));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path: file }, resolve);
  });
  chmodSync(file, 0o600);
  return {
    close() {
      rmSync(file, { force: true });
      server.close();
      for (const socket of connections) socket.end();
    },
  };
}

/**
 * The lines answered to `request` until the other side ends, however it ends; none where nobody serves the socket. Throws what `signal`
 * is aborted with.
 */
export async function* askLines(
  file: string,
  request: object,
  signal?: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const socket = connect({ path: file, ...(signal === undefined ? {} : { signal }) }).setEncoding('utf8');
  socket.write(`${JSON.stringify(request)}\n`);
  let rest = '';
  try {
    for await (const text of socket) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (!isGone((error as NodeJS.ErrnoException).code)) throw error;
  } finally {
    socket.destroy();
  }
}

const isGone = (code: string | undefined): boolean =>
  code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE';
