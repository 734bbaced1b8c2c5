import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
} from 'node:fs';
import type { EntryKind } from '../domain/records.ts';
import { errorCode } from './error-code.ts';
import { insideOf, openFolder } from './folder.ts';
import { openSourceFolder } from './open.ts';
import { isWithin, joinPath, nameOf, namesOf, parentOf } from './paths.ts';
import type { SourceRoot } from './root.ts';
import { type PatternRule, RuleSet } from './rule-set.ts';

type SkipReason = 'excluded' | 'cachedir' | 'other_filesystem' | 'too_large' | 'own_state';

/** Why an entry is not taken. What lies below a skipped folder is not looked at. */
export interface Skip {
  readonly reason: SkipReason;
  /** Stable id without any name: `exclude:<position>`, `holdfastignore:<line>`, or the option's name. */
  readonly rule: string;
  /** The pattern that matched, as written. Private like a path: never in a log. */
  readonly pattern?: string;
}

export interface FilterOptions {
  /** gitignore syntax, relative to the root. */
  readonly exclude?: readonly string[];
  /** What is taken although a pattern or ignore file says otherwise; as in gitignore(5), not below a skipped folder. */
  readonly include?: readonly string[];
  /** Whether `.holdfastignore` files count, each for its folder and what is below. Default true. */
  readonly ignoreFiles?: boolean;
  /** Whether folders with a valid CACHEDIR.TAG are skipped (https://bford.info/cachedir/). Default true. */
  readonly cacheDirTags?: boolean;
  /** Larger files are skipped. */
  readonly maxSizeBytes?: number;
  /** Absolute paths of this program's own folders (state, quarantine, staging). */
  readonly ownFolders?: readonly (string | Buffer)[];
}

/** What a decision needs to know of an entry: its lstat. */
type EntryStat = Pick<BigIntStats, 'dev' | 'size'>;

const ignoreFileName = Buffer.from('.holdfastignore');
const cacheTagName = Buffer.from('CACHEDIR.TAG');
const cacheTagSignature = Buffer.from('Signature: 8a477f597d28d172789f06886806bc55');

/** An ignore file is read up to here; nobody writes more by hand. */
const ignoreFileLimitBytes = 1024 * 1024;
const rememberedFolders = 4_096;

const ownNameStart = Buffer.from('.holdfast-');
const ownName = /^\.holdfast-(?:restore-[0-9a-f]{32}|(?:[0-9a-f]{16}|[0-9a-f]{32})(?:\.partial)?)$/;

/** Whether this program calls something so for a moment: while it is taken into quarantine, or being restored. */
export function hasOwnName(path: Buffer): boolean {
  const name = nameOf(path);
  return name.indexOf(ownNameStart) === 0 && ownName.test(name.toString('latin1'));
}

/** The rules of the nearest folder with an ignore file, and of those above it. */
interface Scope {
  readonly parent: Scope | undefined;
  /** Length of the folder's path with its closing `/`: what to cut from a path to get it relative. */
  readonly prefixBytes: number;
  readonly rules: RuleSet;
}

/** Compiles a source's rules. Patterns must be valid gitignore lines; anything is. */
export function compileFilter(root: SourceRoot, options: FilterOptions = {}): Filter {
  return new Filter(root, options);
}

/**
 * Decides what of a source is taken: the same rules for watcher, protect and sweep. Synchronous, because chokidar asks
 * synchronously; ignore files are read on demand and remembered until {@link Filter.forget}.
 * Names that are not UTF-8 are matched with U+FFFD for their invalid bytes.
 */
export class Filter {
  private readonly root: SourceRoot;
  private readonly options: FilterOptions;
  private readonly patterns: RuleSet;
  private readonly ownFolders: readonly Buffer[];
  private readonly scopes = new Map<string, Scope | undefined>();

  constructor(root: SourceRoot, options: FilterOptions) {
    this.root = root;
    this.options = options;
    this.patterns = new RuleSet([
      ...(options.exclude ?? []).map((pattern, index) => ({ rule: `exclude:${index + 1}`, pattern })),
      ...(options.include ?? []).map((pattern, index) => ({
        rule: `include:${index + 1}`,
        pattern: `!${pattern}`,
      })),
    ]);
    this.ownFolders = (options.ownFolders ?? []).flatMap((folder) => namesInside(root, Buffer.from(folder)));
  }

  /** Judges an entry whose parent folders are all taken; undefined: it is taken too. */
  judge(path: Buffer, kind: EntryKind, stat: EntryStat): Skip | undefined {
    if (hasOwnName(path) || this.isInOwnFolder(path)) {
      return { reason: 'own_state', rule: 'own_state' };
    }
    if (kind === 'dir' && this.root.oneFileSystem && stat.dev !== this.root.device) {
      return { reason: 'other_filesystem', rule: 'one_file_system' };
    }
    const excluded = this.matchPatterns(path, kind);
    if (excluded) return excluded;
    if (kind === 'dir' && this.options.cacheDirTags !== false && this.isCacheFolder(path)) {
      return { reason: 'cachedir', rule: 'cachedir_tag' };
    }
    const { maxSizeBytes } = this.options;
    if (kind === 'file' && maxSizeBytes !== undefined && stat.size > maxSizeBytes) {
      return { reason: 'too_large', rule: 'max_size' };
    }
    return undefined;
  }

