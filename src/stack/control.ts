import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Paths } from './paths.ts';
import type { SupervisorStatus } from './supervisor-state.ts';

/** What a client may ask, one JSON value a line; every answer is one JSON line. */
interface Request {
  readonly op: 'status' | 'stop';
}

export function controlSocket(paths: Paths): string {
  return path.join(paths.runtime, 'control.sock');
}

/** The served control socket. `close` ends every connection, which tells whoever asked to stop that it is done. */
export interface Control {
  close(): void;
}

/** Serves the control socket, mode 0600. The caller holds the supervisor's lock. */
export async function serveControl(
  paths: Paths,
  handlers: { readonly status: () => SupervisorStatus; readonly stop: () => void },
): Promise<Control> {
  const file = controlSocket(paths);
  // Whoever made this socket is dead: only the holder of the lock makes one.
  rmSync(file, { force: true });
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('error', () => {}).on('close', () => connections.delete(socket));
    createInterface({ input: socket }).on('line', (line) => {
      const answer = respond(line, handlers);
      socket.write(`${JSON.stringify(answer)}\n`);
    });
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

function respond(line: string, handlers: { status: () => SupervisorStatus; stop: () => void }): unknown {
  switch (operation(line)) {
    case 'status':
      return handlers.status();
    case 'stop':
      handlers.stop();
      return { stopping: true };
    default:
      return { error: 'unknown operation' };
  }
}

function operation(line: string): unknown {
  try {
    return (JSON.parse(line) as Partial<Request> | null)?.op;
  } catch {
    return undefined;
  }
}

/** The running supervisor's account of its services; undefined when none runs for this state folder. */
export async function supervisorStatus(paths: Paths): Promise<SupervisorStatus | undefined> {
  const answer = await ask(paths, { op: 'status' }, 'first-answer');
  return answer === undefined ? undefined : (JSON.parse(answer) as SupervisorStatus);
}

/** Stops the running supervisor and returns when all has stopped; `not-running` when there was none. */
export async function supervisorStop(paths: Paths): Promise<'stopped' | 'not-running'> {
  return (await ask(paths, { op: 'stop' }, 'end')) === undefined ? 'not-running' : 'stopped';
}

/** The first answer to `request`; undefined when nobody listens or the other side ended without one. */
function ask(paths: Paths, request: Request, until: 'first-answer' | 'end'): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let answer: string | undefined;
    const socket = connect({ path: controlSocket(paths) });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const isGone = error.code === 'ENOENT' || error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET';
      if (isGone || error.code === 'EPIPE') resolve(answer);
      else reject(error);
    });
    createInterface({ input: socket })
      .on('line', (line) => {
        answer ??= line;
        if (until === 'first-answer') socket.destroy();
      })
      .on('error', () => {});
    socket.on('close', () => resolve(answer));
    socket.write(`${JSON.stringify(request)}\n`);
  });
}
