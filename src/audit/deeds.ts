import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Catalog } from '../catalog/catalog.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import { auditEvent } from './event.ts';

const deedSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  /** ISO 8601 UTC. */
  at: z.iso.datetime(),
  /** `keyring`: somebody opened it. `access`: somebody was refused. */
  step: z.enum(['keyring', 'access']),
  actor: z.string(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

type Deed = z.infer<typeof deedSchema>;

const folderOf = (home: string): string => join(home, 'deeds');
const fileName = /^[0-9a-f]{32}\.json$/;
/** Taken over at once. */
const mostDeeds = 1_000;

/**
 * Notes down what somebody did with a key, or was refused, where the worker finds it: also while nothing runs, and where
 * the keyring stayed shut. What cannot be noted down, e.g. on a full disk, keeps nobody from restoring.
 */
export function noteDeed(home: string, deed: Omit<Deed, 'id' | 'at'>): void {
  const id = randomBytes(16).toString('hex');
  const noted: Deed = { id, at: new Date().toISOString(), ...deed };
  const temporary = join(folderOf(home), `${id}.tmp`);
  try {
    mkdirSync(folderOf(home), { mode: 0o700 });
  } catch {
    // It is there, or the next call says so too.
  }
  try {
    writeFileSync(temporary, JSON.stringify(noted), { mode: 0o600, flag: 'wx' });
    renameSync(temporary, join(folderOf(home), `${id}.json`));
  } catch {
    // See above.
  }
}

/** Tells in the audit trail what was noted down, each once; gives how many. */
export async function tellDeeds(catalog: Catalog, ids: Ids, hostId: Id, home: string): Promise<number> {
  const names = (await readdir(folderOf(home)).catch(() => [])).filter((name) => fileName.test(name));
  const files = names.slice(0, mostDeeds).map((name) => join(folderOf(home), name));
  const deeds = await Promise.all(files.map(readDeed));
  const events = deeds
    .filter((deed) => deed !== undefined)
    .map(({ id, at, step, actor, facts }) =>
      auditEvent(ids, { subject: id, step, run: id, host: hostId, actor, facts: { ...facts, at } }),
    );
  if (events.length > 0) await catalog.write({ events });
  await Promise.all(files.map((file) => rm(file, { force: true })));
  return events.length;
}

/** Undefined for what no program of ours wrote. */
async function readDeed(file: string): Promise<Deed | undefined> {
  try {
    return deedSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}
