import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Failure, type FailureCode, type FailureFacts, isFailure } from '../domain/failures.ts';
import type { Paths } from './paths.ts';
import type { SupervisorStatus } from './supervisor-state.ts';

/** What a client may ask, one JSON value a line; every answer is one JSON line. */
interface Request {
  readonly op: 'status' | 'stop' | 'renew';
  /** With `renew`: the secret, base64. The socket is open to this user alone. */
  readonly secret?: string;
}

interface Handlers {
  readonly status: () => SupervisorStatus;
  readonly stop: () => void;
  readonly renew: (secret: Buffer) => Promise<void>;
}

export function controlSocket(paths: Paths): string {
  return path.join(paths.runtime, 'control.sock');
}

/** The served control socket. `close` ends every connection, which tells whoever asked to stop that it is done. */
export interface Control {
  close(): void;
}

/** Serves the control socket, mode 0600. The caller holds the supervisor's lock. */
export async function serveControl(paths: Paths, handlers: Handlers): Promise<Control> {
  const file = controlSocket(paths);
  // Whoever made this socket is dead: only the holder of the lock makes one.
  rmSync(file, { force: true });
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('error', () => {}).on('close', () => connections.delete(socket));
    createInterface({ input: socket }).on('line', async (line) => {
      const answer = await respond(line, handlers);
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

async function respond(line: string, handlers: Handlers): Promise<unknown> {
  const request = parse(line);
  switch (request?.op) {
    case 'status':
      return handlers.status();
    case 'stop':
      handlers.stop();
      return { stopping: true };
    case 'renew':
      try {
        await handlers.renew(Buffer.from(request.secret ?? '', 'base64'));
        return { renewed: true };
      } catch (error) {
        return { error: asAnswer(error) };
      }
    default:
      return { error: 'unknown operation' };
  }
}

interface FailureAnswer {
  readonly code: FailureCode;
  readonly facts: FailureFacts;
}

function asAnswer(error: unknown): FailureAnswer {
  if (isFailure(error)) return { code: error.code, facts: error.facts };
  return { code: 'internal', facts: { detail: error instanceof Error ? error.message : String(error) } };
}

function parse(line: string): Partial<Request> | null | undefined {
  try {
    return JSON.parse(line) as Partial<Request> | null;
  } catch {
    return undefined;
  }
}

/** The running supervisor's account of its services; undefined when none runs for this state folder. */
export async function supervisorStatus(paths: Paths): Promise<SupervisorStatus | undefined> {
  const answer = await ask(paths, { op: 'status' }, 'first-answer');
  return answer === undefined ? undefined : (JSON.parse(answer) as SupervisorStatus);
}

/**
 * Starts the worker and the watcher again so that they take the keyring as it is now, opened with `secret`; returns when
 * they are healthy. Failures: `service_unhealthy`, and those of opening the installation.
 */
export async function supervisorRenew(paths: Paths, secret: Buffer): Promise<'renewed' | 'not-running'> {
  const answer = await ask(paths, { op: 'renew', secret: secret.toString('base64') }, 'first-answer');
  if (answer === undefined) return 'not-running';
  const { error } = JSON.parse(answer) as { error?: FailureAnswer };
  if (error !== undefined) throw new Failure(error.code, error.facts);
  return 'renewed';
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
