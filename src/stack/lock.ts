import { createHash } from 'node:crypto';
import { connect, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A held lock. It ends with `release` or, however this process ends, with the process. */
export interface Lock {
  release(): Promise<void>;
}

/**
 * Takes the machine-wide lock `name` of this user, or returns undefined while another process holds it.
 *
 * The lock is a listening abstract socket (unix(7)): the kernel lets one process have a name and takes it back when
 * that process dies, so no stale lock exists. Whoever waits holds a connection, which the holder's end closes.
 */
export async function tryLock(name: string): Promise<Lock | undefined> {
  const waiting = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    waiting.add(socket);
    socket.on('error', () => {}).on('close', () => waiting.delete(socket));
  });
  if (!(await listens(server, address(name)))) return undefined;
  server.unref();
  return {
    release: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of waiting) socket.destroy();
      }),
  };
}

/**
 * Like {@link tryLock}, but gives a holder that was just killed the moment the kernel needs to take the lock back: its
 * process is gone from the process table before its last socket is closed.
 */
export async function tryLockSoon(name: string, patienceMs = 1_000): Promise<Lock | undefined> {
  for (const until = performance.now() + patienceMs; ; ) {
    const lock = await tryLock(name);
    if (lock !== undefined || performance.now() > until) return lock;
    await sleep(25);
  }
}

/** Runs `work` under the lock `name`, after `onWait` when another process holds it now. */
export async function withLock<Result>(
  name: string,
  onWait: () => void,
  work: () => Promise<Result>,
): Promise<Result> {
  let lock = await tryLock(name);
  if (lock === undefined) onWait();
  while (lock === undefined) {
    await holderEnds(address(name));
    lock = await tryLock(name);
  }
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

function address(name: string): string {
  const digest = createHash('sha256').update(`${process.getuid?.()} ${name}`).digest('hex');
  return `\0holdfast-${digest.slice(0, 32)}`;
}

function listens(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    server.listen({ path }, () => resolve(true));
  });
}

function holderEnds(path: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.on('error', () => {}).on('close', () => resolve());
    socket.resume();
  });
}
