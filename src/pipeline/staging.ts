import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Id } from '../domain/records.ts';

/** Sealed bytes of held files on this host, one file per hold, readable by nobody else (0700, 0600). */
export class Staging {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  path(holdId: Id): string {
    return join(this.folder, `${holdId}.sealed`);
  }

  /**
   * Stores sealed bytes under the hold's name, durable when it resolves: a crash leaves either all of them or nothing.
   */
  async keep(
    holdId: Id,
    sealed: AsyncIterable<Buffer> | Iterable<Buffer>,
  ): Promise<{ length: number; sha256: Buffer }> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const partial = `${this.path(holdId)}.partial`;
    const hash = createHash('sha256');
    let length = 0;
    const file = await open(partial, 'w', 0o600);
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
    await rename(partial, this.path(holdId));
    const folder = await open(this.folder, 'r');
    await folder.sync().finally(() => folder.close());
    return { length, sha256: hash.digest() };
  }

  /** Length and SHA-256 of what is staged; undefined if nothing is. */
  async measure(holdId: Id): Promise<{ length: number; sha256: Buffer } | undefined> {
    try {
      const file = await open(this.path(holdId), 'r');
      const hash = createHash('sha256');
      let length = 0;
      for await (const bytes of file.createReadStream()) {
        hash.update(bytes as Buffer);
        length += (bytes as Buffer).length;
      }
      return { length, sha256: hash.digest() };
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async drop(holdId: Id): Promise<void> {
    await rm(this.path(holdId), { force: true });
  }
}
