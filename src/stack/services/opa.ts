import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { opaArguments, opaEnvironment } from '../../policy/opa-arguments.ts';
import type { BundleSignature } from '../../policy/signature.ts';
import { serviceEnvironment } from '../environment.ts';
import { ensureServiceFolders } from '../folders.ts';
import type { Paths } from '../paths.ts';
import { writePrivate } from '../secrets.ts';
import { type SystemUser, serviceUser } from '../system-users.ts';
import { getStatus } from '../unix-http.ts';
import type { ServiceSpec } from './service.ts';

/**
 * Gives the running OPA another bundle, as a copy: its own user need not reach the original. It loads what it can and stays
 * with the one before otherwise.
 */
export async function placeBundle(paths: Paths, uid: number, policyBundle: string): Promise<string> {
  const user = await serviceUser('opa', uid);
  const { data } = ensureServiceFolders(paths, 'opa', user);
  const bundle = path.join(data, 'bundle.tar.gz');
  writePrivate(bundle, readFileSync(policyBundle), user);
  return bundle;
}

/**
 * OPA's REST API on a unix socket (`address` is its path), serving the bundle file `policyBundle` as it is at each
 * start, and then what {@link placeBundle} gives it.
 */
export function opaService({
  paths,
  uid,
  tool,
  policyBundle,
  signature,
}: {
  readonly paths: Paths;
  readonly uid: number;
  readonly tool: string;
  readonly policyBundle: string;
  /** Set: it loads only bundles that are signed so. */
  readonly signature?: BundleSignature | undefined;
}): ServiceSpec {
  return {
    name: 'opa',
    dependsOn: [],
    stopSignal: 'SIGTERM',
    stopGraceMs: 12_000,
    startTimeoutMs: 30_000,

    async prepare() {
      const user = await serviceUser('opa', uid);
      const { data, runtime } = ensureServiceFolders(paths, 'opa', user);
      const bundle = await placeBundle(paths, uid, policyBundle);
      const socket = path.join(runtime, 'opa.sock');
      // A killed OPA leaves its socket, and the next one refuses to start on it.
      rmSync(socket, { force: true });
      return {
        command: tool,
        args: [
          ...opaArguments({
            socketPath: socket,
            bundle,
            signature: signature && { ...signature, publicKeyFile: copiedKey(signature, data, user) },
          }),
          // What takes the file's place is loaded at once, whole or not at all.
          '--watch',
        ],
        cwd: data,
        env: { ...serviceEnvironment(data), ...opaEnvironment },
        user,
        address: socket,
        extra: {},
      };
    },

    health: async ({ address }) => (await getStatus(address, '/health?bundles')) === 200,
  };
}

/** Where OPA's own user can read it. */
function copiedKey({ publicKeyFile }: BundleSignature, data: string, user: SystemUser | undefined): string {
  const copy = path.join(data, 'bundle-key.pem');
  writePrivate(copy, readFileSync(publicKeyFile), user);
  return copy;
}
