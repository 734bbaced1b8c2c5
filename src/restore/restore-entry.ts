import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { Failure, isFailure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { errorCode } from '../files/error-code.ts';
import { isRelativePath, joinPath, nameOf, parentOf } from '../files/paths.ts';
import { openPathOnly } from './descriptor.ts';
import type { Journal } from './journal.ts';
import { applyMetadata, type MetadataOptions, type MetadataProblem } from './metadata.ts';
import { partialName, resumableName } from './names.ts';
import { type Berth, equalFile, findBerth, isEqualLink, type Overwrite } from './occupant.ts';
import { placeFile, replaceFile } from './place.ts';
import { endings, entryProblem } from './problem.ts';
import type {
  RestorableFile,
  RestorableFolder,
  RestorableLink,
  RestorableVersion,
  RestoreRow,
} from './restore-index.ts';
import type { RestoredItem, RestoreResult } from './restored-item.ts';
import { throwIfInterrupted } from './retry.ts';
import type { TargetFolder, TargetTree } from './target-tree.ts';
import { type ContentDeps, writeContent } from './write-content.ts';

/** What every entry of one restore is done with. */
export interface EntryDeps extends ContentDeps {
  /** Undefined in a dry run whose target is not there. */
  readonly tree: TargetTree | undefined;
  readonly metadata: MetadataOptions;
  readonly overwrite: Overwrite;
  readonly journal: Pick<Journal, 'has' | 'add'>;
  /** Name of the source's folder in the target. */
  readonly sourceFolder: Buffer;
  readonly dryRun: boolean;
  /** Also what was found infected after it was stored. */
  readonly includeInfected: boolean;
  readonly hardlinks: HardlinkTargets;
}

/** Files of this run that others are hard links of. */
export interface HardlinkTargets {
  /** The entries to remember once they are restored. */
  readonly wanted: ReadonlySet<Id>;
  readonly restored: Map<Id, RestoredInode>;
}

interface RestoredInode {
  readonly version: Id;
  /** As the catalog has it, with the source's folder. */
  readonly folder: Buffer;
  /** As it is. */
  readonly name: Buffer;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly sha512: Buffer;
}

interface Done {
  readonly result: RestoreResult;
  readonly target?: Buffer;
  readonly reason?: string;
  readonly warnings?: readonly MetadataProblem[];
}

/** Restores one file or link. What is wrong with this entry alone is its result; throws what ends the restore. */
export function restoreEntry(deps: EntryDeps, row: RestoreRow): Promise<RestoredItem> {
  return asItem(row, async (version) => {
    if (version.kind === 'file' && version.infected !== undefined && !deps.includeInfected) {
      return { result: 'infected', reason: version.infected };
    }
    const path = targetPath(deps, row);
    const found = deps.dryRun ? deps.tree?.find(parentOf(path)) : deps.tree?.folder(parentOf(path));
    if (found === undefined) return { result: 'restored', target: path };
    try {
      if (version.kind === 'link') return await restoreLink(deps, found, nameOf(path), version);
      if (version.kind === 'file') return await restoreFile(deps, found, row, path, version);
      throw new Failure('internal', { detail: 'a folder is restored as a file' });
    } finally {
      found.release();
    }
  });
}

/** Makes a folder before what is in it; what keeps it from being made is told when it is finished. */
export function makeFolder({ tree, ...deps }: EntryDeps, row: RestoreRow): void {
  if (deps.dryRun || tree === undefined) return;
  try {
    tree.folder(targetPath(deps, row)).release();
  } catch (error) {
    entryProblem(error);
  }
}

/** Gives a folder its metadata, after everything in it is there. */
export function finishFolder(deps: EntryDeps, row: RestoreRow): Promise<RestoredItem> {
  return asItem(row, async (version) => {
    const path = targetPath(deps, row);
    const folder = deps.dryRun ? deps.tree?.find(path) : deps.tree?.folder(path);
    if (folder === undefined) return { result: 'restored', target: path };
    try {
      const warnings = deps.dryRun
        ? []
        : applyMetadata(folder.descriptor, version as RestorableFolder, deps.metadata).problems;
      return done(folderResult(folder, path), folder.actual, warnings);
    } finally {
      folder.release();
    }
  });
}

function folderResult(folder: TargetFolder, path: Buffer): RestoreResult {
  if (folder.origin === 'present') return 'unchanged';
  return nameOf(folder.actual).equals(nameOf(path)) ? 'restored' : 'conflict';
}

/** Where the entry belongs in the target. Failure `unsafe_path` for a path that could lead anywhere else. */
function targetPath({ sourceFolder }: Pick<EntryDeps, 'sourceFolder'>, { path }: RestoreRow): Buffer {
  if (path.length === 0 || !isRelativePath(path)) throw new Failure('unsafe_path');
  return joinPath(sourceFolder, path);
}

async function restoreLink(
  deps: EntryDeps,
  folder: TargetFolder,
  name: Buffer,
  version: RestorableLink,
): Promise<Done> {
  const { linkTarget } = version;
  if (linkTarget.length === 0 || linkTarget.includes(0)) throw new Failure('unsafe_path');
  const search = {
    overwrite: deps.overwrite,
    mtimeNs: version.mtimeNs,
    equal: (path: Buffer, stat: BigIntStats) => isEqualLink(path, stat, linkTarget) || undefined,
  };
  for (let from = 0; ; ) {
    throwIfInterrupted(deps.signal);
    const berth = await findBerth(folder, name, search, from);
    const target = joinPath(folder.actual, berth.name);
    if (deps.dryRun || berth.kind === 'kept') return done(resultOf(berth), target);
    const placed = berth.kind === 'equal' || placeLink(folder, berth, linkTarget);
    if (!placed) {
      from = berth.number;
      continue;
    }
    const warnings = applyLinkMetadata(joinPath(folder.path, berth.name), version, deps.metadata);
    return done(resultOf(berth), target, warnings);
  }
}

/** False: something else has the name by now. */
function placeLink(folder: TargetFolder, { kind, name }: Berth<unknown>, linkTarget: Buffer): boolean {
  if (kind === 'replace') {
    const partial = Buffer.from(partialName());
    const path = joinPath(folder.path, partial);
    symlinkSync(linkTarget, path);
    try {
      return replaceFile(folder, partial, name, lstatSync(path, { bigint: true }));
    } finally {
      remove(path);
    }
  }
  try {
    symlinkSync(linkTarget, joinPath(folder.path, name));
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    return false;
  }
}

const linkFlags = openPathOnly | constants.O_NOFOLLOW;

function applyLinkMetadata(
  path: Buffer,
  version: RestorableLink,
  options: MetadataOptions,
): readonly MetadataProblem[] {
  const descriptor = openSync(path, linkFlags);
  try {
    if (!fstatSync(descriptor).isSymbolicLink()) throw new Failure('target_changed');
    return applyMetadata(descriptor, version, options).problems;
  } finally {
    closeSync(descriptor);
  }
}

async function restoreFile(
  deps: EntryDeps,
  folder: TargetFolder,
  row: RestoreRow,
  path: Buffer,
  version: RestorableFile,
): Promise<Done> {
  const file = new FileRestore(deps, folder, row, path, version);
  const berth = await file.berth(0);
  if (deps.dryRun) return file.dry(berth);
  if (berth.kind === 'kept') return file.leave(berth);
  if (berth.kind === 'equal') return file.keep(berth);
  return (await file.asHardlink(berth)) ?? file.write(berth);
}

type FileBerth = Berth<{ readonly descriptor: number }>;

/** From this size on a file in the making outlives what ends a restore, so that the next one goes on with it. Bytes. */
const resumableBytes = 64 * 1024 * 1024;

/** One file on its way into its folder. */
class FileRestore {
  private readonly deps: EntryDeps;
  private readonly folder: TargetFolder;
  private readonly row: RestoreRow;
  private readonly path: Buffer;
  private readonly version: RestorableFile;

  constructor(deps: EntryDeps, folder: TargetFolder, row: RestoreRow, path: Buffer, version: RestorableFile) {
    this.deps = deps;
    this.folder = folder;
    this.row = row;
    this.path = path;
    this.version = version;
  }

  berth(from: number): Promise<FileBerth> {
    const { deps, folder, version } = this;
    const search = {
      overwrite: deps.overwrite,
      mtimeNs: version.mtimeNs,
      equal: (path: Buffer, stat: BigIntStats) => equalFile(path, stat, version, deps),
    };
    return findBerth(folder, nameOf(this.path), search, from);
  }

  /** What is there is as new as the version, or newer, and was to stay then. */
  leave(berth: FileBerth): Done {
    this.deps.onBytes(this.version.sizeBytes);
    return this.done(berth);
  }

  dry(berth: FileBerth): Done {
    if (berth.kind === 'equal') closeSync(berth.occupant.descriptor);
    return this.done(berth);
  }

  /** The content is there already: only what is said about it is set again. */
  keep(berth: FileBerth & { kind: 'equal' }): Done {
    const { descriptor } = berth.occupant;
    try {
      const { problems, stat } = applyMetadata(descriptor, this.version, this.deps.metadata);
      this.remember(stat, berth.name);
      this.deps.onBytes(this.version.sizeBytes);
      return this.done(berth, problems);
    } finally {
      closeSync(descriptor);
    }
  }

  /** A further name of a file that this run restored. Undefined where that one is not there, or cannot be linked. */
  async asHardlink(free: FileBerth): Promise<Done | undefined> {
    const { deps, folder, version, row } = this;
    if (version.hardlink === undefined) return undefined;
    const { restored } = deps.hardlinks;
    const first = restored.get(version.hardlink) ?? restored.get(row.entryId);
    if (first === undefined || !first.sha512.equals(version.sha512)) return undefined;
    const firstFolder = deps.tree?.folder(first.folder);
    if (firstFolder === undefined) return undefined;
    try {
      for (let berth = free; ; berth = await this.berth(berth.number)) {
        if (berth.kind === 'kept') return this.leave(berth);
        if (berth.kind === 'equal') return this.keep(berth);
        const from = joinPath(firstFolder.path, first.name);
        const linked = this.link(from, berth, first);
        if (linked === 'taken') continue;
        if (linked === 'impossible') return undefined;
        // A further name is a change of the file's, which is what was noted.
        const stat = lstatSync(joinPath(folder.path, berth.name), { bigint: true });
        for (const id of [first.version, version.id]) deps.journal.add(id, stat);
        return this.done(berth);
      }
    } finally {
      firstFolder.release();
    }
  }

  private link(from: Buffer, berth: FileBerth, first: RestoredInode): 'linked' | 'taken' | 'impossible' {
    const { folder } = this;
    const partial = berth.kind === 'replace' ? Buffer.from(partialName()) : undefined;
    const path = joinPath(folder.path, partial ?? berth.name);
    const linked = tryLink(from, path);
    if (linked !== 'linked') return linked;
    const stat = lstatSync(path, { bigint: true });
    if (stat.dev !== first.dev || stat.ino !== first.ino) {
      unlinkSync(path);
      return 'impossible';
    }
    if (partial === undefined) return 'linked';
    try {
      return replaceFile(folder, partial, berth.name, stat) ? 'linked' : 'taken';
    } finally {
      remove(path);
    }
  }

  /** Writes the content beside its place and gives it its name when it is whole. */
  async write(free: FileBerth): Promise<Done> {
    const { deps, folder, version } = this;
    const { partial, descriptor } = this.openPartial();
    let isLeft = true;
    try {
      await writeContent(deps, this.row, version, descriptor);
      const { problems, stat: made } = applyMetadata(descriptor, version, deps.metadata);
      for (let berth = free; ; berth = await this.berth(berth.number)) {
        throwIfInterrupted(deps.signal);
        if (berth.kind === 'kept') return this.done(berth);
        // Somebody put an equal file there meanwhile.
        if (berth.kind === 'equal') return this.keep(berth);
        if (!folder.isInPlace()) throw new Failure('target_changed');
        const place = berth.kind === 'replace' ? replaceFile : placeFile;
        if (!place(folder, partial, berth.name, made)) continue;
        isLeft = false;
        this.remember(fstatSync(descriptor, { bigint: true }), berth.name);
        return this.done(berth, problems);
      }
    } catch (error) {
      if (this.isResumable && isFailure(error) && endings.includes(error.code)) isLeft = false;
      throw error;
    } finally {
      closeSync(descriptor);
      if (isLeft) remove(joinPath(folder.path, partial));
    }
  }

  private get isResumable(): boolean {
    return this.version.sizeBytes >= resumableBytes;
  }

  private openPartial(): { readonly partial: Buffer; readonly descriptor: number } {
    const partial = Buffer.from(this.isResumable ? resumableName(this.version.id) : partialName());
    const path = joinPath(this.folder.path, partial);
    const left = this.isResumable ? openLeft(path) : undefined;
    return { partial, descriptor: left ?? openSync(path, partialFlags | constants.O_EXCL, 0o600) };
  }

  private remember(stat: BigIntStats, name: Buffer): void {
    const { hardlinks, journal } = this.deps;
    const { version, row } = this;
    journal.add(version.id, stat);
    const { hardlink, sha512 } = version;
    if (hardlink === undefined && !hardlinks.wanted.has(row.entryId)) return;
    const { dev, ino } = stat;
    const inode = { version: version.id, folder: parentOf(this.path), name, dev, ino, sha512 };
    if (hardlinks.wanted.has(row.entryId)) hardlinks.restored.set(row.entryId, inode);
    // The first path is not there (any more): this one stands for it.
    if (hardlink !== undefined && !hardlinks.restored.has(hardlink)) hardlinks.restored.set(hardlink, inode);
  }

  private done(berth: FileBerth, warnings?: readonly MetadataProblem[]): Done {
    return done(resultOf(berth), joinPath(this.folder.actual, berth.name), warnings);
  }
}

const partialFlags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

/** What an earlier run left of a large file, if it is only ours. Anything else that has the name goes. */
function openLeft(path: Buffer): number | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    if (code !== 'ENOENT') unlinkSync(path);
    return undefined;
  }
  const stat = fstatSync(descriptor);
  const isOurs = stat.isFile() && stat.nlink === 1 && stat.uid === process.geteuid?.();
  if (isOurs && (stat.mode & 0o077) === 0) return descriptor;
  closeSync(descriptor);
  unlinkSync(path);
  return undefined;
}

