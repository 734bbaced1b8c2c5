import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Id } from '../domain/records.ts';

/** The newest manifest of a source, as this host notes it down: recovery holds it against what the bucket shows. */
export interface NotedHead {
  readonly number: number;
  /** Of the manifest's bytes, hex. */
  readonly sha256: string;
  /** ISO 8601 UTC. */
  readonly at: string;
}

/** Where heads are noted, one file per source. */
export const headsFolder = (home: string): string => join(home, 'heads');

/** Notes down a head in one step, durable when it returns. */
export async function noteHead(folder: string, sourceId: Id, head: NotedHead): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${sourceId}.json`);
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(head)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
