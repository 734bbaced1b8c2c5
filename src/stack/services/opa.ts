import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { serviceEnvironment } from '../environment.ts';
import { ensureServiceFolders } from '../folders.ts';
import type { Paths } from '../paths.ts';
import { writePrivate } from '../secrets.ts';
import { serviceUser } from '../system-users.ts';
import { getStatus } from '../unix-http.ts';
import type { ServiceSpec } from './service.ts';

/**
 * OPA's REST API on a unix socket (`address` is its path), serving the bundle file `policyBundle` as it is at each
 * start. The bundle is copied: its own user need not reach the original.
 */
export function opaService({
  paths,
  uid,
  tool,
  policyBundle,
}: {
  readonly paths: Paths;
  readonly uid: number;
  readonly tool: string;
  readonly policyBundle: string;
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
      const bundle = path.join(data, 'bundle.tar.gz');
      writePrivate(bundle, readFileSync(policyBundle), user);
      const socket = path.join(runtime, 'opa.sock');
      // A killed OPA leaves its socket, and the next one refuses to start on it.
      rmSync(socket, { force: true });
      return {
        command: tool,
        args: [
          'run',
          '--server',
          '--addr',
          `unix://${socket}`,
          '--unix-socket-perm=600',
          '--bundle',
          bundle,
          '--log-level=error',
          '--skip-version-check',
        ],
        cwd: data,
        env: serviceEnvironment(data),
        user,
        address: socket,
        extra: {},
      };
    },

    health: async ({ address }) => (await getStatus(address, '/health?bundles')) === 200,
  };
}
