import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Catalog } from '../src/catalog/catalog.ts';
import { openPool } from '../src/catalog/database.ts';
import type { Change, ObjectRow, SealingRow, VersionRow } from '../src/catalog/rows.ts';
import type { DestinationConfig } from '../src/config.ts';
import { newRunId } from '../src/domain/ids.ts';
import type { Id, Lock } from '../src/domain/records.ts';
import { type Installation, openInstallation } from '../src/installation.ts';
import { prefixed } from '../src/sealed/names.ts';
import { sealWhole } from '../src/sealed/seal.ts';
import { writeContentPack } from '../src/sealed/write-content-pack.ts';
import { supervisorStatus } from '../src/stack/control.ts';
import { endpoints, runningFrom } from '../src/stack/endpoints.ts';
import { configFile, resolvePaths } from '../src/stack/paths.ts';
import type { ObjectStore } from '../src/storage/object-store.ts';
import { openS3Store } from '../src/storage/s3-store.ts';
import type { TestInstallation } from '../test/support/installation.ts';

/** How many files are sealed and stored at once. */
const atOnce = 16;
/** What lies in a pack, as a sweep packs: files up to a size, and so many, and so many bytes. */
const packed = { mostFileBytes: 1024 * 1024, mostFiles: 512, mostBytes: 16 * 1024 * 1024 };
/** Single PUTs end here; above it content goes in parts. Bytes. */
const partBytes = 32 * 1024 * 1024;
const lockDays = { mode: 'GOVERNANCE', days: 1 } as const;

interface Seeding {
  readonly installation: Installation;
  readonly catalog: Catalog;
  readonly store: ObjectStore;
  readonly destination: DestinationConfig;
  readonly runId: Id;
}

/**
 * Puts a folder into a repository by the program's own sealing, storage and catalog, but without workflows, policy and
 * scanner: what restoring needs, in a fraction of the time. It is not how anything is protected.
 */