function resultOf({ kind, number }: Berth<unknown>): RestoreResult {
  if (kind === 'equal') return 'unchanged';
  if (kind === 'replace') return 'replaced';
  if (kind === 'kept') return 'kept';
  return number === 0 ? 'restored' : 'conflict';
}

function done(result: RestoreResult, target: Buffer, warnings: readonly MetadataProblem[] = []): Done {
  return { result, target, ...(warnings.length === 0 ? {} : { warnings }) };
}

function tryLink(from: Buffer, to: Buffer): 'linked' | 'taken' | 'impossible' {
  try {
    linkSync(from, to);
    return 'linked';
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    return code === 'EEXIST' ? 'taken' : 'impossible';
  }
}

function remove(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

async function asItem(
  row: RestoreRow,
  restore: (version: RestorableVersion) => Promise<Done>,
): Promise<RestoredItem> {
  const { entryId, path, head, version } = row;
  const common = { entryId, path, damaged: false };
  if (version === undefined) {
    return {
      ...common,
      ...(head === undefined ? {} : { versionId: head.id, kind: head.kind }),
      result: 'missing',
      reason: head?.isExpired ? 'expired' : (head?.outcome ?? 'under_way'),
      sizeBytes: 0,
    };
  }
  const told = {
    ...common,
    versionId: version.id,
    kind: version.kind,
    ...(head === undefined || head.id === version.id ? {} : { older: head.outcome }),
    sizeBytes: version.kind === 'file' ? version.sizeBytes : 0,
  };
  try {
    return { ...told, ...(await restore(version)) };
  } catch (error) {
    return { ...told, result: 'failed', ...entryProblem(error) };
  }
}
