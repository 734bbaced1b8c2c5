import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import type { Paths } from './paths.ts';

/**
 * A free loopback TCP port for each of `names`, the same as last time where that is still free, so that addresses
 * survive a restart. Remembered in `<home>/run/<service>.ports.json`.
 */
export async function choosePorts<Name extends string>(
  paths: Paths,
  service: string,
  names: readonly Name[],
): Promise<Record<Name, number>> {
  const file = path.join(paths.home, 'run', `${service}.ports.json`);
  const last = remembered(file);
  // One after the other would let the second be given the port that the first just gave back.
  const chosen = await Promise.all(names.map((name) => reserve(last[name])));
  await Promise.all(chosen.map(({ close }) => close()));
  const ports = Object.fromEntries(names.map((name, place) => [name, chosen[place]?.port])) as Record<
    Name,
    number
  >;
  writeFileSync(file, `${JSON.stringify(ports)}\n`, { mode: 0o600 });
  return ports;
}

function remembered(file: string): Readonly<Record<string, number>> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
  } catch (error) {
    // A first start, or a file cut short by a crash: any free port will do.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

interface Reservation {
  readonly port: number;
  close(): Promise<void>;
}

async function reserve(wanted = 0): Promise<Reservation> {
  const server = createServer();
  const isFree = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' && wanted !== 0 ? resolve(false) : reject(error),
    );
    server.listen({ port: wanted, host: '127.0.0.1' }, () => resolve(true));
  });
  if (!isFree) return await reserve();
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('a TCP server has no port');
  return { port: bound.port, close: () => new Promise((resolve) => server.close(() => resolve())) };
}
