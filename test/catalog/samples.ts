/** Rows the catalog's tests write: valid, and different from each other where it matters. */
import { hash, randomBytes } from 'node:crypto';
import type { Catalog, EntryRef } from '../../src/catalog/catalog.ts';
import type { AuditRow, Change, ContentRow, ObjectRow, VersionRow } from '../../src/catalog/rows.ts';
import { Ids } from '../../src/domain/ids.ts';
import type { Outcome } from '../../src/domain/records.ts';

export const ids = new Ids(Buffer.alloc(64, 7));
export const sourceId = ids.source('docs');

export function entryOf(path: string | Buffer, source = sourceId): EntryRef {
  const bytes = Buffer.from(path);
  return { id: ids.entry(source, bytes), sourceId: source, path: bytes };
}

export async function addSource(catalog: Catalog, name = 'docs'): Promise<void> {
  await catalog.recordSource({
    id: ids.source(name),
    name,
    rootPath: Buffer.from(`/srv/${name}`),
    device: 1n,
    inode: 2n,
    hostId: 'host',
  });
}

export function contentOf(text: string): ContentRow {
  const bytes = Buffer.from(text);
  return {
    sha512: hash('sha512', bytes, 'buffer'),
    sha256: hash('sha256', bytes, 'buffer'),
    sizeBytes: bytes.length,
    mediaType: 'text/plain',
  };
}

export function versionOf(entry: EntryRef, observation: number, more: Partial<VersionRow> = {}): VersionRow {
  return {
    id: ids.version(entry.id, observation),
    entryId: entry.id,
    observation,
    runId: 'run',
    workflowId: 'workflow',
    kind: 'file',
    sizeBytes: 3,
    mode: 0o640,
    uid: 4_294_967_294n,
    gid: 0n,
    mtimeNs: -1_000_000_001n,
    ctimeNs: 1_764_000_000_123_456_789n,
    device: 18_446_744_073_709_551_615n,
    inode: 18_446_744_073_709_551_614n,
    linkTarget: null,
    hardlink: null,
    xattrs: null,
    xattrsDropped: null,
    sha512: null,
    segmentSize: null,
    segmentHashes: null,
    ...more,
  };
}

/** The version row and its outcome, as one change. */
export function settled(entry: EntryRef, observation: number, outcome: Outcome, hint = 0): Change {
  const version = versionOf(entry, observation);
  return {
    version,
    settle: {
      versionId: version.id,
      entryId: entry.id,
      observation,
      hint,
      runId: 'run',
      outcome,
      reason: null,
    },
    events: [],
  };
}

export function eventOf(name: string, facts: Record<string, unknown> = {}): AuditRow {
  const at = new Date().toISOString();
  return { id: name, event: { v: 1, id: name, at, ...facts }, at };
}

/** A content with a live object in the store `primary`, and what it needs around it. */
export async function addObject(
  catalog: Catalog,
  entry: EntryRef,
  content: ContentRow,
  more: Partial<ObjectRow> = {},
): Promise<ObjectRow> {
  await catalog.hint([entry]);
  const seen = await catalog.observe({
    entryId: entry.id,
    workflowRun: randomBytes(4).toString('hex'),
    round: 0,
  });
  const version = versionOf(entry, seen?.number ?? 0, { sha512: content.sha512 });
  await catalog.write({ content, version, events: [] });
  const sealing = await catalog.drawSealing({
    id: ids.sealing(version.id, 'sealed-v1', 'key', 0),
    versionId: version.id,
    format: 'sealed-v1',
    keyId: 'key',
    generation: 0,
    iv: randomBytes(16),
  });
  const key = `objects/${randomBytes(8).toString('hex')}`;
  const object: ObjectRow = {
    id: ids.object('primary', key, '1'),
    destination: 'primary',
    key,
    s3VersionId: '1',
    length: 1,
    sealingId: sealing.id,
    packId: null,
    sha512: content.sha512,
    scope: 'default',
    format: 'sealed-v1',
    lockMode: 'GOVERNANCE',
    retainUntil: new Date('2030-01-01T00:00:00Z'),
    state: 'live',
    sealedSha256: null,
    ...more,
  };
  await catalog.write({ object, events: [] });
  return object;
}

export async function one<Row extends object>(
  catalog: Catalog,
  sql: string,
  values: unknown[] = [],
): Promise<Row> {
  const [row] = await catalog.rows<Row>(sql, values);
  if (row === undefined) throw new Error('no row');
  return row;
}
