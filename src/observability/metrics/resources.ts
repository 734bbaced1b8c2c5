import { statfs } from 'node:fs/promises';
import { Gauge, type Registry } from 'prom-client';
import type { Occupancy } from '../../pipeline/semaphore.ts';

interface Occupied {
  readonly occupancy: Occupancy;
}

/** What a process has a limited amount of: asked when somebody scrapes. */
export interface Resources {
  readonly semaphores: Readonly<Record<string, Occupied>>;
  /** Bytes that parts of large uploads are sent from. */
  readonly partBuffers: Occupied;
  /** Connections to the catalog's database. */
  readonly database: Occupied;
  /** How many sealed bytes open holds may keep on this host. */
  readonly stagingLimitBytes: number;
  /** The folder of the state. */
  readonly home: string;
}

/** Gives what has to be told how many bytes are held: only the catalog knows. */
export function observeResources(
  registry: Registry,
  resources: Resources,
): { readonly held: (bytes: number) => void } {
  const registers = [registry];
  const { semaphores, partBuffers, database, stagingLimitBytes, home } = resources;
  const rows: readonly (readonly [string, Occupied])[] = [
    ...Object.entries(semaphores),
    ['part_buffer_bytes', partBuffers],
    ['database_connections', database],
  ];
  const perResource = (name: string, help: string, pick: (of: Occupancy) => number): void => {
    new Gauge({
      ...{ name, help, registers, labelNames: ['resource'] as const },
      collect() {
        for (const [resource, { occupancy }] of rows) this.set({ resource }, pick(occupancy));
      },
    });
  };
  perResource(
    'holdfast_resource_places',
    'How much of the resource there is; of part_buffer_bytes in bytes.',
    ({ places }) => places,
  );
  perResource('holdfast_resource_in_use', 'How much of it is in use.', ({ inUse }) => inUse);
  perResource('holdfast_resource_waiting', 'How many stand in line for it.', ({ waiting }) => waiting);

  const held = new Gauge({
    name: 'holdfast_staging_bytes',
    help: 'Sealed bytes that open holds keep in the staging folder of this host.',
    registers,
  });
  const limit = new Gauge({
    name: 'holdfast_staging_limit_bytes',
    help: 'How many bytes may be held on this host.',
    registers,
  });
  limit.set(stagingLimitBytes);
  new Gauge({
    name: 'holdfast_disk_free_bytes',
    help: 'Free space on the file system of the state folder, as much as an ordinary user may take.',
    registers,
    async collect() {
      const { bavail, bsize } = await statfs(home);
      this.set(bavail * bsize);
    },
  });
  new Gauge({
    name: 'holdfast_disk_size_bytes',
    help: 'Size of the file system of the state folder.',
    registers,
    async collect() {
      const { blocks, bsize } = await statfs(home);
      this.set(blocks * bsize);
    },
  });
  return { held: (bytes) => held.set(bytes) };
}
