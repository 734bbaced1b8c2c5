import { closeSync, constants, fstatSync, linkSync, openSync, symlinkSync, unlinkSync } from 'node:fs';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { errorCode } from '../files/error-code.ts';
import { isRelativePath, joinPath, nameOf, parentOf } from '../files/paths.ts';
import { type ContentDeps, writeContent } from './content.ts';
import { openPathOnly } from './descriptor.ts';
import { applyMetadata, type MetadataProblem } from './metadata.ts';
import type { MtimeSetter } from './mtime-setter.ts';
import { partialName } from './names.ts';
import { type Berth, equalFile, findBerth, isEqualLink } from './occupant.ts';
import { isInode, placeFile } from './place.ts';
import { entryProblem } from './problem.ts';
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

/** What every entry of one restore is done with. */
export interface EntryDeps extends ContentDeps {
  /** Undefined in a dry run whose target is not there. */
  readonly tree: TargetTree | undefined;
  readonly times: MtimeSetter;
  /** Name of the source's folder in the target. */
  readonly sourceFolder: Buffer;
  readonly dryRun: boolean;
  readonly hardlinks: HardlinkTargets;
}

/** Files of this run that others are hard links of. */
export interface HardlinkTargets {
  /** The entries to remember once they are restored. */
  readonly wanted: ReadonlySet<Id>;
  readonly restored: Map<Id, RestoredInode>;
}

interface RestoredInode {
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
  readonly target: Buffer;
  readonly reason?: MetadataProblem;
}

/** Restores one file or link. What is wrong with this entry alone is its result; throws what ends the restore. */
export function restoreEntry(deps: EntryDeps, row: RestoreRow): Promise<RestoredItem> {
  return asItem(row, async (version) => {
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
      const reason = deps.dryRun
        ? undefined
        : await applyMetadata(folder.descriptor, version as RestorableFolder, deps.times);
      return done(folderResult(folder, path), folder.actual, reason);
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
  for (let from = 0; ; ) {
    throwIfInterrupted(deps.signal);
    const berth = await findBerth(
      folder,
      name,
      (path, stat) => isEqualLink(path, stat, linkTarget) || undefined,
      from,
    );
    const target = joinPath(folder.actual, berth.name);
    if (deps.dryRun) return done(resultOf(berth), target);
    const path = joinPath(folder.path, berth.name);
    try {
      if (berth.kind === 'free') symlinkSync(linkTarget, path);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
      from = berth.number;
      continue;
    }
    return done(resultOf(berth), target, await applyLinkMetadata(path, version, deps.times));
  }
}

const linkFlags = openPathOnly | constants.O_NOFOLLOW;

async function applyLinkMetadata(
  path: Buffer,
  version: RestorableLink,
  times: MtimeSetter,
): Promise<MetadataProblem | undefined> {
  const descriptor = openSync(path, linkFlags);
  try {
    if (!fstatSync(descriptor).isSymbolicLink()) throw new Failure('target_changed');
    return await applyMetadata(descriptor, version, times);
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
  if (berth.kind === 'equal') return file.keep(berth);
  return (await file.asHardlink(berth)) ?? file.write(berth);
}

type FileBerth = Berth<{ readonly descriptor: number }>;

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
    return findBerth(
      folder,
      nameOf(this.path),
      (path, stat) => equalFile(path, stat, version, deps.signal),
      from,
    );
  }

  dry(berth: FileBerth): Done {
    if (berth.kind === 'equal') closeSync(berth.occupant.descriptor);
    return this.done(berth);
  }

  /** The content is there already: only what is said about it is set again. */
  async keep(berth: FileBerth & { kind: 'equal' }): Promise<Done> {
    const { descriptor } = berth.occupant;
    try {
      const reason = await applyMetadata(descriptor, this.version, this.deps.times);
      this.remember(descriptor, berth.name);
      this.deps.onBytes(this.version.sizeBytes);
      return this.done(berth, reason);
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
        if (berth.kind === 'equal') return this.keep(berth);
        const path = joinPath(folder.path, berth.name);
        const linked = tryLink(joinPath(firstFolder.path, first.name), path);
        if (linked === 'taken') continue;
        if (linked === 'impossible') return undefined;
        if (!isInode(path, first)) {
          unlinkSync(path);
          return undefined;
        }
        return this.done(berth);
      }
    } finally {
      firstFolder.release();
    }
  }

  /** Writes the content beside its place and gives it its name when it is whole. */
  async write(free: FileBerth): Promise<Done> {
    const { deps, folder, version } = this;
    const partial = Buffer.from(partialName());
    const partialPath = joinPath(folder.path, partial);
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const descriptor = openSync(partialPath, flags, 0o600);
    try {
      await writeContent(deps, this.row, version, descriptor);
      const reason = await applyMetadata(descriptor, version, deps.times);
      const made = fstatSync(descriptor, { bigint: true });
      for (let berth = free; ; berth = await this.berth(berth.number)) {
        throwIfInterrupted(deps.signal);
        // Somebody put an equal file there meanwhile.
        if (berth.kind === 'equal') return await this.keep(berth);
        if (!folder.isInPlace()) throw new Failure('target_changed');
        if (!placeFile(folder, partial, berth.name, made)) continue;
        this.remember(descriptor, berth.name);
        return this.done(berth, reason);
      }
    } finally {
      closeSync(descriptor);
      remove(partialPath);
    }
  }

  private remember(descriptor: number, name: Buffer): void {
    const { hardlinks } = this.deps;
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    const inode = { folder: parentOf(this.path), name, dev, ino, sha512: this.version.sha512 };
    if (hardlinks.wanted.has(this.row.entryId)) hardlinks.restored.set(this.row.entryId, inode);
    // The first path is not there (any more): this one stands for it.
    const { hardlink } = this.version;
    if (hardlink !== undefined && !hardlinks.restored.has(hardlink)) hardlinks.restored.set(hardlink, inode);
  }

  private done(berth: FileBerth, reason?: MetadataProblem): Done {
    return done(resultOf(berth), joinPath(this.folder.actual, berth.name), reason);
  }
}

function resultOf(berth: Berth<unknown>): RestoreResult {
  if (berth.kind === 'equal') return 'unchanged';
  return berth.number === 0 ? 'restored' : 'conflict';
}

function done(result: RestoreResult, target: Buffer, reason?: MetadataProblem): Done {
  return { result, target, ...(reason === undefined ? {} : { reason }) };
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
      reason: head?.outcome ?? 'under_way',
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
