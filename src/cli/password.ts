import { readFileSync } from 'node:fs';
import { Failure } from '../domain/failures.ts';

/**
 * The repository's password: from the file that `HOLDFAST_PASSWORD_FILE` or the configuration names, else asked for on
 * the terminal. Never from an argument, which every user of the machine can read. Failure `no_password` (exit code 6).
 */
export async function readPassword(env: NodeJS.ProcessEnv, configuredFile?: string): Promise<Buffer> {
  const file = env.HOLDFAST_PASSWORD_FILE || configuredFile;
  if (file !== undefined) return fromFile(file);
  if (!process.stdin.isTTY) throw new Failure('no_password');
  return ask('Password of the repository: ');
}

/** A new repository's password; asked for twice on the terminal. */
export async function readNewPassword(env: NodeJS.ProcessEnv): Promise<Buffer> {
  const file = env.HOLDFAST_PASSWORD_FILE;
  if (file) return strong(fromFile(file));
  if (!process.stdin.isTTY) throw new Failure('no_password');
  const first = strong(await ask('New password of the repository: '));
  if (!first.equals(await ask('Once more: '))) throw new Failure('password_mismatch');
  return first;
}

/** Fewer bytes than this fall to guessing, whatever the key derivation costs. */
const shortestBytes = 8;

function strong(password: Buffer): Buffer {
  if (new Set(password.toString('utf8')).size < 4 || password.length < shortestBytes)
    throw new Failure('weak_password');
  return password;
}

/** One trailing newline, as editors and `echo` leave it, is not part of the password. */
function fromFile(file: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new Failure('password_file_unreadable', { file }, { cause: error });
  }
  const end = bytes.at(-1) === 0x0a ? (bytes.at(-2) === 0x0d ? 2 : 1) : 0;
  const password = bytes.subarray(0, bytes.length - end);
  if (password.length === 0) throw new Failure('no_password');
  return password;
}

function ask(question: string): Promise<Buffer> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.resume();
  return new Promise((resolve, reject) => {
    const typed: number[] = [];
    const end = (finish: () => void): void => {
      stdin.off('data', onData);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      finish();
    };
    const onData = (chunk: Buffer): void => {
      for (const byte of chunk) {
        if (byte === 0x03) {
          end(() => reject(new Failure('interrupted')));
          return;
        }
        if (byte === 0x0d || byte === 0x0a || byte === 0x04) {
          end(() => resolve(Buffer.from(typed)));
          return;
        }
        if (byte === 0x7f || byte === 0x08) typed.pop();
        else typed.push(byte);
      }
    };
    stdin.on('data', onData);
  });
}
