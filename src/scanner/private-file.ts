import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import path from 'node:path';

/** Runs `work` with an empty file that has no name any more: nobody else can write it, and it is gone when it is closed. */
export async function withPrivateFile<T>(folder: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const name = path.join(folder, randomUUID());
  const file = await open(name, 'wx+', 0o600);
  try {
    await unlink(name);
    return await work(file);
  } finally {
    await file.close();
  }
}
