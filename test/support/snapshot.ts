import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * Everything about a tree that reading leaves alone, one line per entry: name, kind and mode, owner, times, inode,
 * size, and content or link target. Two snapshots are equal when nothing was written in between.
 */
export function snapshot(root: string): string[] {
  return below(Buffer.from(root)).map((path) => {
    const stat = lstatSync(path, { bigint: true });
    const facts = [stat.mode, stat.uid, stat.gid, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs];
    const content = stat.isFile()
      ? createHash('sha256').update(readFileSync(path)).digest('hex')
      : stat.isSymbolicLink()
        ? readlinkSync(path, 'buffer').toString('hex')
        : '';
    return [path.toString('latin1'), ...facts, content].join(' ');
  });
}

function below(folder: Buffer): Buffer[] {
  const names = readdirSync(folder, { encoding: 'buffer', withFileTypes: true });
  const inside = names.flatMap((item) => {
    const path = Buffer.concat([folder, Buffer.from('/'), item.name]);
    return item.isDirectory() ? below(path) : [path];
  });
  return [folder, ...inside];
}
