import { hash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { isFailure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { type OpenedManifest, openManifest } from '../manifest/decode.ts';
import { maxManifestBytes } from '../manifest/schema.ts';
import { ByteBudget } from '../restore/byte-budget.ts';
import type { SealingKey } from '../sealed/keys.ts';
import { prefixed } from '../sealed/names.ts';
import { openWriteOnlyManifest } from '../write-only/manifests.ts';
import { isSignedMessage, type SignedReading } from '../write-only/signed-message.ts';
import { type Bucket, type FoundVersion, readWhole } from './bucket.ts';
import { foundBelow } from './found.ts';
import { fetchedAhead } from './in-parallel.ts';
import type { UnreadableCount } from './unreadable.ts';
import type { VersionRecorder } from './version-recorder.ts';

/** An object version under a manifest's name that is none. */
export interface RefusedManifest {
  readonly name: string;
  readonly versionId: string;
  /** Code of the refusal: `tampered`, `unsupported_format`, `unknown_key`, `openpgp_key_missing` or `openpgp_key_wrong`. */
  readonly reason: string;
}

export interface ManifestsRead {
  /** Manifests that authenticate. */
  readonly manifests: number;
  readonly refused: number;
  /** The first of the refused ones. */
  readonly firstRefused: readonly RefusedManifest[];
  /** Rows whose ids contradict them. */
  readonly contradictory: number;
}

export interface ManifestReading {
  readonly db: DatabaseSync;
  readonly bucket: Bucket;
  readonly keyById: (id: Buffer) => SealingKey | undefined;
  /** For manifests of write-only hosts. */
  readonly signed: SignedReading;
  readonly recorder: VersionRecorder;
  readonly unreadable: UnreadableCount;
  readonly onProgress: (done: number, total: number) => void;
}

/** Bytes of manifests in memory at once. */
const memoryBytes = 192 * 1024 * 1024;
const mostListed = 20;

interface Fetched {
  readonly version: FoundVersion;
  /** Missing for one that is too long to be a manifest. */
  readonly bytes?: Buffer;
  readonly giveBack: () => void;
}

/**
 * Reads every version of every manifest and records what those that authenticate say. What does not is counted: anyone who
 * can write to the bucket can put it there. Failures: the store's, `interrupted`.
 */
export async function readManifests(reading: ManifestReading): Promise<ManifestsRead> {
  const { db, bucket, onProgress } = reading;
  const found = [...foundBelow(db, 'manifests')];
  const insertManifest = db.prepare(
    'insert or ignore into manifest values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const insertSource = db.prepare('insert or ignore into source values (?, ?)');
  const memory = new ByteBudget(memoryBytes);
  const firstRefused: RefusedManifest[] = [];
  let [manifests, refused, contradictory, done] = [0, 0, 0, 0];

  const refuse = ({ name, versionId }: FoundVersion, reason: string): void => {
    refused++;
    if (firstRefused.length < mostListed) firstRefused.push({ name, versionId, reason });
  };
  const fetch = async (version: FoundVersion): Promise<Fetched> => {
    if (version.lengthBytes > maxManifestBytes) return { version, giveBack: () => {} };
    const giveBack = await memory.take(version.lengthBytes);
    try {
      const key = prefixed(bucket.prefix, version.name);
      return { version, bytes: await readWhole(bucket, { key, versionId: version.versionId }), giveBack };
    } catch (error) {
      giveBack();
      throw error;
    }
  };
  const record = async (version: FoundVersion, bytes: Buffer): Promise<void> => {
    const opened = await openOrRefusal(version.name, bytes, reading);
    if (typeof opened === 'string') return refuse(version, opened);
    const { head, sections } = opened;
    manifests++;
    insertSource.run(head.source, head.name);
    insertManifest.run(
      head.source,
      head.number,
      hash('sha256', bytes, 'hex'),
      head.previousSha256,
      head.kind,
      head.part ?? 1,
      head.last ? 1 : 0,
      head.createdAt,
      sections.reduce((sum, { count }) => sum + count, 0),
      version.name,
      version.versionId,
      bytes.length,
    );
    for (const { scope, keyId, count, rows } of sections) {
      const account = { scope, journal: head.number };
      if (rows === undefined) reading.unreadable.addRows(keyId, count);
      for (const row of rows ?? []) {
        if (!reading.recorder.add(head.source, row, account)) contradictory++;
      }
    }
  };

  // Fetched ahead, but opened one at a time: the rows of one take many times the room of its bytes.
  for await (const { version, bytes, giveBack } of fetchedAhead(found, fetch)) {
    if (bytes === undefined) refuse(version, 'tampered');
    else await record(version, bytes);
    giveBack();
    onProgress(++done, found.length);
  }
  return { manifests, refused, firstRefused, contradictory };
}

/** Newest manifest of a source that authenticates. */
export interface FoundHead {
  readonly number: number;
  /** Hex. */
  readonly sha256: string;
  /** ISO 8601 UTC, by the writer's clock. */
  readonly createdAt: string;
}

export function newestHead(db: DatabaseSync, source: Id): FoundHead | undefined {
  return db
    .prepare(
      'select number, sha256, created_at as "createdAt" from manifest where source = ? order by number desc limit 1',
    )
    .get(source) as FoundHead | undefined;
}

async function openOrRefusal(
  objectName: string,
  bytes: Buffer,
  { keyById, signed }: ManifestReading,
): Promise<OpenedManifest | string> {
  try {
    return isSignedMessage(bytes)
      ? await openWriteOnlyManifest(bytes, objectName, signed)
      : await openManifest(bytes, { objectName, keyById });
  } catch (error) {
    if (!isFailure(error)) throw error;
    return error.code;
  }
}
