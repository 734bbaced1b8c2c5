import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { Failure, isFailure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { keyringDocuments } from '../keys/keyring-files.ts';
import { headsFolder } from '../manifest/heads.ts';
import { readRootHeader } from '../sealed/keyring.ts';
import type { FoundHead } from './read-manifests.ts';

/** The newest manifest of a source as it is known from elsewhere than the bucket. */
export interface KnownHead {
  readonly number: number;
  /** Hex; undefined where only the number is known. */
  readonly sha256?: string;
}

/**
 * How the bucket compares with what is known from elsewhere: `unknown` where nothing is, `older` when newer manifests
 * were there once, `forked` when the known one is not the one that lies there.
 */
export type Rollback = 'unknown' | 'none' | 'older' | 'forked';

const sha256 = /^[0-9a-f]{64}$/;
const headFile = z.object({ number: z.int().min(1), sha256: z.string().regex(sha256) });

/** `<source>=<number>[:<sha256>]`. Failure `usage`. */
export function parseExpectedHead(text: string): readonly [source: string, head: KnownHead] {
  const [, source, number, hex] = /^(.+)=(\d{1,12})(?::([0-9a-f]{64}))?$/.exec(text) ?? [];
  if (source === undefined || !(Number(number) >= 1)) {
    throw new Failure('usage', {
      detail: 'A head is given as <source>=<number> or <source>=<number>:<sha256>.',
    });
  }
  return [source, { number: Number(number), ...(hex === undefined ? {} : { sha256: hex }) }];
}

/** What an installation on this machine noted down of the manifests it wrote. */
export interface NotedHeads {
  /** Of its keyring; missing where there is none. */
  readonly repositoryId?: Id;
  /** By source id. */
  readonly heads: ReadonlyMap<Id, KnownHead>;
}

/** Reads `heads/` of a state folder; nothing where there is no such folder. */
export async function notedHeads(home: string): Promise<NotedHeads> {
  const folder = headsFolder(home);
  const heads = new Map<Id, KnownHead>();
  for (const name of await readdir(folder).catch(() => [])) {
    const [, source] = /^([0-9a-f]{32})\.json$/.exec(name) ?? [];
    const head = source && (await readHead(join(folder, name)));
    if (head) heads.set(source, head);
  }
  const repositoryId = heads.size === 0 ? undefined : await repositoryOf(home);
  return { heads, ...(repositoryId === undefined ? {} : { repositoryId }) };
}

async function repositoryOf(home: string): Promise<Id | undefined> {
  try {
    const root = (await keyringDocuments(home)).find(({ name }) => name.startsWith('keys/root/'));
    return root && readRootHeader(root.bytes).repositoryId;
  } catch (error) {
    if (isFailure(error)) return undefined;
    throw error;
  }
}

/** Undefined for a file that does not hold a head: it says nothing. */
async function readHead(file: string): Promise<KnownHead | undefined> {
  try {
    return headFile.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/** Compares the newest manifest of a source in the bucket with one that is known to have been written. */
export function rollbackOf(
  db: DatabaseSync,
  source: Id,
  found: FoundHead | undefined,
  known: KnownHead | undefined,
): Rollback {
  if (known === undefined) return 'unknown';
  if (found === undefined || found.number < known.number) return 'older';
  if (known.sha256 === undefined) return 'none';
  const there = db
    .prepare('select sha256 from manifest where source = ? and number = ?')
    .all(source, known.number)
    .map((row) => row.sha256);
  // An old one may be gone for good reason, when its lock has ended and a checkpoint follows it.
  return there.length === 0 || there.includes(known.sha256) ? 'none' : 'forked';
}
