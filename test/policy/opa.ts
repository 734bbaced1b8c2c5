import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { opaArguments, opaEnvironment } from '../../src/policy/opa-arguments.ts';

/** The OPA binary under test: `HOLDFAST_TEST_OPA`, else the newest one in the tool cache. */
export function opaPath(): string {
  const given = process.env.HOLDFAST_TEST_OPA;
  if (given !== undefined) return given;
  const tools = '/var/cache/holdfast/tools';
  const built = readdirSync(tools)
    .filter((name) => name.startsWith('opa-'))
    .map((name) => join(tools, name, 'opa'))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  if (built === undefined) throw new Error('no OPA binary: set HOLDFAST_TEST_OPA');
  return built;
}

/** Starts a real OPA on `socketPath` with one bundle and waits until it accepts connections. */
export async function startOpa(
  bundle: string,
  socketPath: string,
  ...flags: string[]
): Promise<ChildProcess> {
  const child = spawn(opaPath(), [...opaArguments({ socketPath, bundle }), ...flags], {
    env: { ...process.env, ...opaEnvironment },
    stdio: 'ignore',
  });
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (await accepts(socketPath)) return child;
    if (child.exitCode !== null) throw new Error(`OPA ended with code ${child.exitCode}`);
    await sleep(50);
  }
  throw new Error('OPA does not listen');
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

function accepts(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
