import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../domain/failures.ts';
import { makeFolder } from '../files/make-folder.ts';

/** Length and SHA-256 of staged bytes. */
export interface Staged {
  readonly length: number;
  readonly sha256: Buffer;
}

const suffix = '.sealed';

/**
 * Sealed bytes on this host, readable by nobody else (0700, 0600): those of held files, named by their sealing, and OpenPGP
 * messages on their way, named by their sealing and nonce.
 */
export class Staging {
  private readonly folder: string;
  private readonly quotaBytes: number;
  /** Asked for by steps that are under way. */
  private claimedBytes = 0;

  /** @param quotaBytes how much may be held at once */
  constructor(folder: string, quotaBytes = Number.POSITIVE_INFINITY) {
    this.folder = folder;
    this.quotaBytes = quotaBytes;
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
    makeFolder(this.folder);
    const partial = join(this.folder, `${randomUUID()}.partial`);
    try {
      const staged = await writeDurably(partial, sealed);
      const known = typeof name === 'string' ? name : name(staged.sha256);
      const isFirst = await link(partial, this.path(known)).then(() => true, unlessThere);
      await this.syncFolder();
      return isFirst ? staged : ((await this.measure(known)) ?? staged);
    } finally {
      await rm(partial, { force: true });
    }
  }

  /**
   * Runs what is about to stage so many bytes for a hold, if they fit beside what is held. Failure `staging_full`.
   *
   * @param heldBytes what is held on this host by now
   */
  async withRoom<T>(sizeBytes: number, heldBytes: () => Promise<number>, work: () => Promise<T>): Promise<T> {
    // First, so that of two that ask at once at least one sees the other.
    this.claimedBytes += sizeBytes;
    try {
      if ((await heldBytes()) + this.claimedBytes > this.quotaBytes) throw new Failure('staging_full');
      return await work();
    } catch (error) {
      throw isDiskFull(error) ? new Failure('staging_full', {}, { cause: error }) : error;
    } finally {
      this.claimedBytes -= sizeBytes;
    }
  }

  /** Gives staged bytes another name, unless something lies under it already: then that stays, and is what is measured. */
  async rename(from: string, to: string): Promise<Staged> {
    await link(this.path(from), this.path(to)).catch(unlessThere);
    await this.syncFolder();
    await this.drop(from);
    const staged = await this.measure(to);
    if (staged === undefined) throw new Failure('internal', { detail: 'staged bytes vanished' });
    return staged;
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

  private async syncFolder(): Promise<void> {
    const folder = await open(this.folder, 'r');
    await folder.sync().finally(() => folder.close());
  }
}

const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');

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
