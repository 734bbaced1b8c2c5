import { createServer } from 'node:net';
import path from 'node:path';
import { type InstallationOptions, TestInstallation } from './installation.ts';

/** Free ports of an address of this machine, for the gate. */
export async function gatePorts(
  address: string,
): Promise<{ temporal: number; postgres: number; s3: number }> {
  const servers = await Promise.all(
    Array.from(
      { length: 3 },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer().once('error', reject);
          server.listen(0, address, () => resolve(server));
        }),
    ),
  );
  const [temporal = 0, postgres = 0, s3 = 0] = servers.map((server) => {
    const bound = server.address();
    return bound === null || typeof bound === 'string' ? 0 : bound.port;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return { temporal, postgres, s3 };
}

/** A further host: what `host add` makes on the cluster's machine, joined with a state folder of its own. It is not started. */
export async function joinedHost(
  cluster: TestInstallation,
  name: string,
  options: Omit<InstallationOptions, 'folderName' | 'init'>,
): Promise<TestInstallation> {
  const file = path.join(cluster.folder, `${name}.json`);
  const added = await cluster.run('host', 'add', name, '--output', file);
  if (added.code !== 0) throw new Error(`host add ended with ${added.code}: ${added.stderr}`);
  return TestInstallation.create({
    ...options,
    folderName: `holdfast-${name}-`,
    init: ['--join', file],
    configure(config) {
      // Where the suite runs on a Temporal server of its own, both are in the cluster's namespace.
      const theirs = cluster.config().services?.temporal;
      if (theirs?.mode === 'external' && config.services !== undefined) config.services.temporal = theirs;
      options.configure?.(config);
    },
  });
}
