import type { DatabaseSync } from 'node:sqlite';
import { Failure, isFailure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import type { KeyringDocument } from '../keys/keyring-files.ts';
import { type Keyring, openKeyring } from '../keys/open-keyring.ts';
import { prefixed } from '../sealed/names.ts';
import { type Bucket, readWhole } from './bucket.ts';
import { foundBelow } from './found.ts';

/** Longer than any keyring document: docs/format.md section 3.1. */
const longestDocumentBytes = 65_536;
/** Repositories whose keyrings one bucket is believed to hold; a password is tried on each. */
const mostRepositories = 8;

export interface KeyringRead {
  /** Every version of every document, the oldest of each name first. */
  readonly documents: readonly KeyringDocument[];
  /** Versions too long to be documents. */
  readonly tooLong: number;
}

/** Fetches all versions of all keyring documents. Failures: the store's. */
export async function readKeyringDocuments(db: DatabaseSync, bucket: Bucket): Promise<KeyringRead> {
  const documents: KeyringDocument[] = [];
  let tooLong = 0;
  for (const { name, versionId, lengthBytes } of foundBelow(db, 'keys')) {
    if (lengthBytes > longestDocumentBytes) tooLong++;
    else {
      const bytes = await readWhole(bucket, { key: prefixed(bucket.prefix, name), versionId });
      documents.push({ name, bytes });
    }
  }
  return { documents, tooLong };
}

/**
 * Opens what the password opens of documents that anyone may have added to. Those of another repository do not keep it
 * from opening: each repository is tried. Failures as `openKeyring`.
 *
 * @param repositoryId undefined: whichever the password opens
 */
export async function openAnyKeyring(
  documents: readonly KeyringDocument[],
  repositoryId: Id | undefined,
  password: Buffer,
): Promise<Keyring> {
  try {
    return await openKeyring(documents, repositoryId, password);
  } catch (error) {
    if (!isFailure(error, 'mixed_keyrings')) throw error;
  }
  const refusals: unknown[] = [];
  for (const repository of repositoriesOf(documents)) {
    try {
      return await openKeyring(documents, repository, password);
    } catch (error) {
      if (!isFailure(error)) throw error;
      refusals.push(error);
    }
  }
  throw refusals[0] ?? new Failure('wrong_password');
}

/** The repositories that root documents say they are of, those met first (the oldest documents) first. */
function repositoriesOf(documents: readonly KeyringDocument[]): Id[] {
  const named = documents
    .filter(({ name }) => name.startsWith('keys/root/'))
    .flatMap(({ bytes }) => /"repository":"([0-9a-f]{32})"/.exec(bytes.toString('latin1'))?.[1] ?? []);
  return [...new Set(named)].slice(0, mostRepositories);
}
