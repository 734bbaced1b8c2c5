import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Failure } from '../domain/failures.ts';
import { isWithin } from '../files/paths.ts';

/**
 * Which source each path lies in: by the source's name, the paths inside it, the empty one for the whole source. Where one
 * source lies inside another, the inner one has it. Failure `outside_sources`.
 */
export function chosenPaths(
  sources: readonly { readonly name: string; readonly path: string }[],
  paths: readonly string[],
): Map<string, Buffer[]> {
  const roots = sources
    .map(({ name, path }) => ({ name, root: withoutEnd(realPath(path) ?? path) }))
    .sort((a, b) => b.root.length - a.root.length);
  const chosen = new Map<string, Buffer[]>();
  for (const path of paths) {
    const absolute = resolve(path);
    const real = withoutEnd(realPath(absolute) ?? absolute);
    const isRoot = roots.some(({ root }) => root.equals(real));
    const named = isRoot ? real : withoutEnd(inRealFolder(absolute));
    const found = roots.find(({ root }) => isWithin(named, root));
    if (found === undefined) throw new Failure('outside_sources', { path });
    const inside = named.subarray(Math.min(found.root.length + 1, named.length));
    chosen.set(found.name, [...(chosen.get(found.name) ?? []), inside]);
  }
  return chosen;
}

/** Bytes of a path without a slash at its end, so that `/` is the empty path. */
const withoutEnd = (path: string): Buffer => Buffer.from(path.replace(/\/+$/, ''));

/** The real path of the folder a path lies in, with its last name as given: a link is protected as a link. */
function inRealFolder(path: string): string {
  const folder = realPath(dirname(path));
  return folder === undefined ? path : join(folder, basename(path));
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
