/**
 * System calls of Linux that Node does not offer: times in nanoseconds, extended attributes, the limit of core files.
 * Synchronous, through libc. Errors are like Node's: `code` is the system's (`ENODATA`, `ENOTSUP`, …), `syscall` is set, and no path is in
 * their text.
 */
import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';
import type * as Koffi from 'koffi';
import { errorCode } from './error-code.ts';

/**
 * What a call is about: an open descriptor, also one that only names a place (open(2), O_PATH), also a link's; or a
 * path, of which a link at the end is not followed. Names and paths are bytes.
 */
export type At = number | Buffer;

export interface SystemCalls {
  /**
   * Sets the modification time, nanoseconds since 1970 UTC, negative before; the access time stays. File systems bring
   * a time they cannot hold to the nearest they can, without an error. utimensat(2).
   */
  setMtime(at: At, mtimeNs: bigint): void;
  /** Names of the extended attributes this user may see; `ENOTSUP` where the file system has none. listxattr(2). */
  listAttributes(at: At): Buffer[];
  /** Value of an extended attribute; `ENODATA` where there is none. getxattr(2). */
  attribute(at: At, name: Buffer): Buffer;
  /** Makes or replaces an extended attribute. setxattr(2). */
  setAttribute(at: At, name: Buffer, value: Buffer): void;
  /** `ENODATA` where there is none. removexattr(2). */
  removeAttribute(at: At, name: Buffer): void;
  /** This process, and what it starts, leave no core file when they crash: passwords and keys would be in it. setrlimit(2). */
  forbidCoreFiles(): void;
  /**
   * Sends bytes (one, unless they are given) through a unix socket, and with them an open file (unix(7), SCM_RIGHTS). Both are
   * descriptors. `EAGAIN` where the socket does not wait and has no room. sendmsg(2).
   */
  sendDescriptor(socket: number, descriptor: number, bytes?: Buffer): void;
  /** An empty file in memory that has no name anywhere; the caller closes its descriptor. memfd_create(2). */
  memoryFile(): number;
}

let loaded: { readonly calls: SystemCalls | undefined } | undefined;

/** Undefined where they cannot be had: no build of koffi for this platform, or no 64-bit system. */
export function systemCalls(): SystemCalls | undefined {
  loaded ??= { calls: load() };
  return loaded.calls;
}

function load(): SystemCalls | undefined {
  try {
    const koffi: typeof Koffi = createRequire(import.meta.url)('koffi');
    // `timespec` below is two 64-bit numbers only there.
    return koffi.sizeof('long') === 8 ? new LibcCalls(koffi) : undefined;
  } catch {
    return undefined;
  }
}

/** linux/limits.h: XATTR_LIST_MAX and XATTR_SIZE_MAX. */
const longestAttributeBytes = 65_536;
/** fcntl.h */
const currentFolder = -100;
const symlinkNoFollow = 0x100;
/** sys/stat.h, UTIME_OMIT: this time stays. */
const omit = 0x3fff_fffen;
/** sys/resource.h, RLIMIT_CORE. */
const coreLimit = 4;
/** Bytes. Too few for a file, and the one limit at which Linux gives no core to a program either (fs/coredump.c). */
const noCore = 1n;
const second = 1_000_000_000n;
/** sys/socket.h: SOL_SOCKET and SCM_RIGHTS; the length of a control message with one descriptor, and with its padding. */
const socketLevel = 1;
const rights = 1;
const rightsBytes = 20;
const rightsSpaceBytes = 24;
/** linux/memfd.h: MFD_CLOEXEC. The name is only for those who look at this process's descriptors. */
const closeOnExec = 1;
const memoryFileName = Buffer.from('content\0');

type Call = (...values: (number | bigint | Buffer | BigInt64Array)[]) => number;

/** One call of libc in its three forms: by descriptor, by path, and by path without following a link. */
interface Forms {
  readonly name: string;
  readonly ofDescriptor: Call;
  readonly followed: Call;
  readonly ofLink: Call;
}

class LibcCalls implements SystemCalls {
  readonly #koffi: typeof Koffi;
  readonly #utimensat: Call;
  readonly #list: Forms;
  readonly #get: Forms;
  readonly #set: Forms;
  readonly #remove: Forms;
  readonly #setrlimit: Call;
  readonly #memfdCreate: Call;
  readonly #sendmsg: (socket: number, message: object, flags: number) => number;
  readonly #scratch = Buffer.alloc(longestAttributeBytes);

