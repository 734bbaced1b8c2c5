import type { DatabaseSync } from 'node:sqlite';
import { isFailure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import type { KeyringDocument } from '../keys/keyring-files.ts';
import { type Keyring, mostRootsTried, openKeyring } from '../keys/open-keyring.ts';
import { prefixed } from '../sealed/names.ts';
import { type Bucket, readWhole } from './bucket.ts';
import { foundBelow } from './found.ts';

/** Longer than any keyring document: docs/format.md section 3.1. */
const longestDocumentBytes = 65_536;
/** How many times a password is tried on a share of the root documents, {@link mostRootsTried} each. */
const mostShares = 8;

export interface KeyringRead {
  /** Every version of every document, the oldest first. */
  readonly documents: readonly KeyringDocument[];
  /** Versions too long to be documents. */
  readonly tooLong: number;
}

/** Fetches all versions of all keyring documents. Failures: the store's. */
export async function readKeyringDocuments(db: DatabaseSync, bucket: Bucket): Promise<KeyringRead> {
  const found = [...foundBelow(db, 'keys')].sort((a, b) => a.modifiedMs - b.modifiedMs);
  const fitting = found.filter(({ lengthBytes }) => lengthBytes <= longestDocumentBytes);
  const documents: KeyringDocument[] = [];
  for (const { name, versionId } of fitting) {
    const bytes = await readWhole(bucket, { key: prefixed(bucket.prefix, name), versionId });
    documents.push({ name, bytes });
  }
  return { documents, tooLong: found.length - fitting.length };
}

/**
 * Opens what the password opens of documents that anyone may have added to, given oldest first. Neither those of another
 * repository nor the number of planted ones keep it from opening: nobody can give a document an earlier date than the
 * real ones have, so these are among the oldest. Failures as `openKeyring`.
 *
 * @param repositoryId undefined: whichever the password opens
 */
export async function openAnyKeyring(
  documents: readonly KeyringDocument[],
  repositoryId: Id | undefined,
  password: Buffer,
): Promise<Keyring> {
  let refusal: unknown;
  try {
    return await openKeyring(documents, repositoryId, password);
  } catch (error) {
    if (!isFailure(error, 'mixed_keyrings') && !isFailure(error, 'too_many_keyrings')) throw error;
    refusal = error;
  }
  const others = documents.filter(({ name }) => !isRoot(name));
  for (const { repository, roots } of shares(documents, repositoryId).slice(0, mostShares)) {
    try {
      return await openKeyring([...roots, ...others], repository, password);
    } catch (error) {
      if (!isFailure(error)) throw error;
      refusal = error;
    }
  }
  throw refusal;
}

const isRoot = (name: string): boolean => name.startsWith('keys/root/');

/** The root documents by the repository they say they are of, the oldest of each first, in shares that are tried whole. */
function shares(
  documents: readonly KeyringDocument[],
  wanted: Id | undefined,
): { repository: Id; roots: KeyringDocument[] }[] {
  const named = new Map<Id, KeyringDocument[]>();
  for (const document of documents.filter(({ name }) => isRoot(name))) {
    const repository = /"repository":"([0-9a-f]{32})"/.exec(document.bytes.toString('latin1'))?.[1];
    if (repository === undefined || (wanted !== undefined && repository !== wanted)) continue;
    named.set(repository, [...(named.get(repository) ?? []), document]);
  }
  const all = [...named].flatMap(([repository, roots]) =>
    Array.from({ length: Math.ceil(roots.length / mostRootsTried) }, (_, nth) => ({
      nth,
      repository,
      roots: roots.slice(nth * mostRootsTried, (nth + 1) * mostRootsTried),
    })),
  );
  return all.sort((a, b) => a.nth - b.nth);
}
