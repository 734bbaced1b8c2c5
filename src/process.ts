import { readSync } from 'node:fs';
import { noteDeed } from './audit/deeds.ts';
import { refusalOf } from './audit/refusals.ts';
import { type Installation, openInstallation } from './installation.ts';
import { type Endpoints, endpoints, runningFrom } from './stack/endpoints.ts';
import { resolvePaths } from './stack/paths.ts';
import { readState } from './stack/supervisor-state.ts';

/** What one of our supervised processes is given: arguments `--home DIR --config FILE`, the password on standard input. */
export interface ProcessArguments {
  readonly installation: Installation;
  readonly endpoints: Endpoints;
  readonly metricsPort: number;
  /** The value of another argument, e.g. `--workflow-bundle`. */
  readonly argument: (name: string) => string;
}

const longestPasswordBytes = 1024 * 1024;

/** Opens the installation for a supervised process, with the addresses its supervisor wrote down. */
export async function openProcess(
  name: 'worker' | 'watcher',
  argv: readonly string[],
): Promise<ProcessArguments> {
  const value = (name: string): string => argv[argv.indexOf(name) + 1] ?? '';
  const paths = resolvePaths({ HOLDFAST_HOME: value('--home'), HOME: '/' }, process.getuid?.() ?? 0);
  const password = passwordFromStandardInput();
  const installation = await openInstallation(paths, value('--config'), password).catch((error: unknown) => {
    const refusal = refusalOf(error);
    if (refusal !== undefined)
      noteDeed(paths.home, { step: 'access', actor: 'holdfast', facts: { ...refusal, process: name } });
    throw error;
  });
  // The supervisor gives it to the next process: this one, which reads hostile input, has no use for it any more.
  password.fill(0);
  const { holder, openedGeneration: generation } = installation.keyring;
  const facts = { action: 'unlock', process: name, holder, generation };
  noteDeed(paths.home, { step: 'keyring', actor: 'holdfast', facts });
  return {
    installation,
    endpoints: endpoints(installation.config, paths, runningFrom(readState(paths))),
    metricsPort: Number(value('--metrics-port')),
    argument: value,
  };
}

/** Read without streams, whose buffers would keep a copy that cannot be wiped. */
function passwordFromStandardInput(): Buffer {
  const bytes = Buffer.alloc(longestPasswordBytes);
  let length = 0;
  for (let read = -1; read !== 0; length += read) {
    read = readSync(0, bytes, length, bytes.length - length, null);
  }
  return bytes.subarray(0, length);
}
