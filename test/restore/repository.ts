import { hash, randomBytes } from 'node:crypto';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { catalogIndex } from '../../src/catalog/restore-query.ts';
import type { SealingRow, VersionRow } from '../../src/catalog/rows.ts';
import { Ids, newRunId } from '../../src/domain/ids.ts';
import type { EntryKind, Id, Outcome } from '../../src/domain/records.ts';
import type { RestoreDeps } from '../../src/restore/restore.ts';
import type { SealingKey } from '../../src/sealed/keys.ts';
import { sealWhole } from '../../src/sealed/seal.ts';
import { MemoryStore, type StoreCall } from '../../src/storage/memory-store.ts';
import { packOf } from '../support/packer.ts';

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
  /** Of the sealed file inside the object; 0 when missing. */
  readonly offset?: number;
}

/** Files that lie in one object. */
export interface ProtectedPack {
  readonly key: string;
  readonly versionId: string;
  readonly objectId: Id;
  /** In the order they lie in. */
  readonly members: readonly (Protected & { readonly offset: number; readonly length: number })[];
}

interface SealedVersion {
  readonly version: VersionRow;
  readonly hint: number;
  readonly content: Buffer;
  readonly sealing: SealingRow;
  readonly sealed: Buffer;
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
    const { version, hint } = await this.observed(path, given);
    const { kind = 'file', outcome = given.sharing ? 'duplicate' : 'uploaded' } = given;
    const isKept = kind === 'file' && (outcome === 'uploaded' || outcome === 'duplicate');
    const { objectId, offset } = isKept
      ? (given.sharing ?? {
          objectId: await this.storeAlone(Buffer.from(path as string), version, given),
          offset: 0,
        })
      : {};
    if (objectId === undefined || given.sharing) await this.catalog.write({ version, events: [] });
    await this.settle(version, hint, outcome, given.reason, objectId, offset);
    return {
      entryId: version.entryId,
      versionId: version.id,
      ...(objectId && { objectId }),
      ...(offset && { offset }),
    };
  }

  /** Adds one version of each file, all of them in one pack. `damage` changes its bytes, as a hostile store would. */
  async addPack(
    files: Readonly<Record<string, Given>>,
    damage: (bytes: Buffer) => Buffer = (bytes) => bytes,
  ): Promise<ProtectedPack> {
    const sealed: SealedVersion[] = [];
    for (const [path, given] of Object.entries(files)) {
      const { version, hint } = await this.observed(path, given);
      const one = this.seal(Buffer.from(path), version, given);
      await this.record(version, one.content, one.sealing);
      sealed.push({ version, hint, ...one });
    }
    const pack = packOf(
      sealed.map(({ version, sealed: bytes }) => {
        return { sealed: bytes, source: this.sourceId, entry: version.entryId, version: version.id };
      }),
      this.key,
      'default',
    );
    const versionId = this.store.plantVersion(pack.name, damage(Buffer.from(pack.bytes)));
    const packId = this.ids.pack(pack.name);
    const objectId = this.ids.object('main', pack.name, versionId);
    await this.catalog.write({
      packMembers: pack.members.map(({ offset, length }, position) => {
        const { sealing, content, sealed: bytes } = sealed[position] as SealedVersion;
        const sha512 = hash('sha512', content, 'buffer');
        const sha256 = hash('sha256', bytes, 'buffer');
        return { packId, position, sealingId: sealing.id, sha512, byteOffset: offset, length, sha256 };
      }),
      object: {
        ...{
          id: objectId,
          destination: 'main',
          key: pack.name,
          s3VersionId: versionId,
          length: pack.bytes.length,
        },
        ...{ sealingId: null, packId, sha512: null, ...objectFacts() },
      },
      events: [],
    });
    const members = [];
    for (const [position, { version, hint }] of sealed.entries()) {
      const { offset, length } = pack.members[position] as (typeof pack.members)[number];
      await this.settle(version, hint, 'uploaded', undefined, objectId, offset);
      members.push({ entryId: version.entryId, versionId: version.id, objectId, offset, length });
    }
    return { key: pack.name, versionId, objectId, members };
  }

  private async observed(
    path: string | Buffer,
    given: Given,
  ): Promise<{ version: VersionRow; hint: number }> {
    const raw = Buffer.from(path as string);
    const entryId = this.ids.entry(this.sourceId, raw);
    await this.catalog.hint([{ id: entryId, sourceId: this.sourceId, path: raw }]);
    const seen = await this.catalog.observe({ entryId, workflowRun: newRunId(), round: 0 });
    return { version: this.versionRow(entryId, seen?.number ?? 0, given), hint: seen?.hint ?? 0 };
  }

  private async settle(
    version: VersionRow,
    hint: number,
    outcome: Outcome,
    reason: string | undefined,
    objectId: Id | undefined,
    byteOffset = 0,
  ): Promise<void> {
    const { id: versionId, entryId, observation, runId } = version;
    const placed = { destination: 'main', length: null, state: 'committed' as const, reason: null };
    await this.catalog.write({
      ...(objectId && { placements: [{ versionId, objectId, byteOffset, ...placed }] }),
      settle: { versionId, entryId, observation, hint, runId, outcome, reason: reason ?? null },
      events: [],
    });
  }

  /** Seals the content, stores it in an object of its own and writes version and object down; gives the object's id. */
  private async storeAlone(path: Buffer, version: VersionRow, given: Given): Promise<Id> {
    const { content, sealing, sealed } = this.seal(path, version, given);
    const sha512 = hash('sha512', content, 'buffer');
    const key = `objects/${sha512.toString('hex')}-${sealing.iv.toString('hex')}`;
    const s3VersionId = this.store.plantVersion(key, given.damage?.(Buffer.from(sealed)) ?? sealed);
    const id = this.ids.object('main', key, s3VersionId);
    await this.record(version, content, sealing);
    await this.catalog.write({
      object: {
        ...{ id, destination: 'main', key, s3VersionId, length: sealed.length },
        ...{ sealingId: sealing.id, packId: null, sha512, ...objectFacts() },
      },
      events: [],
    });
    return id;
  }

  private async record(version: VersionRow, content: Buffer, sealing: SealingRow): Promise<void> {
    const [sha512, sha256] = [hash('sha512', content, 'buffer'), hash('sha256', content, 'buffer')];
    await this.catalog.write({
      content: { sha512, sha256, sizeBytes: content.length, mediaType: 'text/plain' },
      version,
      events: [],
    });
    await this.catalog.drawSealing(sealing);
  }

  private seal(
    path: Buffer,
    version: VersionRow,
    given: Given,
  ): { readonly content: Buffer; readonly sealing: SealingRow; readonly sealed: Buffer } {
    const content = Buffer.from((given.content ?? 'content') as string);
    const keyId = this.key.id.toString('hex');
    const sealing = {
      id: this.ids.sealing(version.id, 'sealed-v1', keyId, 0),
      ...{ versionId: version.id, format: 'sealed-v1', keyId, generation: 0, iv: randomBytes(16) },
    };
    const sealed = sealWhole(
      {
        key: this.key,
        iv: sealing.iv,
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
          sha512: hash('sha512', content, 'hex'),
          sha256: hash('sha256', content, 'hex'),
          scope: 'default',
          class: 'standard',
        },
        plaintextLength: content.length,
        compression: { algorithm: 'zstd', level: 1 },
      },
      given.sealedContent === undefined ? content : Buffer.from(given.sealedContent),
    );
    return { content, sealing, sealed };
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

const objectFacts = () => ({
  ...{ scope: 'default', format: 'sealed-v1', lockMode: 'GOVERNANCE' as const, state: 'live' as const },
  retainUntil: new Date(Date.now() + 86_400_000),
  sealedSha256: null,
});