  constructor(koffi: typeof Koffi) {
    this.#koffi = koffi;
    // intptr_t is ssize_t, by a name koffi knows. libc under the name it has here: glibc's or musl's, which Node itself is linked to.
    const libc = koffi.load(null);
    const forms = (name: string, result: string, parameters: string): Forms => ({
      name,
      ofDescriptor: libc.func(`${result} f${name}(int, ${parameters})`),
      followed: libc.func(`${result} ${name}(const void *, ${parameters})`),
      ofLink: libc.func(`${result} l${name}(const void *, ${parameters})`),
    });
    this.#utimensat = libc.func('int utimensat(int, const void *, const void *, int)');
    this.#setrlimit = libc.func('int setrlimit(int, const void *)');
    this.#memfdCreate = libc.func('int memfd_create(const void *, unsigned int)');
    const piece = koffi.struct({ base: 'const void *', length: 'size_t' });
    const message = koffi.struct({
      ...{ name: 'const void *', nameLength: 'uint32_t' },
      ...{ pieces: koffi.pointer(piece), pieceCount: 'size_t' },
      ...{ control: 'const void *', controlLength: 'size_t', flags: 'int' },
    });
    this.#sendmsg = libc.func('sendmsg', 'intptr_t', ['int', koffi.pointer(message), 'int']);
    this.#list = forms('listxattr', 'intptr_t', 'void *, size_t');
    this.#get = forms('getxattr', 'intptr_t', 'const void *, void *, size_t');
    this.#set = forms('setxattr', 'int', 'const void *, const void *, size_t, int');
    this.#remove = forms('removexattr', 'int', 'const void *');
  }

  setMtime(at: At, mtimeNs: bigint): void {
    const sinceSecond = ((mtimeNs % second) + second) % second;
    const times = BigInt64Array.of(0n, omit, (mtimeNs - sinceSecond) / second, sinceSecond);
    // By descriptor it would refuse one that only names a place.
    const [path, flags] =
      typeof at === 'number' ? [descriptorPath(at), 0] : [terminated(at), symlinkNoFollow];
    this.#checked('utimensat', this.#utimensat(currentFolder, path, times, flags));
  }

  listAttributes(at: At): Buffer[] {
    const length = this.#run(this.#list, at, this.#scratch, longestAttributeBytes);
    const names: Buffer[] = [];
    for (let start = 0; start < length; ) {
      const end = this.#scratch.indexOf(0, start);
      names.push(Buffer.from(this.#scratch.subarray(start, end)));
      start = end + 1;
    }
    return names;
  }

  attribute(at: At, name: Buffer): Buffer {
    const length = this.#run(this.#get, at, terminated(name), this.#scratch, longestAttributeBytes);
    return Buffer.from(this.#scratch.subarray(0, length));
  }

  setAttribute(at: At, name: Buffer, value: Buffer): void {
    this.#run(this.#set, at, terminated(name), value, value.length, 0);
  }

  removeAttribute(at: At, name: Buffer): void {
    this.#run(this.#remove, at, terminated(name));
  }

  forbidCoreFiles(): void {
    this.#checked('setrlimit', this.#setrlimit(coreLimit, BigInt64Array.of(noCore, noCore)));
  }

  memoryFile(): number {
    return this.#checked('memfd_create', this.#memfdCreate(memoryFileName, closeOnExec));
  }

  sendDescriptor(socket: number, descriptor: number, bytes = Buffer.alloc(1)): void {
    const control = new ArrayBuffer(rightsSpaceBytes);
    new BigUint64Array(control, 0, 1)[0] = BigInt(rightsBytes);
    new Int32Array(control, 8, 3).set([socketLevel, rights, descriptor]);
    const message = {
      ...{ name: null, nameLength: 0, flags: 0 },
      ...{ pieces: [{ base: bytes, length: bytes.length }], pieceCount: 1 },
      ...{ control: Buffer.from(control), controlLength: rightsSpaceBytes },
    };
    this.#checked('sendmsg', this.#sendmsg(socket, message, 0));
  }

  #run(forms: Forms, at: At, ...values: Parameters<Call>): number {
    if (typeof at !== 'number')
      return this.#checked(`l${forms.name}`, forms.ofLink(terminated(at), ...values));
    try {
      return this.#checked(`f${forms.name}`, forms.ofDescriptor(at, ...values));
    } catch (error) {
      // One that only names a place: the path that stands for it leads to the thing itself, also to a link.
      if (errorCode(error) !== 'EBADF') throw error;
      return this.#checked(forms.name, forms.followed(descriptorPath(at), ...values));
    }
  }

  #checked(syscall: string, result: number): number {
    if (result >= 0) return result;
    const errno = this.#koffi.errno();
    const code = getSystemErrorName(-errno);
    throw Object.assign(new Error(`${code}: ${syscall}`), { code, errno: -errno, syscall });
  }
}

function descriptorPath(descriptor: number): Buffer {
  return Buffer.from(`/proc/self/fd/${descriptor}\0`);
}

/** As C wants it; a name with a NUL inside would be taken for a shorter one. */
function terminated(name: Buffer): Buffer {
  if (name.includes(0)) throw new TypeError('a name or path holds a NUL');
  return Buffer.concat([name, Buffer.of(0)]);
}
