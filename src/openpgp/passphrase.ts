import { readFile } from 'node:fs/promises';
import { Failure } from '../domain/failures.ts';

/**
 * The passphrase in a file, without the newline that ends it. It must be UTF-8, as GnuPG takes it from a terminal.
 *
 * @throws Failure `password_file_unreadable`
 */
export async function readPassphrase(file: string): Promise<string> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(file));
    const passphrase = text.replace(/\r?\n$/, '');
    if (passphrase === '') throw new TypeError('it is empty');
    return passphrase;
  } catch (error) {
    throw new Failure('password_file_unreadable', { file }, { cause: error });
  }
}
