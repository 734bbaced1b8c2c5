import { createCipheriv, hash } from 'node:crypto';
import { isWithin } from '../../src/files/paths.ts';
import type { RestoreDeps } from '../../src/restore/restore.ts';
import type {
  RestorableVersion,
  RestoreIndex,
  RestoreRow,
  RestoreTotals,
  Selection,
} from '../../src/restore/restore-index.ts';
import type { SealingKey } from '../../src/sealed/keys.ts';
import { sealWhole } from '../../src/sealed/seal.ts';
import { MemoryStore, type StoreCall } from '../../src/storage/memory-store.ts';

interface Common {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtimeNs?: bigint;
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** An index and a store in memory, without a catalog; two of the same names and contents are the same, byte by byte. */
export class MemoryRepository {
  readonly source = 'docs';
  readonly sourceId = idOf('source');
  readonly store: MemoryStore;
  readonly deps: RestoreDeps;
  /** Set to be told of, or to fail, requests to the store. */
  fault: (call: StoreCall) => void = () => {};
  private readonly rows: RestoreRow[] = [];
  private readonly key: SealingKey = { id: Buffer.alloc(16, 1), secret: Buffer.alloc(64, 2) };

  constructor() {
    this.store = new MemoryStore({ name: 'main', now: () => new Date(), fault: (call) => this.fault(call) });
    this.deps = {
      index: this.index(),
      keys: { byId: (id) => (id.equals(this.key.id) ? this.key : undefined) },
      stores: new Map([['main', this.store]]),
      retryPausesMs: [1, 1, 1],
    };
  }

  folder(path: string, given: Common = {}): void {
    this.add(path, { ...metadata(path, 0o755, given), kind: 'dir' });
  }

  link(path: string, linkTarget: string, given: Common = {}): void {
    this.add(path, { ...metadata(path, 0o777, given), kind: 'link', linkTarget: Buffer.from(linkTarget) });
  }

  /** Gives the name of its object. `hardlink`: path of the first of the same inode. */
  file(path: string, content: Buffer | string, given: Common & { readonly hardlink?: string } = {}): string {
    const plain = Buffer.from(content as string);
    const common = metadata(path, 0o644, given);
    const sha512 = hash('sha512', plain, 'buffer');
    const iv = hash('sha256', path, 'buffer').subarray(0, 16);
    const sealed = sealWhole(
      {
        key: this.key,
        iv,
        purpose: 'content',
        path: Buffer.from(path),
        metadata: {
          v: 1,
          source: this.sourceId,
          entry: idOf(path),
          version: common.id,
          observation: 1,
          purpose: 'content',
          kind: 'file',
          size: plain.length,
          mode: common.mode,
          uid: common.uid,
          gid: common.gid,
          mtimeNs: String(common.mtimeNs),
          sha512: sha512.toString('hex'),
          sha256: hash('sha256', plain, 'hex'),
          scope: 'default',
          class: 'standard',
        },
        plaintextLength: plain.length,
        compression: { algorithm: 'zstd', level: 1 },
      },
      plain,
    );
    const key = `objects/${sha512.toString('hex')}-${iv.toString('hex')}`;
    this.add(path, {
      ...common,
      kind: 'file',
      sizeBytes: plain.length,
      sha512,
      ...(given.hardlink === undefined ? {} : { hardlink: idOf(given.hardlink) }),
      place: {
        destination: 'main',
        key,
        s3VersionId: this.store.plantVersion(key, sealed),
        offset: 0,
        length: sealed.length,
        format: 'sealed-v1',
        keyId: this.key.id.toString('hex'),
        madeFor: common.id,
      },
    });
    return key;
  }

  private add(path: string, version: RestorableVersion): void {
    const { id, kind } = version;
    const row = {
      entryId: idOf(path),
      path: Buffer.from(path),
      head: { id, kind, outcome: 'uploaded' },
      version,
    };
    this.rows.push(row as RestoreRow);
    this.rows.sort((a, b) => Buffer.compare(a.path, b.path));
  }

  private index(): RestoreIndex {
    const selected = ({ path }: Selection): RestoreRow[] =>
      this.rows.filter((row) => isWithin(row.path, path));
    const passOf = (row: RestoreRow): string[] => {
      if (row.version?.kind === 'dir') return ['tree', 'folders'];
      if (row.version?.kind === 'link') return ['links'];
      return row.version?.hardlink === undefined ? ['tree'] : ['hardlinks'];
    };
    return {
      sourceIdOf: async (name) => (name === this.source ? this.sourceId : undefined),
      totals: async (selection) => selected(selection).reduce(added, noTotals),
      hardlinkTargets: async () =>
        new Set(this.rows.flatMap(({ version }) => (version?.kind === 'file' && version.hardlink) || [])),
      async *rows(selection, pass) {
        const rows = selected(selection).filter((row) => passOf(row).includes(pass));
        yield* pass === 'folders' ? rows.reverse() : rows;
      },
    };
  }
}

const noTotals: RestoreTotals = { entries: 0, files: 0, hardlinks: 0, links: 0, folders: 0, bytes: 0 };

function added(totals: RestoreTotals, { version }: RestoreRow): RestoreTotals {
  const isFile = version?.kind === 'file';
  const isHardlink = isFile && version.hardlink !== undefined;
  return {
    entries: totals.entries + 1,
    files: totals.files + (isFile ? 1 : 0),
    hardlinks: totals.hardlinks + (isHardlink ? 1 : 0),
    links: totals.links + (version?.kind === 'link' ? 1 : 0),
    folders: totals.folders + (version?.kind === 'dir' ? 1 : 0),
    bytes: totals.bytes + (isFile && !isHardlink ? version.sizeBytes : 0),
  };
}

function metadata(path: string, mode: number, given: Common) {
  const { xattrs } = given;
  return {
    id: idOf(`version ${path}`),
    mode: given.mode ?? mode,
    uid: given.uid ?? process.getuid?.() ?? 0,
    gid: given.gid ?? process.getgid?.() ?? 0,
    mtimeNs: given.mtimeNs ?? 1_700_000_000_123_456_789n,
    ...(xattrs === undefined ? {} : { xattrs }),
  };
}

const idOf = (name: string): string => hash('sha256', name, 'hex').slice(0, 32);

/** Bytes that do not compress, the same each time for the same seed. */
export function noise(sizeBytes: number, seed: string): Buffer {
  const key = hash('sha256', seed, 'buffer');
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}
