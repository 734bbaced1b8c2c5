import { expect, test } from 'vitest';
import { changesElsewhere, currentMounts, mountsIn, parseMounts } from '../../src/files/mounts.ts';
import { explainUnreadable, isReadError } from '../../src/files/unreadable.ts';

const mountinfo = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 27 0:45 / /srv/share rw,relatime shared:7 master:2 - nfs4 files:/export rw,vers=4.2
41 27 0:46 / /srv/sh rw,relatime - xfs /dev/vdb rw
42 40 0:47 / /srv/share/with\\040space/\\303\\251 rw - fuse.sshfs me@host: rw
43 27 0:48 / /mnt rw - cifs //server/share rw
44 43 0:49 / /mnt rw - ext4 /dev/vdc rw
`;

test('a tree is on the nearest mount above it, and holds those below it', () => {
  const mounts = parseMounts(mountinfo);
  const types = (path: string) => mountsIn(mounts, Buffer.from(path)).map(({ type }) => type);
  expect(types('/home/me')).toEqual(['ext4']);
  expect(types('/srv/share')).toEqual(['nfs4', 'fuse.sshfs']);
  expect(types('/srv/share/docs')).toEqual(['nfs4']);
  expect(types('/srv/share/with space/é')).toEqual(['fuse.sshfs']);
  expect(types('/srv/sharex')).toEqual(['ext4']);
  expect(types('/srv')).toEqual(['ext4', 'nfs4', 'xfs', 'fuse.sshfs']);
  expect(types('/')).toEqual(['ext4', 'proc', 'nfs4', 'xfs', 'fuse.sshfs', 'cifs', 'ext4']);
  // What is mounted over another thing hides it.
  expect(types('/mnt/data')).toEqual(['ext4']);
});

test('the mounts of this process can be read', () => {
  expect(mountsIn(currentMounts(), Buffer.from('/proc/self')).map(({ type }) => type)).toEqual(['proc']);
});

test.each([
  ...[
    'nfs',
    'nfs4',
    'cifs',
    'smb3',
    '9p',
    'fuse.sshfs',
    'fuse.rclone',
    'ceph',
    'virtiofs',
    'fuse.unheard-of',
  ].map((type) => [type, true] as const),
  ...['ext4', 'xfs', 'btrfs', 'zfs', 'overlay', 'tmpfs', 'fuseblk', 'fuse.mergerfs', 'vfat'].map(
    (type) => [type, false] as const,
  ),
])('others can change files on %s unnoticed: %s', (type, expected) => {
  expect(changesElsewhere({ type })).toBe(expected);
});

test.each([
  ['EACCES', 'nfs4', 0, /root_squash/],
  ['EACCES', 'cifs', 0, /root_squash/],
  ['EPERM', 'fuse.sshfs', 0, /allow_root/],
  ['EACCES', 'nfs4', 1000, /account that Holdfast runs as/],
  ['EACCES', 'ext4', 0, /account that Holdfast runs as/],
  ['ESTALE', 'nfs4', 0, /mount it again/],
  ['ETIMEDOUT', 'nfs', 0, /does not answer/],
  ['ENOTCONN', 'fuse.sshfs', 1000, /fusermount/],
  ['EIO', undefined, 0, /dmesg/],
  ['ENOENT', undefined, 0, /not mounted/],
  ['EWHATEVER', 'nfs', 0, /EWHATEVER/],
])('%s on %s as user %i is explained', (code, type, uid, expected) => {
  const { means, todo } = explainUnreadable(code, type === undefined ? undefined : { type }, uid);
  expect(`${means} ${todo}`).toMatch(expected);
});

test('errors of a file server are about the file; those of this program are not', () => {
  for (const code of ['EIO', 'EACCES', 'EPERM', 'ESTALE', 'ETIMEDOUT', 'ENOTCONN'])
    expect(isReadError(code)).toBe(true);
  for (const code of ['ENOENT', 'EMFILE', 'EBADF', undefined]) expect(isReadError(code)).toBe(false);
});
