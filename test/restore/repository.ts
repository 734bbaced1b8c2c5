import { hash, randomBytes } from 'node:crypto';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { catalogIndex } from '../../src/catalog/restore-query.ts';
import type { VersionRow } from '../../src/catalog/rows.ts';
import { Ids, newRunId } from '../../src/domain/ids.ts';
import type { EntryKind, Id, Outcome } from '../../src/domain/records.ts';
import type { RestoreDeps } from '../../src/restore/restore.ts';
import type { SealingKey } from '../../src/sealed/keys.ts';
import { sealWhole } from '../../src/sealed/seal.ts';
import { MemoryStore, type StoreCall } from '../../src/storage/memory-store.ts';

/** What one version is to be; everything has a default. */
export interface Given {
  readonly kind?: EntryKind;
  readonly content?: Buffer | string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtimeNs?: bigint;
  readonly linkTarget?: Buffer | string;
  readonly hardlink?: Id;
  readonly outcome?: Outcome;
  readonly reason?: string;
  /** Changes the sealed bytes after they were sealed, as a hostile store would. */
  readonly damage?: (sealed: Buffer) => Buffer;
  /** Lets the version rest on another one's object, as a duplicate. */
  readonly sharing?: Protected;
  /** What is sealed in place of the content, as long as it, by a sealer that lies. */
  readonly sealedContent?: string;
  /** The path the sealed metadata names, if not the entry's. */
  readonly sealedPath?: string;
}

export interface Protected {
  readonly entryId: Id;
  readonly versionId: Id;
  readonly objectId?: Id;
}

/** A source in a real catalog, its objects in a store in memory, made as the pipeline makes them. */
export class TestRepository {
  readonly source = `source-${randomBytes(4).toString('hex')}`;
  readonly ids = new Ids(randomBytes(64));
  readonly sourceId: Id;
  readonly store: MemoryStore;
  readonly deps: RestoreDeps;
  /** Set to be told of, or to fail, requests to the store. */
  fault: (call: StoreCall) => void = () => {};
  readonly catalog: Catalog;
  private readonly key: SealingKey = { id: randomBytes(16), secret: randomBytes(64) };

  constructor(catalog: Catalog) {
    this.catalog = catalog;
    this.sourceId = this.ids.source(this.source);
    this.store = new MemoryStore({ name: 'main', now: () => new Date(), fault: (call) => this.fault(call) });
    this.deps = {
      index: catalogIndex(catalog),
      keys: { byId: (id) => (id.equals(this.key.id) ? this.key : undefined) },
      stores: new Map([['main', this.store]]),
      retryPausesMs: [1, 1, 1],
    };
  }

  async open(): Promise<this> {
    await this.catalog.recordSource({
      id: this.sourceId,
      name: this.source,
      rootPath: Buffer.from('/source'),
      device: 1n,
      inode: 1n,
      hostId: 'f'.repeat(32),
    });
    return this;
  }

  /** Adds one more version of the entry at `path`. */
  async add(path: string | Buffer, given: Given = {}): Promise<Protected> {
    const raw = Buffer.from(path as string);
    const entryId = this.ids.entry(this.sourceId, raw);
    await this.catalog.hint([{ id: entryId, sourceId: this.sourceId, path: raw }]);
    const seen = await this.catalog.observe({ entryId, workflowRun: newRunId(), round: 0 });
    const observation = seen?.number ?? 0;
    const version = this.versionRow(entryId, observation, given);
    const { kind = 'file', outcome = given.sharing ? 'duplicate' : 'uploaded' } = given;
    const isKept = kind === 'file' && (outcome === 'uploaded' || outcome === 'duplicate');
    const content = Buffer.from((given.content ?? 'content') as string);
    const objectId = isKept
      ? (given.sharing?.objectId ?? (await this.seal(raw, version, content, given)))
      : undefined;
    await this.catalog.write({
      ...(objectId === undefined || given.sharing ? { version } : {}),
      ...(objectId === undefined
        ? {}
        : {
            placements: [
              {
                versionId: version.id,
                destination: 'main',
                objectId,
                byteOffset: 0,
                length: null,
                state: 'committed' as const,
                reason: null,
              },
            ],
          }),
      settle: {
        versionId: version.id,
        entryId,
        observation,
        hint: seen?.hint ?? 0,
        runId: version.runId,
        outcome,
        reason: given.reason ?? null,
      },
      events: [],
    });
    return { entryId, versionId: version.id, ...(objectId === undefined ? {} : { objectId }) };
  }

