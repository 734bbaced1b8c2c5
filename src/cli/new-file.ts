import { type FileHandle, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Failure } from '../domain/failures.ts';
import { say } from '../text/voice.ts';

/** A new file that only its owner can read. Failure `usage` for a name that is taken or cannot be made. */
export async function newFile(name: string): Promise<FileHandle> {
  try {
    return await open(resolve(name), 'wx', 0o600);
  } catch (error) {
    throw new Failure('usage', { detail: say('output', 'not_new_file', { file: name }) }, { cause: error });
  }
}
