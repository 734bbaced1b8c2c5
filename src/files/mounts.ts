import { readFileSync } from 'node:fs';
import { isWithin } from './paths.ts';

/** A mounted file system, as this process sees it. */
export interface Mount {
  /** Where, absolute. */
  readonly path: Buffer;
  /** As in mount(8): `ext4`, `nfs4`, `fuse.sshfs`. */
  readonly type: string;
}

/** The mounts of this process, in the order in which they were made (proc_pid_mountinfo(5)). */
export function currentMounts(): Mount[] {
  return parseMounts(readFileSync('/proc/self/mountinfo', 'latin1'));
}

/** @param text as in mountinfo, its bytes as one-byte characters */
export function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    // 36 35 98:0 /in/the/file/system /where rw,noatime master:1 - ext3 /dev/root rw
    const [, , , , where] = line.split(' ');
    const type = line.split(' - ')[1]?.split(' ')[0];
    if (where === undefined || type === undefined) return [];
    const path = where.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    return [{ path: Buffer.from(path === '/' ? '' : path, 'latin1'), type }];
  });
}

/** What lies in a tree: the mount that its root is on, then those below it. @param realPath absolute, without links */
export function mountsIn(mounts: readonly Mount[], realPath: Buffer): Mount[] {
  const root = realPath.length === 1 ? Buffer.alloc(0) : realPath;
  // Of several at one place the last covers the others.
  const under = mounts
    .filter(({ path }) => isWithin(root, path))
    .reduce<Mount | undefined>(
      (best, mount) => (best && best.path.length > mount.path.length ? best : mount),
      undefined,
    );
  const below = mounts.filter(({ path }) => isWithin(path, root) && !path.equals(root));
  return under === undefined ? below : [under, ...below];
}

/** File systems whose files live on another machine, or behind a program: others change them without a word to this kernel. */
const elsewhere = new Set(
  [
    '9p',
    'acfs',
    'afs',
    'ceph',
    'cifs',
    'coda',
    'davfs',
    'gfs2',
    'gpfs',
    'lustre',
    'ncpfs',
    'nfs',
    'nfs4',
    'ocfs2',
  ].concat(['orangefs', 'prl_fs', 'smb2', 'smb3', 'smbfs', 'vboxsf', 'virtiofs', 'vmhgfs']),
);
/** FUSE says nothing of where the bytes are; these keep them on this machine. */
const fuseHere = new Set([
  'fuse.fuse-overlayfs',
  'fuse.gocryptfs',
  'fuse.encfs',
  'fuse.bindfs',
  'fuse.mergerfs',
  'fuse.ntfs-3g',
]);

/** Whether inotify may say nothing of a change there, because another machine made it. */
export function changesElsewhere({ type }: Pick<Mount, 'type'>): boolean {
  return elsewhere.has(type) || (type.startsWith('fuse.') && !fuseHere.has(type));
}
