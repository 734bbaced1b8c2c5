import { joinPath, namesOf, parentOf } from '../files/paths.ts';
import { RuleSet } from '../files/rule-set.ts';
import type { RestoreIndex, RestoreRow, RestoreTotals } from './restore-index.ts';

/** Patterns in gitignore syntax, relative to the source's root. What matches a folder holds for all that is below. */
export interface Patterns {
  /** With none everything is wanted, else what one of them matches. */
  readonly include: readonly string[];
  /** What one of them matches is left out. */
  readonly exclude: readonly string[];
  /** Where given, only what it matches is wanted. */
  readonly glob?: string;
}

/**
 * An index of what the patterns leave of another, and of the folders on the way to it. Ask for the totals first: they tell
 * which folders those are.
 */
export function chosen(index: RestoreIndex, patterns: Patterns): RestoreIndex {
  const { include, exclude, glob } = patterns;
  if (include.length + exclude.length === 0 && glob === undefined) return index;
  const isWanted = filter(patterns);
  const onTheWay = new Set<string>();
  const isShown = (row: RestoreRow): boolean =>
    isWanted(row) || (isFolder(row) && onTheWay.has(row.path.toString('latin1')));
  return {
    sourceIdOf: (name) => index.sourceIdOf(name),
    hardlinkTargets: (selection) => index.hardlinkTargets(selection),
    async totals(selection) {
      onTheWay.clear();
      let totals: RestoreTotals = { entries: 0, files: 0, hardlinks: 0, links: 0, folders: 0, bytes: 0 };
      for (const pass of ['tree', 'hardlinks', 'links'] as const) {
        for await (const row of index.rows(selection, pass)) {
          if (!isWanted(row)) continue;
          totals = added(totals, row);
          addParents(onTheWay, row.path);
        }
      }
      for await (const row of index.rows(selection, 'folders')) {
        if (!isWanted(row) && isShown(row)) totals = added(totals, row);
      }
      return totals;
    },
    async *rows(selection, pass) {
      for await (const row of index.rows(selection, pass)) if (isShown(row)) yield row;
    },
  };
}

/**
 * A path with `*`, `?` or `[` as a pattern, and the folder above its first name that has one; undefined for a path without.
 */
export function globOf(path: Buffer): { readonly pattern: string; readonly folder: Buffer } | undefined {
  const text = path.toString('utf8');
  if (!/[*?[]/.test(text)) return undefined;
  const names = namesOf(path);
  const first = names.findIndex((name) => /[*?[\\]/.test(name.toString('latin1')));
  const folder = names.slice(0, first).reduce(joinPath, Buffer.alloc(0));
  return { pattern: `/${text}`, folder };
}

function filter({ include, exclude, glob }: Patterns): (row: RestoreRow) => boolean {
  const included = include.length === 0 ? undefined : rules(include);
  const excluded = rules(exclude);
  const matched = glob === undefined ? undefined : rules([glob]);
  return (row) => {
    const path = matchable(row);
    if (path === undefined) return true;
    return (
      !isMatched(excluded, path) &&
      (included === undefined || isMatched(included, path)) &&
      (matched === undefined || isMatched(matched, path))
    );
  };
}

const rules = (patterns: readonly string[]): RuleSet =>
  new RuleSet(patterns.map((pattern) => ({ rule: '', pattern })));

/** The rules skip what they match. */
const isMatched = (set: RuleSet, path: string): boolean => set.match(path)?.kind === 'skip';

/** Undefined for a path that no pattern can be held against: it is shown, to be refused by name. */
function matchable(row: RestoreRow): string | undefined {
  const text = row.path.toString('utf8');
  const isOrdinary = namesOf(row.path).every(
    (name) => name.length > 0 && !/^\.\.?$/.test(name.toString('latin1')),
  );
  if (text === '' || text.startsWith('/') || text.endsWith('/') || !isOrdinary) return undefined;
  return isFolder(row) ? `${text}/` : text;
}

const isFolder = ({ version, head }: RestoreRow): boolean => (version ?? head)?.kind === 'dir';

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

function addParents(folders: Set<string>, path: Buffer): void {
  for (let at = parentOf(path); at.length > 0; at = parentOf(at)) {
    const key = at.toString('latin1');
    if (folders.has(key)) return;
    folders.add(key);
  }
}