export async function seed(stack: TestInstallation, source: string, folder: string): Promise<void> {
  const paths = resolvePaths(stack.env, process.getuid?.() ?? 0);
  const password = readFileSync(stack.env.HOLDFAST_PASSWORD_FILE ?? '', 'utf8').trimEnd();
  const installation = await openInstallation(paths, configFile(paths.home), Buffer.from(password));
  const where = endpoints(installation.config, paths, runningFrom(await supervisorStatus(paths)));
  const catalog = new Catalog(await openPool({ ...where.catalogWriter, maxConnections: 4 }));
  const [destination] = installation.config.destinations;
  if (destination === undefined) throw new Error('no destination');
  const store = await openS3Store(where.s3(destination, 'agent'));
  try {
    await addSource(installation, catalog, source, folder);
    const seeding = { installation, catalog, store, destination, runId: newRunId() };
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
    let next = 0;
    const small: SealedEntry[] = [];
    const work = async (): Promise<void> => {
      for (let name = names[next++]; name !== undefined; name = names[next++]) {
        const sealed = await sealEntry(seeding, source, folder, name);
        if (sealed === undefined) continue;
        if (sealed.version.sizeBytes <= packed.mostFileBytes) small.push(sealed);
        else await storeAlone(seeding, sealed);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    small.sort((a, b) => a.entryPath.compare(b.entryPath));
    for (const group of groupsOf(small)) await storePacked(seeding, group);
  } finally {
    store.close();
    await catalog.close();
  }
}

async function addSource({ ids, config }: Installation, catalog: Catalog, name: string, folder: string) {
  const root = lstatSync(folder, { bigint: true });
  await catalog.recordSource({
    id: ids.source(name),
    name,
    rootPath: Buffer.from(folder),
    device: root.dev,
    inode: root.ino,
    hostId: config.host.id,
  });
}

/** A file that is sealed and recorded, and lies nowhere yet. */
interface SealedEntry {
  readonly sourceId: Id;
  readonly entryPath: Buffer;
  readonly version: VersionRow;
  readonly sha512: Buffer;
  readonly sealing: SealingRow;
  readonly sealed: Buffer;
}

function* groupsOf(entries: readonly SealedEntry[]): Generator<SealedEntry[]> {
  let [group, bytes]: [SealedEntry[], number] = [[], 0];
  for (const entry of entries) {
    const isFull = group.length >= packed.mostFiles || bytes + entry.sealed.length > packed.mostBytes;
    if (isFull && group.length > 0) {
      yield group;
      [group, bytes] = [[], 0];
    }
    group.push(entry);
    bytes += entry.sealed.length;
  }
  if (group.length > 0) yield group;
}

/** Undefined for a folder, which its row alone protects. */
async function sealEntry(
  seeding: Seeding,
  source: string,
  folder: string,
  name: string,
): Promise<SealedEntry | undefined> {
  const { installation, catalog, runId } = seeding;
  const { ids } = installation;
  const sourceId = ids.source(source);
  const entryPath = Buffer.from(name);
  const entryId = ids.entry(sourceId, entryPath);
  const stat = lstatSync(path.join(folder, name), { bigint: true });
  await catalog.addEntries([{ id: entryId, sourceId, path: entryPath }]);
  const version: VersionRow = {
    id: ids.version(entryId, 1),
    entryId,
    observation: 1,
    runId,
    workflowId: null,
    kind: stat.isDirectory() ? 'dir' : 'file',
    sizeBytes: stat.isDirectory() ? 0 : Number(stat.size),
    mode: Number(stat.mode) & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    device: stat.dev,
    inode: stat.ino,
    linkTarget: null,
    hardlink: null,
    xattrs: null,
    xattrsDropped: null,
    sha512: null,
    segmentSize: null,
    segmentHashes: null,
  };
  if (version.kind === 'dir') {
    await catalog.write({ version, ...settled(version), events: [] });
    return undefined;
  }
  const content = readFileSync(path.join(folder, name));
  return sealed(seeding, { sourceId, entryPath, version }, content);
}

const settled = ({ id, entryId, runId }: VersionRow): Pick<Change, 'settle'> => ({
  settle: {
    ...{ versionId: id, entryId, observation: 1, hint: 0, runId },
    ...{ outcome: 'uploaded', reason: null },
  },
});

/** Seals one content, and records what it is. */
async function sealed(
  { installation, catalog }: Seeding,
  { sourceId, entryPath, version }: Pick<SealedEntry, 'sourceId' | 'entryPath' | 'version'>,
  content: Buffer,
): Promise<SealedEntry> {
  const { ids, keys } = installation;
  const sha512 = createHash('sha512').update(content).digest();
  const sha256 = createHash('sha256').update(content).digest();
  const key = keys.sealingKey('default');
  const sealing: SealingRow = {
    id: ids.sealing(version.id, 'sealed-v1', key.id.toString('hex'), 0),
    versionId: version.id,
    format: 'sealed-v1',
    keyId: key.id.toString('hex'),
    generation: 0,
    iv: randomBytes(16),
  };
  const bytes = sealWhole(
    {
      key,
      iv: sealing.iv,
      purpose: 'content',
      path: entryPath,
      plaintextLength: content.length,
      compression: { algorithm: 'zstd', level: 3 },
      metadata: {
        v: 1,
        source: sourceId,
        entry: version.entryId,
        version: version.id,
        observation: 1,
        purpose: 'content',
        kind: 'file',
        size: content.length,
        mode: version.mode,
        uid: Number(version.uid),
        gid: Number(version.gid),
        mtimeNs: String(version.mtimeNs),
        sha512: sha512.toString('hex'),
        sha256: sha256.toString('hex'),
        scope: 'default',
        class: 'standard',
      },
    },
    content,
  );
  await catalog.write({
    content: { sha512, sha256, sizeBytes: content.length, mediaType: 'application/octet-stream' },
    version: { ...version, sha512 },
    events: [],
  });
  await catalog.drawSealing(sealing);
  return { sourceId, entryPath, version, sha512, sealing, sealed: bytes };
}

async function storeAlone(seeding: Seeding, entry: SealedEntry): Promise<void> {
  const { installation, store, destination, catalog } = seeding;
  const { sha512, sealing, sealed: bytes } = entry;
  const { prefix } = destination;
  const key = installation.keys.objectKey({ prefix, scope: 'default', sha512, iv: sealing.iv });
  const object = stored(seeding, key, bytes, await put(store, key, bytes));
  await catalog.write({
    object: { ...object, sealingId: sealing.id, sha512, packId: null },
    placements: [placement(entry, object, 0)],
    ...settled(entry.version),
    events: [],
  });
}

async function storePacked(seeding: Seeding, entries: readonly SealedEntry[]): Promise<void> {
  const { installation, store, destination, catalog } = seeding;
  const { ids, keys } = installation;
  const name = keys.packName(
    'default',
    entries.map(({ sealing }) => sealing.iv),
  );
  const { bytes, members } = writeContentPack(
    name,
    entries.map(({ sealed: bytes, sealing: { keyId }, sourceId, version }) => {
      return { bytes, keyId, source: sourceId, entry: version.entryId, version: version.id };
    }),
    { scope: 'default', key: keys.sealingKey('default'), iv: randomBytes(16) },
  );
  const key = prefixed(destination.prefix, name);
  const object = stored(seeding, key, bytes, await put(store, key, bytes));
  const packId = ids.pack(name);
  await catalog.write({
    packMembers: entries.map(({ sealing, sha512, sealed: bytes }, position) => ({
      ...{ packId, position, sealingId: sealing.id, sha512, length: bytes.length },
      byteOffset: members[position]?.offset ?? 0,
      sha256: createHash('sha256').update(bytes).digest(),
    })),
    object: { ...object, sealingId: null, sha512: null, packId },
    events: [],
  });
  for (const [position, entry] of entries.entries()) {
    await catalog.write({
      placements: [placement(entry, object, members[position]?.offset ?? 0)],
      ...settled(entry.version),
      events: [],
    });
  }
}

const placement = (
  { version, sealed: bytes }: SealedEntry,
  object: { readonly id: Id; readonly destination: string },
  byteOffset: number,
) => ({
  ...{ versionId: version.id, objectId: object.id, byteOffset, length: bytes.length },
  ...{ destination: object.destination, state: 'committed' as const, reason: null },
});

/** What is recorded of an object, whatever lies in it. */
function stored(
  { installation, destination }: Seeding,
  key: string,
  bytes: Buffer,
  { versionId: s3VersionId, lock }: Awaited<ReturnType<typeof put>>,
): Omit<ObjectRow, 'sealingId' | 'sha512' | 'packId'> {
  return {
    ...{ id: installation.ids.object(destination.name, key, s3VersionId), destination: destination.name },
    ...{ key, s3VersionId, length: bytes.length, scope: 'default', format: 'sealed-v1', state: 'live' },
    ...{ lockMode: lock.mode, retainUntil: lock.retainUntil, sealedSha256: null },
  };
}

async function put(
  store: ObjectStore,
  key: string,
  body: Buffer,
): Promise<{ versionId: string; lock: Lock }> {
  const sha256Of = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
  if (body.length <= partBytes) {
    const stored = await store.put({ key, body, sha256: sha256Of(body), lock: lockDays });
    if (stored.kind !== 'stored') throw new Error('the object was there already');
    return stored;
  }
  const { uploadId, lock } = await store.createMultipart({ key, lock: lockDays });
  const parts = [];
  for (let at = 0, partNumber = 1; at < body.length; at += partBytes, partNumber++) {
    const part = body.subarray(at, at + partBytes);
    const sha256 = sha256Of(part);
    const { etag } = await store.uploadPart({ key, uploadId, partNumber, body: part, sha256 });
    parts.push({ partNumber, etag, sha256, lengthBytes: part.length });
  }
  const done = await store.completeMultipart({ key, uploadId, parts });
  if (done.kind !== 'stored') throw new Error(`Complete answered ${done.kind}`);
  return { versionId: done.versionId, lock };
}
