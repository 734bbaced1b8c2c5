import { hash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import { Ids, newRunId } from '../../src/domain/ids.ts';
import type { Id } from '../../src/domain/records.ts';
import { rootDocument, scopeDocument } from '../../src/keys/create-keyring.ts';
import type { KeyringDocument } from '../../src/keys/keyring-files.ts';
import { openKeyring } from '../../src/keys/open-keyring.ts';
import { RepositoryKeys } from '../../src/keys/repository-keys.ts';
import { keySealer, sealManifest } from '../../src/manifest/encode.ts';
import { manifestName } from '../../src/manifest/names.ts';
import type { ManifestHead, ManifestRow } from '../../src/manifest/records.ts';
import type { Bucket } from '../../src/recovery/bucket.ts';
import { type ReadRequest, type RepositoryRead, readRepository } from '../../src/recovery/read-repository.ts';
import { RecoveredIndex } from '../../src/recovery/recovered-index.ts';
import { openScratch } from '../../src/recovery/scratch.ts';
import { type RestoreRequest, restoreTree } from '../../src/restore/restore.ts';
import type { RestoredItem } from '../../src/restore/restored-item.ts';
import { drawSecrets } from '../../src/sealed/keyring.ts';
import { prefixed } from '../../src/sealed/names.ts';
import { sealWhole } from '../../src/sealed/seal.ts';
import { MemoryStore, type StoreCall } from '../../src/storage/memory-store.ts';
import type { ListedVersion } from '../../src/storage/object-store.ts';
import { packOf } from '../support/packer.ts';

export const password = Buffer.from('five plain random words');
const repositoryId = 'a'.repeat(32);
const lock = { mode: 'GOVERNANCE', days: 7 } as const;

const root = { repositoryId, generation: 1, holder: 'owner', ...drawSecrets() };
/** One keyring for all tests of a file: opening one costs a quarter of a second. */
const documents = [
  await rootDocument(root, password),
  ...['holdfast', 'default', 'restricted'].map((scope) => scopeDocument(root, scope, 1)),
];
const keyring = await openKeyring(documents, repositoryId, password);

/** What a file of a test is to be beside its path and content. */
export interface GivenFile {
  readonly scope?: string;
  readonly observation?: number;
  /** Nothing is stored: the object is gone. */
  readonly withoutObject?: boolean;
  readonly hardlink?: Id;
}

/** A repository as a pipeline would have left it in a bucket: objects and manifests, and nothing else anywhere. */
export class TestBucket {
  readonly documents: readonly KeyringDocument[] = documents;
  readonly keys = new RepositoryKeys(keyring);
  readonly ids = new Ids(root.pathId);
  readonly source = 'docs';
  readonly sourceId: Id = this.ids.source('docs');
  readonly store: MemoryStore;
  /** Set to be told of, or to fail, requests to the store. */
  fault: (call: StoreCall) => void = () => {};
  /** The store's clock. */
  now = new Date('2026-03-01T10:00:00Z');
  private readonly prefix: string;
  private readonly chains = new Map<Id, { number: number; sha256: string }>();

  private constructor(prefix: string) {
    this.prefix = prefix;
    this.store = new MemoryStore({ name: 'bucket', now: () => this.now, fault: (call) => this.fault(call) });
  }

  /** With its keyring in the store. */
  static async create(prefix = ''): Promise<TestBucket> {
    const made = new TestBucket(prefix);
    for (const { name, bytes } of documents) await made.put(name, bytes);
    return made;
  }

  /** Stores an object under a name without prefix; gives its version id. */
  async put(name: string, body: Buffer): Promise<string> {
    const stored = await this.store.putSmallDocument({ key: prefixed(this.prefix, name), body, lock });
    if (stored.kind !== 'stored') throw new Error(`${name} is taken`);
    return stored.versionId;
  }

  /** Seals and stores a file and gives the row that a manifest would have for it. */
  async file(path: string | Buffer, content: string | Buffer, given: GivenFile = {}): Promise<ManifestRow> {
    const { row, sealed, name } = this.seal(path, content, given);
    const s3VersionId = given.withoutObject ? 'version-gone' : await this.put(name, sealed);
    return placed(row, sealed, { object: name, s3VersionId, offset: 0 });
  }

  /** Seals files and stores them in one pack; gives the rows that a manifest would have for them. */
  async pack(
    files: Readonly<Record<string, string | Buffer>>,
    given: GivenFile = {},
  ): Promise<ManifestRow[]> {
    const all = Object.entries(files).map(([path, content]) => this.seal(path, content, given));
    const scope = given.scope ?? 'default';
    const toPack = all.map(({ row, sealed }) => ({ ...row, sealed, source: this.sourceId }));
    const { name, bytes, members } = packOf(toPack, this.keys.sealingKey(scope), scope);
    const s3VersionId = given.withoutObject ? 'version-gone' : await this.put(name, bytes);
    return all.map(({ row, sealed }, at) =>
      placed(row, sealed, { object: name, s3VersionId, offset: members[at]?.offset ?? 0 }),
    );
  }

  private seal(
    path: string | Buffer,
    content: string | Buffer,
    given: GivenFile,
  ): { readonly row: ManifestRow; readonly sealed: Buffer; readonly name: string } {
    const row = this.row(path, given.observation ?? 1, 'file');
    const bytes = Buffer.from(content as string);
    const scope = given.scope ?? 'default';
    const [sha512, sha256] = [hash('sha512', bytes, 'hex'), hash('sha256', bytes, 'hex')];
    const iv = randomBytes(16);
    const key = this.keys.sealingKey(scope);
    const link = given.hardlink === undefined ? {} : { hardlink: given.hardlink };
    const sealed = sealWhole(
      {
        key,
        iv,
        purpose: 'content',
        path: Buffer.from(path as string),
        metadata: {
          v: 1,
          source: this.sourceId,
          entry: row.entry,
          version: row.version,
          observation: row.observation,
          purpose: 'content',
          kind: 'file',
          size: bytes.length,
          mode: row.mode,
          uid: row.uid,
          gid: row.gid,
          mtimeNs: row.mtimeNs,
          sha512,
          sha256,
          scope,
          class: 'standard',
          ...link,
        },
        plaintextLength: bytes.length,
        compression: { algorithm: 'zstd', level: 1 },
      },
      bytes,
    );
    const name = this.keys.objectKey({ prefix: '', scope, sha512: Buffer.from(sha512, 'hex'), iv });
    return { row: { ...row, size: bytes.length, sha512, sha256, ...link }, sealed, name };
  }

  /** Row of a folder, or with changes of anything that has no object. */
  row(
    path: string | Buffer,
    observation = 1,
    kind: ManifestRow['kind'] = 'dir',
    changes: Partial<ManifestRow> = {},
  ): ManifestRow {
    const raw = Buffer.from(path as string);
    const entry = this.ids.entry(this.sourceId, raw);
    const at = new Date(this.now.getTime() + observation * 1_000).toISOString();
    return {
      entry,
      path: raw.toString('base64url'),
      version: this.ids.version(entry, observation),
      observation,
      kind,
      outcome: 'uploaded',
      size: 0,
      mode: kind === 'dir' ? 0o755 : 0o644,
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
      mtimeNs: '1700000000123456789',
      run: newRunId(),
      observedAt: at,
      settledAt: at,
      ...changes,
    };
  }

  /** A further path of the same content: rests on the other one's object. */
  duplicate(of: ManifestRow, path: string, observation = 1): ManifestRow {
    const { placements = [], sha512 = '', sha256 = '', size } = of;
    return {
      ...this.row(path, observation, 'file', { outcome: 'duplicate' }),
      size,
      sha512,
      sha256,
      placements,
    };
  }

  /** Writes the next manifest of the chain with these rows; gives its name and bytes. */
  async manifest(
    rows: readonly ManifestRow[] | ReadonlyMap<string, readonly ManifestRow[]>,
    changes: Partial<ManifestHead> = {},
    { withheld = false } = {},
  ): Promise<{ name: string; bytes: Buffer; sha256: string; number: number }> {
    const last = this.chains.get(this.sourceId);
    const head: ManifestHead = {
      v: 1,
      source: this.sourceId,
      name: this.source,
      number: (last?.number ?? 0) + 1,
      kind: 'journal',
      last: true,
      previousSha256: last?.sha256 ?? null,
      createdAt: this.now.toISOString(),
      ...changes,
    };
    const sections = rows instanceof Map ? rows : new Map([['default', rows as readonly ManifestRow[]]]);
    const bytes = await sealManifest({ head, sections, seal: keySealer(this.keys) });
    const name = manifestName(head.source, head.number);
    const sha256 = hash('sha256', bytes, 'hex');
    this.chains.set(this.sourceId, { number: head.number, sha256 });
    if (!withheld) await this.put(name, bytes);
    return { name, bytes, sha256, number: head.number };
  }

  async versions(below = ''): Promise<ListedVersion[]> {
    const all: ListedVersion[] = [];
    for await (const version of this.store.listVersions(below)) all.push(version);
    return all;
  }

  async keysBelow(below = ''): Promise<string[]> {
    return [...new Set((await this.versions(below)).map(({ key }) => key))];
  }

  bucket(): Bucket {
    return {
      store: this.store,
      prefix: this.prefix,
      signal: new AbortController().signal,
      retryPausesMs: [1, 1],
    };
  }

  async read(request: Partial<ReadRequest> = {}): Promise<Read> {
    const db = openScratch();
    onTestFinished(() => db.close());
    const read = await readRepository(db, {
      bucket: this.bucket(),
      bucketName: 'backups',
      password,
      expectedHeads: new Map(),
      notedHeads: { heads: new Map() },
      onProgress: () => {},
      ...request,
    });
    const index = new RecoveredIndex(db, { destination: 'bucket', prefix: this.prefix, ids: this.ids });
    return { ...read, db, index };
  }

  /** Restores what was read; gives the target and an item per entry, by path. */
  async restore(
    { index, keys }: Pick<Read, 'index' | 'keys'>,
    request: Partial<RestoreRequest> = {},
  ): Promise<{ to: string; items: Map<string, RestoredItem> }> {
    const to = mkdtempSync(join(tmpdir(), 'holdfast-recovered-'));
    onTestFinished(() => rmSync(to, { recursive: true, force: true }));
    const items = new Map<string, RestoredItem>();
    const deps = { index, keys, stores: new Map([['bucket', this.store]]), retryPausesMs: [1] };
    for await (const item of restoreTree(deps, { source: this.source, to, ...request })) {
      items.set(item.path.toString(), item);
    }
    return { to, items };
  }
}

/** The row of a version whose sealed file lies there. */
function placed(
  row: ManifestRow,
  sealed: Buffer,
  where: { readonly object: string; readonly s3VersionId: string; readonly offset: number },
): ManifestRow {
  const placement = {
    destination: 'primary',
    ...where,
    length: sealed.length,
    format: 'sealed-v1',
    key: sealed.subarray(-104, -88).toString('hex'),
    generation: 0,
    iv: sealed.subarray(0, 16).toString('hex'),
    madeFor: row.version,
    ...(where.object.startsWith('packs/') ? { sealedSha256: hash('sha256', sealed, 'hex') } : {}),
    lockMode: 'GOVERNANCE',
    retainUntil: '2026-03-08T10:00:00.000Z',
  } as const;
  return { ...row, placements: [placement] };
}

export interface Read extends RepositoryRead {
  readonly db: DatabaseSync;
  readonly index: RecoveredIndex;
}