  /** True for the path of something gone that was not taken, going by all that is left of it: its name. */
  leavesOut(path: Buffer): boolean {
    return (
      hasOwnName(path) ||
      this.isInOwnFolder(path) ||
      this.matchPatterns(path, 'file') !== undefined ||
      this.matchPatterns(path, 'dir') !== undefined
    );
  }

  /** The skip of the highest parent folder of `path` that is not taken, if one is not. */
  judgeParents(path: Buffer): Skip | undefined {
    let folder: Buffer = Buffer.alloc(0);
    for (const name of namesOf(parentOf(path))) {
      folder = joinPath(folder, name);
      const opened = openFolder(this.root, folder);
      if (opened.kind !== 'folder') return undefined;
      const stat = fstatSync(opened.descriptor, { bigint: true });
      opened.close();
      const skip = this.judge(folder, 'dir', stat);
      if (skip) return skip;
    }
    return undefined;
  }

  /** Reads a folder's ignore file again when next asked; call it when the file changed. */
  forget(folder: Buffer): void {
    // What is below remembers rules of above.
    for (const key of this.scopes.keys()) {
      if (isWithin(Buffer.from(key, 'latin1'), folder)) this.scopes.delete(key);
    }
  }

  private isInOwnFolder(path: Buffer): boolean {
    return this.ownFolders.some((folder) => isWithin(path, folder));
  }

  private matchPatterns(path: Buffer, kind: EntryKind): Skip | undefined {
    const ending = kind === 'dir' ? '/' : '';
    const configured = this.patterns.match(path.toString() + ending);
    // The operator's `include` outranks an ignore file that anyone with write access may have put there.
    if (configured?.kind === 'take') return undefined;
    for (let scope = this.scopeOf(parentOf(path)); scope; scope = scope.parent) {
      const match = scope.rules.match(path.subarray(scope.prefixBytes).toString() + ending);
      if (match?.kind === 'take') return undefined;
      if (match) return { reason: 'excluded', rule: match.rule, pattern: match.pattern };
    }
    return configured && { reason: 'excluded', rule: configured.rule, pattern: configured.pattern };
  }

  private scopeOf(folder: Buffer): Scope | undefined {
    if (this.options.ignoreFiles === false) return undefined;
    const key = folder.toString('latin1');
    if (this.scopes.has(key)) return this.scopes.get(key);
    const parent = folder.length === 0 ? undefined : this.scopeOf(parentOf(folder));
    const content = readSmall(this.root, folder, ignoreFileName, ignoreFileLimitBytes);
    const scope = content
      ? { parent, prefixBytes: folder.length && folder.length + 1, rules: new RuleSet(parseLines(content)) }
      : parent;
    if (this.scopes.size >= rememberedFolders) this.scopes.clear();
    this.scopes.set(key, scope);
    return scope;
  }

  private isCacheFolder(folder: Buffer): boolean {
    return (
      readSmall(this.root, folder, cacheTagName, cacheTagSignature.length)?.equals(cacheTagSignature) ?? false
    );
  }
}

/** True for a path whose change changes what a filter takes in its folder. */
export function changesFilter(path: Buffer): boolean {
  const name = nameOf(path);
  return name.equals(ignoreFileName) || name.equals(cacheTagName);
}

/** An absolute path, and what it leads to if it is a link, as paths relative to the root; those strictly below it. */
function namesInside(root: SourceRoot, absolute: Buffer): Buffer[] {
  const folder = realPath(parentOf(absolute));
  const base = insideOf(root);
  return [folder && joinPath(folder, nameOf(absolute)), realPath(absolute)].flatMap((real) => {
    const relative = real?.subarray(base.length + 1);
    return real && relative && isWithin(real, base) && relative.length > 0 ? [relative] : [];
  });
}

function realPath(absolute: Buffer): Buffer | undefined {
  try {
    return realpathSync.native(absolute, 'buffer');
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}

function parseLines(content: Buffer): PatternRule[] {
  return content
    .toString()
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .map((pattern, index) => ({ rule: `holdfastignore:${index + 1}`, pattern }));
}

/** The start of a regular file in a folder; undefined when there is none to read (then its rules do not exist). */
function readSmall(root: SourceRoot, folder: Buffer, name: Buffer, limitBytes: number): Buffer | undefined {
  if (isSurelyAbsent(root, folder, name)) return undefined;
  const opened = openSourceFolder(root, folder);
  if (opened.kind !== 'folder') return undefined;
  let descriptor: number | undefined;
  try {
    const path = joinPath(opened.path, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile()) return undefined;
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const content = Buffer.alloc(Math.min(stat.size, limitBytes));
    return content.subarray(0, readSync(descriptor, content, 0, content.length, 0));
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
    opened.close();
  }
}

/** One look at the path as it is, for the many folders that hold no such file. What it finds is still to be proven. */
function isSurelyAbsent(root: SourceRoot, folder: Buffer, name: Buffer): boolean {
  const path = joinPath(insideOf(root), joinPath(folder, name));
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  }
}
