import type { EntryKind, Id, Outcome } from '../domain/records.ts';
import type { SealedFormat } from '../manifest/records.ts';

/** What is to be restored: a source, or one path in it with everything below. */
export interface Selection {
  readonly sourceId: Id;
  /** Empty: the whole source. */
  readonly path: Buffer;
  /** The state at this moment: only versions observed by then count. Undefined: the newest. */
  readonly at?: Date;
  /** One version of one entry, whatever came after it. */
  readonly versionId?: Id;
}

/** Where the sealed file of a version lies. */
export interface ContentPlace {
  readonly destination: string;
  readonly key: string;
  readonly s3VersionId: string;
  /** Of the sealed file inside the object, bytes. */
  readonly offset: number;
  readonly length: number;
  readonly format: SealedFormat;
  /** Of the sealed bytes; openpgp only. */
  readonly sealedSha256?: Buffer;
  /** The key it was sealed with. */
  readonly keyId: Id;
  /** The version the object was made for: this one, or the one it is a duplicate of. */
  readonly madeFor: Id;
}

interface Restorable {
  readonly id: Id;
  /** Permission bits with set-uid, set-gid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  /** Extended attributes: name to base64 of the value. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

export interface RestorableFile extends Restorable {
  readonly kind: 'file';
  readonly sizeBytes: number;
  readonly sha512: Buffer;
  /** Entry of the first path met of the same inode. */
  readonly hardlink?: Id;
  /** The signature that found its content infected after it was stored. */
  readonly infected?: string;
  readonly place: ContentPlace;
}

export interface RestorableFolder extends Restorable {
  readonly kind: 'dir';
}

export interface RestorableLink extends Restorable {
  readonly kind: 'link';
  readonly linkTarget: Buffer;
}

export type RestorableVersion = RestorableFile | RestorableFolder | RestorableLink;

/** One entry as restore sees it. */
export interface RestoreRow {
  readonly entryId: Id;
  readonly path: Buffer;
  /** The newest settled version, whatever became of it; undefined while the first one is under way. */
  readonly head?: {
    readonly id: Id;
    readonly kind: EntryKind;
    readonly outcome: Outcome;
    /** It was protected until its retention ended. */
    readonly isExpired?: boolean;
  };
  /** The newest version that was protected; undefined if there is none. */
  readonly version?: RestorableVersion;
}

/** Which entries a pass over the selection is about, by what their newest protected version is. */
export type RestorePass = 'tree' | 'hardlinks' | 'links' | 'folders';

export interface RestoreTotals {
  readonly entries: number;
  readonly files: number;
  readonly hardlinks: number;
  readonly links: number;
  readonly folders: number;
  /** Content of the files, each hard link's once. */
  readonly bytes: number;
}

/** What restore knows of a repository: the catalog, or what was read back from a bucket. */
export interface RestoreIndex {
  /** Where else a version's content lies; missing where only one place is known of each. */
  elsewhere?(version: RestorableFile): Promise<readonly ContentPlace[]>;
  /** Undefined: no such source. */
  sourceIdOf(name: string): Promise<Id | undefined>;
  totals(selection: Selection): Promise<RestoreTotals>;
  /** Entries of the source that another entry is a hard link of. */
  hardlinkTargets(selection: Selection): Promise<ReadonlySet<Id>>;
  /**
   * The entries of one pass, in byte order of their paths, so that a folder comes before what is in it; `folders` the
   * other way round, deepest first.
   */
  rows(selection: Selection, pass: RestorePass): AsyncIterable<RestoreRow>;
}
