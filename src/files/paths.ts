const slash = 0x2f;

/** Joins two paths; either may be empty. */
export function joinPath(parent: Buffer, child: Buffer): Buffer {
  if (parent.length === 0) return child;
  if (child.length === 0) return parent;
  return Buffer.concat([parent, Buffer.from('/'), child]);
}

/** Everything before the last `/`; empty for a path of one name. */
export function parentOf(path: Buffer): Buffer {
  const at = path.lastIndexOf(slash);
  return at === -1 ? Buffer.alloc(0) : path.subarray(0, at);
}

/** The last name of a path. */
export function nameOf(path: Buffer): Buffer {
  return path.subarray(path.lastIndexOf(slash) + 1);
}

/** True when `path` is `folder` or lies below it. The empty folder holds everything. */
export function isWithin(path: Buffer, folder: Buffer): boolean {
  if (folder.length === 0) return true;
  if (!path.subarray(0, folder.length).equals(folder)) return false;
  return path.length === folder.length || path[folder.length] === slash;
}

/** The names of a path, in order; none for the empty path. */
export function namesOf(path: Buffer): Buffer[] {
  const names: Buffer[] = [];
  for (let from = 0; from < path.length; ) {
    const found = path.indexOf(slash, from);
    const to = found === -1 ? path.length : found;
    names.push(path.subarray(from, to));
    from = to + 1;
  }
  return names;
}

/** True when a path names something below a root: no empty name, no `.` or `..`, no NUL, no leading or trailing `/`. */
export function isRelativePath(path: Buffer): boolean {
  if (path.includes(0) || path[0] === slash || path[path.length - 1] === slash) return false;
  return namesOf(path).every((name) => name.length > 0 && !isDots(name));
}

function isDots(name: Buffer): boolean {
  return name.length <= 2 && name.every((byte) => byte === 0x2e);
}
