import type { Logger } from 'pino';
import { auditEvent } from '../audit/event.ts';
import { openIncident } from '../audit/incident.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { isTold, passingReasons, type StoredContent, type StoredPlace } from '../catalog/rescan-query.ts';
import type { AuditRow, Change, ScanRow } from '../catalog/rows.ts';
import { type Failure, failures, isFailure } from '../domain/failures.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id, Verdict } from '../domain/records.ts';
import { type ReadDeps, recordedSegments } from '../restore/content.ts';
import { throwIfInterrupted } from '../restore/retry.ts';
import type { Scanner } from '../scanner/scanner.ts';
import type { TokenBucket } from '../throttle/token-bucket.ts';

/** What one content is looked at with. */
export interface LookDeps {
  readonly catalog: Catalog;
  readonly ids: Ids;
  readonly hostId: Id;
  readonly scanner: Scanner;
  readonly reading: ReadDeps;
  /** Lets content through to the scanner. */
  readonly throttle: TokenBucket;
  readonly run: Id;
  readonly log: Logger;
}

export type LookResult = 'clean' | 'infected' | 'notScanned' | 'unreadable';

/** What a look at one content said; `unreadable` with the code of the failure that kept it from being read. */
type Seen = { readonly verdict: Verdict } | { readonly unreadable: string };

/**
 * Scans one stored content, read from a bucket and held against its SHA-512 on the way, and records what the scanner said.
 * Another verdict than before counts for every version of the content. A late detection opens an incident and deletes
 * nothing.
 */
export async function lookAgain(deps: LookDeps, content: StoredContent): Promise<LookResult> {
  const seen = await look(deps, content);
  const scanner = 'verdict' in seen ? seen.verdict : await deps.scanner.facts();
  const { engine, signatureRevision, signaturesAt, signatureSet } = scanner;
  const said =
    'verdict' in seen
      ? { result: seen.verdict.state, reason: seen.verdict.reason ?? null }
      : { result: 'unreadable' as const, reason: seen.unreadable };
  const rescan = {
    sha512: content.sha512,
    ...said,
    ...{ engine, signatureRevision, signaturesAt, signatureSet },
  };
  const isOther = 'verdict' in seen && isNews(content, seen.verdict);
  const news = isOther ? await newsOf(deps, content, seen.verdict) : { events: [] };
  await deps.catalog.write({ rescan, ...news });
  return said.result === 'not_scanned' ? 'notScanned' : said.result;
}

/** Reads the content from the first of its places that gives it whole. */
async function look(deps: LookDeps, content: StoredContent): Promise<Seen> {
  let unreadable = 'object_missing';
  for (const place of content.places) {
    try {
      const { signal } = deps.reading;
      const pieces = throttled(deps, stored(deps, content, place));
      return { verdict: await deps.scanner.scan(pieces, { sizeBytes: content.sizeBytes, signal }) };
    } catch (error) {
      throwIfInterrupted(deps.reading.signal);
      if (!isAboutContent(error)) throw error;
      unreadable = error.code;
      const { run, log } = deps;
      log.warn(
        { run, destination: place.destination, madeFor: place.madeFor, err: error },
        'not readable for a rescan',
      );
    }
  }
  return { unreadable };
}

/** Damaged, missing, sealed with a key that is gone, or where this configuration has no destination. */
function isAboutContent(error: unknown): error is Failure {
  if (!isFailure(error)) return false;
  return failures[error.code].exitCode === 4 || ['unknown_key', 'destination_unknown'].includes(error.code);
}

function stored({ reading }: LookDeps, { sha512, sizeBytes }: StoredContent, place: StoredPlace) {
  const { entryId, path, ...where } = place;
  const version = {
    ...noMetadata,
    id: where.madeFor,
    kind: 'file',
    sizeBytes,
    sha512,
    place: where,
  } as const;
  return recordedSegments(reading, { entryId, path }, version);
}

/** Scanning looks at content alone. */
const noMetadata = { mode: 0, uid: 0, gid: 0, mtimeNs: 0n };

/** Pieces small enough for an even flow. Bytes. */
const pieceBytes = 256 * 1024;

async function* throttled(
  { throttle, reading }: LookDeps,
  segments: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  for await (const segment of segments) {
    for (let from = 0; from < segment.length; from += pieceBytes) {
      const piece = segment.subarray(from, from + pieceBytes);
      // Rejects only when it is over.
      await throttle.take(piece.length, reading.signal).catch(() => {});
      throwIfInterrupted(reading.signal);
      yield piece;
    }
  }
}

/** Whether the verdict is another than the one that counts. One that may pass by itself is none. */
function isNews({ state, reason, signature, unmarked }: StoredContent, verdict: Verdict): boolean {
  if ((passingReasons as readonly (string | undefined)[]).includes(verdict.reason)) return false;
  if (verdict.state === 'infected')
    return state !== 'infected' || signature !== verdict.signature || unmarked > 0;
  return state !== verdict.state || (reason ?? undefined) !== verdict.reason;
}

/** What becomes of another verdict than before. */
async function newsOf(deps: LookDeps, content: StoredContent, verdict: Verdict): Promise<Change> {
  const { catalog, ids, run, hostId: host, log } = deps;
  const { sha512, state, versions } = content;
  const scan = ids.rescan(sha512, verdict.signatureRevision);
  const facts = {
    scan,
    ...{ versions, before: state ?? 'none', state: verdict.state },
    ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
    ...(verdict.signature === undefined ? {} : { signature: verdict.signature }),
    ...{ engine: verdict.engine, signatures: verdict.signatureRevision, signatureSet: verdict.signatureSet },
  };
  const event: AuditRow = auditEvent(ids, { subject: run, step: 'rescan', among: scan, run, host, facts });
  const contentScan = scanRow(content, verdict, scan);
  if (verdict.state !== 'infected') return { contentScan, events: [event] };
  log.error(
    { run, scan, versions, signature: verdict.signature },
    'stored content is infected by what is known now: `holdfast files --infected` lists its files',
  );
  // A version that came after the marking is marked by another run: that is no second incident.
  if (await isTold(catalog, 'late_detection', scan)) return { contentScan, events: [event] };
  const told = openIncident(ids, { kind: 'late_detection', subject: scan, run, host, facts });
  return { contentScan, incident: told.incident, events: [event, told.event] };
}

function scanRow({ sha512, places }: StoredContent, verdict: Verdict, id: Id): ScanRow {
  const { state, reason = null, signature = null, ...scanner } = verdict;
  const { engine, signatureRevision, signaturesAt, signatureSet } = scanner;
  const versionId = places[0]?.madeFor ?? '';
  return {
    ...{ id, versionId, sha512, state, reason, signature, engine },
    ...{ signatureRevision, signaturesAt, signatureSet, reusedFrom: null },
  };
}
