import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../domain/failures.ts';
import { serviceEnvironment } from '../stack/environment.ts';
import { runCommand } from '../stack/run.ts';
import { getStatus } from '../stack/unix-http.ts';
import { type Bundle, writeBundle } from './bundle.ts';
import { only } from './epoch.ts';
import { opaArguments, opaEnvironment } from './opa-arguments.ts';
import { OpaEngine } from './opa-engine.ts';
import type { BundleSignature } from './signature.ts';

const startTimeoutMs = 15_000;
const answerTimeoutMs = 30_000;

/**
 * Runs `work` with an OPA of its own that has loaded `bundle`, in a folder nobody else may enter, and ends it. A bundle that
 * it does not load is the failure `policy_invalid`, with what OPA says.
 */
export async function withPrivateOpa<T>(
  tool: string,
  bundle: Bundle,
  signature: BundleSignature | undefined,
  work: (engine: OpaEngine) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-policy-'));
  const ending = new AbortController();
  try {
    const file = join(folder, 'bundle.tar.gz');
    const socketPath = join(folder, 'opa.sock');
    await writeBundle(bundle, file);
    const process = runCommand(tool, opaArguments({ socketPath, bundle: file, signature }), {
      env: { ...serviceEnvironment(folder), ...opaEnvironment },
      cwd: folder,
      signal: ending.signal,
      killSignal: 'SIGKILL',
    });
    const ended = process.then(
      ({ stdout, stderr }) => {
        throw new Failure('policy_invalid', { detail: complaint(`${stderr}${stdout}`, folder) });
      },
      (error: unknown) => {
        if (!ending.signal.aborted) throw error;
      },
    );
    // Whoever comes second must not count as unhandled.
    ended.catch(() => {});
    await Promise.race([untilLoaded(socketPath, ending.signal), ended]);
    const engine = new OpaEngine({
      socketPath,
      timeoutMs: answerTimeoutMs,
      epoch: only(bundle.revision),
    });
    try {
      return await work(engine);
    } finally {
      engine.close();
    }
  } finally {
    ending.abort();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function untilLoaded(socketPath: string, ending: AbortSignal): Promise<void> {
  const until = Date.now() + startTimeoutMs;
  while (!ending.aborted) {
    if ((await getStatus(socketPath, '/health?bundles').catch(() => 0)) === 200) return;
    if (Date.now() > until)
      throw new Failure('policy_unavailable', { detail: 'a second OPA does not start' });
    await sleep(30);
  }
}

/** The lines of OPA's output that say what is wrong, without the names of temporary files. */
function complaint(output: string, folder: string): string {
  const lines = output
    .replaceAll(`${folder}/`, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.includes('root privileges'));
  return [...new Set(lines)].slice(0, 5).join('; ') || 'OPA does not load it';
}
