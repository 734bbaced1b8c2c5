import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Catalog } from '../src/catalog/catalog.ts';
import { openPool } from '../src/catalog/database.ts';
import type { Change, ObjectRow, SealingRow, VersionRow } from '../src/catalog/rows.ts';
import { configFile, type DestinationConfig } from '../src/config.ts';
import { newRunId } from '../src/domain/ids.ts';
import type { Id, Lock } from '../src/domain/records.ts';
import { type Installation, openInstallation } from '../src/installation.ts';
import { sealWhole } from '../src/sealed/seal.ts';
import { supervisorStatus } from '../src/stack/control.ts';
import { endpoints, runningFrom } from '../src/stack/endpoints.ts';
import { resolvePaths } from '../src/stack/paths.ts';
import type { ObjectStore } from '../src/storage/object-store.ts';
import { openS3Store } from '../src/storage/s3-store.ts';
import type { TestInstallation } from '../test/support/installation.ts';

/** How many files are sealed and stored at once. */
const atOnce = 16;
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
    const work = async (): Promise<void> => {
      for (let name = names[next++]; name !== undefined; name = names[next++])
        await addEntry(seeding, source, folder, name);
    };
    await Promise.all(Array.from({ length: atOnce }, work));
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

async function addEntry(seeding: Seeding, source: string, folder: string, name: string): Promise<void> {
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
  const settle = { versionId: version.id, entryId, observation: 1, hint: 0, runId };
  if (version.kind === 'dir') {
    await catalog.write({ version, settle: { ...settle, outcome: 'uploaded', reason: null }, events: [] });
    return;
  }
  const change = await store(
    seeding,
    { ...version, sourceId },
    entryPath,
    readFileSync(path.join(folder, name)),
  );
  await catalog.write({
    ...change,
    settle: { ...settle, outcome: 'uploaded', reason: null },
    events: [],
  });
}

/** Seals and stores one content, and gives the rows that say where it lies. */
async function store(
  { installation, catalog, store, destination }: Seeding,
  { sourceId, ...version }: VersionRow & { readonly sourceId: Id },
  entryPath: Buffer,
  content: Buffer,
): Promise<Partial<Change>> {
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
  const sealed = sealWhole(
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
  const name = keys.objectKey({ prefix: destination.prefix, scope: 'default', sha512, iv: sealing.iv });
  const { versionId: s3VersionId, lock } = await put(store, name, sealed);
  const known = { ...version, sha512 };
  const rows: Change = {
    content: { sha512, sha256, sizeBytes: content.length, mediaType: 'application/octet-stream' },
    version: known,
    events: [],
  };
  await catalog.write(rows);
  await catalog.drawSealing(sealing);
  const object: ObjectRow = {
    id: ids.object(destination.name, name, s3VersionId),
    destination: destination.name,
    key: name,
    s3VersionId,
    length: sealed.length,
    sealingId: sealing.id,
    packId: null,
    sha512,
    scope: 'default',
    format: 'sealed-v1',
    lockMode: lock.mode,
    retainUntil: lock.retainUntil,
    state: 'live',
    sealedSha256: null,
  };
  const placement = {
    versionId: version.id,
    destination: destination.name,
    objectId: object.id,
    byteOffset: 0,
    length: sealed.length,
    state: 'committed' as const,
    reason: null,
  };
  return { object, placements: [placement] };
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