  /** Seals the content, stores it and writes version and object down; gives the object's id. */
  private async seal(path: Buffer, version: VersionRow, content: Buffer, given: Given): Promise<Id> {
    const sha512 = hash('sha512', content, 'buffer');
    const iv = randomBytes(16);
    const sealing = {
      id: this.ids.sealing(version.id, 'sealed-v1', this.key.id.toString('hex'), 0),
      versionId: version.id,
      format: 'sealed-v1',
      keyId: this.key.id.toString('hex'),
      generation: 0,
      iv,
    };
    const sealed = sealWhole(
      {
        key: this.key,
        iv,
        purpose: 'content',
        path: given.sealedPath === undefined ? path : Buffer.from(given.sealedPath),
        metadata: {
          v: 1,
          source: this.sourceId,
          entry: version.entryId,
          version: version.id,
          observation: version.observation,
          purpose: 'content',
          kind: 'file',
          size: content.length,
          mode: version.mode,
          uid: Number(version.uid),
          gid: Number(version.gid),
          mtimeNs: String(version.mtimeNs),
          sha512: sha512.toString('hex'),
          sha256: hash('sha256', content, 'hex'),
          scope: 'default',
          class: 'standard',
        },
        plaintextLength: content.length,
        compression: { algorithm: 'zstd', level: 1 },
      },
      given.sealedContent === undefined ? content : Buffer.from(given.sealedContent),
    );
    const key = `objects/${sha512.toString('hex')}-${iv.toString('hex')}`;
    const body = given.damage?.(Buffer.from(sealed)) ?? sealed;
    const s3VersionId = this.store.plantVersion(key, body);
    const id = this.ids.object('main', key, s3VersionId);
    await this.catalog.write({
      content: {
        sha512,
        sha256: hash('sha256', content, 'buffer'),
        sizeBytes: content.length,
        mediaType: 'text/plain',
      },
      version,
      events: [],
    });
    await this.catalog.drawSealing(sealing);
    await this.catalog.write({
      object: {
        id,
        destination: 'main',
        key,
        s3VersionId,
        length: sealed.length,
        sealingId: sealing.id,
        packId: null,
        sha512,
        scope: 'default',
        format: 'sealed-v1',
        lockMode: 'GOVERNANCE',
        retainUntil: new Date(Date.now() + 86_400_000),
        state: 'live',
        sealedSha256: null,
      },
      events: [],
    });
    return id;
  }

  private versionRow(entryId: Id, observation: number, given: Given): VersionRow {
    const { kind = 'file' } = given;
    const content = Buffer.from((given.content ?? 'content') as string);
    const isKept = kind === 'file' && [undefined, 'uploaded', 'duplicate'].includes(given.outcome);
    return {
      id: this.ids.version(entryId, observation),
      entryId,
      observation,
      runId: newRunId(),
      workflowId: null,
      kind,
      sizeBytes: kind === 'file' ? content.length : 0,
      mode: given.mode ?? (kind === 'dir' ? 0o755 : 0o644),
      uid: BigInt(given.uid ?? process.getuid?.() ?? 0),
      gid: BigInt(given.gid ?? process.getgid?.() ?? 0),
      mtimeNs: given.mtimeNs ?? 1_700_000_000_123_456_789n,
      ctimeNs: 0n,
      device: 1n,
      inode: 1n,
      linkTarget: given.linkTarget === undefined ? null : Buffer.from(given.linkTarget as string),
      hardlink: given.hardlink ?? null,
      xattrs: null,
      xattrsDropped: null,
      sha512: isKept ? hash('sha512', content, 'buffer') : null,
      segmentSize: null,
      segmentHashes: null,
    };
  }
}
