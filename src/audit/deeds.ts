import { randomBytes } from 'node:crypto';
import { constants, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Catalog } from '../catalog/catalog.ts';
import type { BurstLimit } from '../domain/bursts.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import { auditEvent } from './event.ts';
import { openRefusalIncidents } from './refusal-incidents.ts';

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
/** Ours have some 300. */
const mostDeedBytes = 16 * 1024;

/**
 * Notes down what somebody did with a key, or was refused, where the worker finds it: also while nothing runs, and where
 * the keyring stayed shut. What cannot be noted down, e.g. on a full disk, keeps nobody from restoring.
 *
 * @returns whether it was
 */
export function noteDeed(home: string, deed: Omit<Deed, 'id' | 'at'>): boolean {
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
    return true;
  } catch {
    return false;
  }
}

export interface DeedsDeps {
  readonly catalog: Catalog;
  readonly ids: Ids;
  readonly hostId: Id;
  /** The state folder, whose deeds are our own processes' and the commands'. */
  readonly home: string;
  /** Folder of the gate, which another user writes: nothing but refusals is taken from there. */
  readonly gateFolder?: string;
  /** So many refusals within a time are an incident. */
  readonly limit: BurstLimit;
}

/** Tells in the audit trail what was noted down, each once, and opens incidents for refusals; gives how many were told. */
export async function tellDeeds(deps: DeedsDeps): Promise<number> {
  const { catalog, ids, hostId, home, gateFolder } = deps;
  const own = await deedsIn(home);
  const gates = gateFolder === undefined ? [] : await deedsIn(gateFolder);
  const deeds = [...own, ...gates.filter(({ deed }) => deed?.step === 'access')].flatMap(
    ({ deed }) => deed ?? [],
  );
  const events = deeds.map(({ id, at, step, actor, facts }) =>
    auditEvent(ids, { subject: id, step, run: id, host: hostId, actor, facts: { ...facts, at } }),
  );
  if (events.length > 0) await catalog.write({ events });
  await openRefusalIncidents(
    deps,
    deeds.filter(({ step }) => step === 'access'),
  );
  await Promise.all([...own, ...gates].map(({ file }) => rm(file, { force: true })));
  return events.length;
}

async function deedsIn(home: string): Promise<{ readonly file: string; readonly deed: Deed | undefined }[]> {
  const names = (await readdir(folderOf(home)).catch(() => [])).filter((name) => fileName.test(name));
  const files = names.slice(0, mostDeeds).map((name) => join(folderOf(home), name));
  return Promise.all(files.map(async (file) => ({ file, deed: await readDeed(file) })));
}

/** Undefined for what no program of ours wrote. */
async function readDeed(file: string): Promise<Deed | undefined> {
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = await handle.stat();
      if (!stat.isFile() || stat.size > mostDeedBytes) return undefined;
      return deedSchema.parse(JSON.parse(await handle.readFile('utf8')));
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}
