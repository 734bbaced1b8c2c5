import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { keyringFacts } from '../sealed/keyring.ts';

/** Seals what belongs to the repository itself: manifests' heads and indexes. No content; it cannot be shredded. */
export const repositoryScope = 'holdfast';

/** A keyring document as it lies in the state folder and, under the same name, in the bucket. */
export interface KeyringDocument {
  /** Object name without the destination's prefix, e.g. `keys/root/00000001`. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** What the catalog may know of a document. */
export interface KeyFacts {
  readonly id: Id;
  readonly purpose: string;
  readonly generation: number;
  readonly objectKey: string;
}

/** Failure `corrupted_keyring` or `unsupported_format`. */
export function keyFacts(documents: readonly KeyringDocument[]): KeyFacts[] {
  return documents.map(({ name, bytes }) => ({ ...keyringFacts(bytes), objectKey: name }));
}

/** Whether an object name without prefix is that of a keyring document. */
export function isKeyringName(name: string): boolean {
  return /^keys\/(root\/\d{8}|scope\/[0-9a-f]{32}\/[0-9a-f]{32})$/.test(name);
}

/** Documents of write-only hosts in the state folder, by name: published beside the keyring, and no part of it. */
export async function hostDocuments(home: string): Promise<KeyringDocument[]> {
  const ids = await readdir(join(home, 'keys', 'host')).catch(() => []);
  const names = ids.map((id) => `keys/host/${id}`).filter(isHostName);
  return Promise.all(names.sort().map(async (name) => ({ name, bytes: await readFile(join(home, name)) })));
}

/** Whether an object name without prefix is that of a write-only host's document. */
export function isHostName(name: string): boolean {
  return /^keys\/host\/[0-9a-f]{32}$/.test(name);
}

/** All documents of the keyring in the state folder, by name. Failure `keyring_missing`. */
export async function keyringDocuments(home: string): Promise<KeyringDocument[]> {
  let names: string[];
  try {
    names = await readdir(join(home, 'keys'), { recursive: true });
  } catch (error) {
    throw new Failure('keyring_missing', { folder: join(home, 'keys') }, { cause: error });
  }
  const wanted = names
    .map((name) => `keys/${name}`)
    .filter(isKeyringName)
    .sort();
  return Promise.all(wanted.map(async (name) => ({ name, bytes: await readFile(join(home, name)) })));
}

/** Writes a document into the state folder, durable when it returns; one of the same name is replaced. */
export async function writeDocument(home: string, { name, bytes }: KeyringDocument): Promise<void> {
  const file = join(home, name);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomBytes(4).toString('hex')}`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncFolder(dirname(file));
}

/** Removes a document from the state folder; done also when there is none. */
export async function removeDocument(home: string, name: string): Promise<void> {
  const file = join(home, name);
  await rm(file, { force: true });
  await syncFolder(dirname(file));
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
