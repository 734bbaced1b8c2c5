import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Length and SHA-256 of staged bytes. */
export interface Staged {
  readonly length: number;
  readonly sha256: Buffer;
}

const suffix = '.sealed';

/**
 * Sealed bytes on this host, readable by nobody else (0700, 0600): those of held files, named by their hold, and OpenPGP
 * messages on their way, named by their sealing and nonce.
 */
export class Staging {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  path(name: string): string {
    return join(this.folder, `${name}${suffix}`);
  }

  /**
   * Stores sealed bytes, durable when it resolves: a crash leaves either all of them under their name or none. What lies
   * under the name already stays: of two steps that do the same at once both go on with the same bytes.
   *
   * @param name what they are found by, or what gives it from their SHA-256
   */
  async keep(
    name: string | ((sha256: Buffer) => string),
    sealed: AsyncIterable<Buffer> | Iterable<Buffer>,
  ): Promise<Staged> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const partial = join(this.folder, `${randomUUID()}.partial`);
    try {
      const staged = await writeDurably(partial, sealed);
      const known = typeof name === 'string' ? name : name(staged.sha256);
      const isFirst = await link(partial, this.path(known)).then(() => true, unlessThere);
      const folder = await open(this.folder, 'r');
      await folder.sync().finally(() => folder.close());
      return isFirst ? staged : ((await this.measure(known)) ?? staged);
    } finally {
      await rm(partial, { force: true });
    }
  }

  /** What is staged, from the first byte to the last. */
  read(name: string): AsyncIterable<Buffer> {
    return createReadStream(this.path(name), { highWaterMark: readBytes });
  }

  /** Length and SHA-256 of what is staged; undefined if nothing is. */
  async measure(name: string): Promise<Staged | undefined> {
    try {
      const hash = createHash('sha256');
      let length = 0;
      for await (const bytes of this.read(name)) {
        hash.update(bytes);
        length += bytes.length;
      }
      return { length, sha256: hash.digest() };
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async drop(name: string): Promise<void> {
    await rm(this.path(name), { force: true });
  }

  /**
   * Removes what nobody needs any more: bytes that are not `needed` by their name and were last written before `before`,
   * and what a crash left half written. Gives how many files went.
   */
  async sweep(
    needed: (names: readonly string[]) => Promise<ReadonlySet<string>>,
    before: Date,
  ): Promise<number> {
    const files = await readdir(this.folder).catch(() => []);
    const stale: string[] = [];
    for (const file of files) {
      const { mtimeMs } = await stat(join(this.folder, file)).catch(() => ({
        mtimeMs: Number.POSITIVE_INFINITY,
      }));
      if (mtimeMs < before.getTime()) stale.push(file);
    }
    const nameOf = (file: string): string => file.slice(0, -suffix.length);
    const kept = await needed(stale.filter((file) => file.endsWith(suffix)).map(nameOf));
    const gone = stale.filter((file) => !(file.endsWith(suffix) && kept.has(nameOf(file))));
    for (const file of gone) await rm(join(this.folder, file), { force: true });
    return gone.length;
  }
}

function unlessThere(error: NodeJS.ErrnoException): false {
  if (error.code === 'EEXIST') return false;
  throw error;
}

/** As much as is read from the disk at once. */
const readBytes = 1024 * 1024;

async function writeDurably(path: string, sealed: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<Staged> {
  const hash = createHash('sha256');
  let length = 0;
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const bytes of sealed) {
      hash.update(bytes);
      await file.write(bytes, 0, bytes.length, length);
      length += bytes.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { length, sha256: hash.digest() };
}
