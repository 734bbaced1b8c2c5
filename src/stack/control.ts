import path from 'node:path';
import { Failure, type FailureCode, type FailureFacts, isFailure } from '../domain/failures.ts';
import { askLines, type LineServer, serveLines } from './line-socket.ts';
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

/** Serves the control socket. The caller holds the supervisor's lock. */
export function serveControl(paths: Paths, handlers: Handlers): Promise<LineServer> {
  return serveLines(controlSocket(paths), async (line, say) => say(await respond(line, handlers)));
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
async function ask(
  paths: Paths,
  request: Request,
  until: 'first-answer' | 'end',
): Promise<string | undefined> {
  let answer: string | undefined;
  for await (const line of askLines(controlSocket(paths), request)) {
    answer ??= line;
    if (until === 'first-answer') break;
  }
  return answer;
}
