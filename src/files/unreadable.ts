import { changesElsewhere, type Mount } from './mounts.ts';

/** What an error code of a file system means to whoever looks after the files, and what to do. */
export interface Explanation {
  readonly means: string;
  readonly todo: string;
}

const noAnswer: Explanation = {
  means: 'The server of the file system does not answer. Files count as unreachable, none as deleted.',
  todo: 'Look whether the server is up and can be reached; if it stays so, unmount and mount it again.',
};

const denied: Explanation = {
  means: 'The account that Holdfast runs as may not read it.',
  todo: 'Give that account the right to read it and to enter its folders (setfacl -R -m u:<account>:rX), or exclude it.',
};

const explanations: Readonly<Record<string, Explanation>> = {
  EACCES: denied,
  EPERM: denied,
  EIO: {
    means: 'The disk, or the connection to the file server, failed while reading. It may be about to break.',
    todo: 'Read the kernel log (dmesg) and the health of the disk (smartctl -a), or of the file server; restore what is damaged.',
  },
  ESTALE: {
    means:
      'The file server no longer knows the folder that is mounted here: it was exported anew or replaced.',
    todo: 'Unmount and mount it again; then: holdfast sweep <source> --wait.',
  },
  ETIMEDOUT: noAnswer,
  EHOSTDOWN: noAnswer,
  EHOSTUNREACH: noAnswer,
  ECONNRESET: noAnswer,
  ECONNABORTED: noAnswer,
  ENOTCONN: {
    means:
      'The program behind the file system (FUSE), or the connection to its server, has ended. Files count as unreachable, none as deleted.',
    todo: 'Unmount it (fusermount -u, or umount -l) and mount it again.',
  },
  EREMOTEIO: noAnswer,
  ENOENT: {
    means:
      'Its folder is not there: a disk or share that is not mounted, or another path. None of its files counts as deleted.',
    todo: 'Mount it, or set its path in holdfast.yaml.',
  },
};

const rootSquash: Explanation = {
  means: 'The file server does not let root of this machine read it (root_squash): it treats root as nobody.',
  todo: 'Export it to this machine with no_root_squash and read-only, or run Holdfast as an account that the server lets read everything.',
};

const notForRoot: Explanation = {
  means: 'Even root may not read what another account mounted through FUSE.',
  todo: 'Mount it with -o allow_root (and user_allow_other in /etc/fuse.conf), or run Holdfast as the account that mounted it.',
};

/**
 * Explains why something could not be read.
 *
 * @param mount the file system it is on; undefined: not known
 * @param uid that asked
 */
export function explainUnreadable(
  code: string,
  mount: Pick<Mount, 'type'> | undefined,
  uid: number,
): Explanation {
  if (uid === 0 && (code === 'EACCES' || code === 'EPERM') && mount !== undefined) {
    if (mount.type.startsWith('fuse.')) return notForRoot;
    if (changesElsewhere(mount)) return rootSquash;
  }
  return (
    explanations[code] ?? {
      means: `The system says ${code}. Files count as unreachable, none as deleted.`,
      todo: 'Read the kernel log (dmesg) and the log of the file server.',
    }
  );
}

/** Whether an error of reading is about the file or its file system, not about this program. */
export function isReadError(code: string | undefined): boolean {
  return code !== undefined && code !== 'ENOENT' && code in explanations;
}
