import { readFileSync } from 'node:fs';
import { Failure } from '../domain/failures.ts';
import { say } from '../text/voice.ts';
import { requireStrong } from './password-strength.ts';

/** Where a command looks for the password: never among its arguments, which every user of the machine can read. */
export interface PasswordSources {
  readonly env: NodeJS.ProcessEnv;
  /** `--password-file`. */
  readonly passwordFile?: string | undefined;
  /** `--password-fd`: a descriptor the caller opened for this process; read to its end. */
  readonly passwordFd?: number | undefined;
}

/** The same for a password that is to be set, where one is needed to open the keyring too. */
export interface NewPasswordSources {
  readonly newPasswordFile?: string | undefined;
  readonly newPasswordFd?: number | undefined;
}

/**
 * The repository's password, from the first of: `--password-fd`, `--password-file`, `HOLDFAST_PASSWORD_FILE`,
 * `HOLDFAST_PASSWORD`, the file that the configuration names, the terminal. The recovery key is as good. Failures, exit
 * code 6: `no_password`, `password_file_unreadable`.
 */
export async function readPassword(from: PasswordSources, configuredFile?: string): Promise<Buffer> {
  const given = givenPassword(from) ?? fromFile(configuredFile);
  if (given !== undefined) return given;
  return (await ask(say('setup', 'ask_repository'))) ?? refuseWithout();
}

/** A new repository's password, from the same places; asked for twice on the terminal. Failure `weak_password` and others. */
export async function readFirstPassword(from: PasswordSources): Promise<Buffer> {
  return requireStrong(givenPassword(from) ?? (await askTwice(say('setup', 'ask_new_repository'))));
}

/**
 * A password that is to be set beside one that opens, from the first of: `--new-password-fd`, `--new-password-file`,
 * `HOLDFAST_NEW_PASSWORD_FILE`, the terminal, where it is asked for twice.
 */
export async function readNewPassword(
  { env }: PasswordSources,
  { newPasswordFd, newPasswordFile }: NewPasswordSources,
): Promise<Buffer> {
  const given = fromDescriptor(newPasswordFd) ?? fromFile(newPasswordFile || env.HOLDFAST_NEW_PASSWORD_FILE);
  return requireStrong(given ?? (await askTwice(say('setup', 'ask_new'))));
}

/** The recovery key of a printed kit, from `file` or the terminal. Failure `no_password`. */
export async function readTypedKey(from: {
  readonly file?: string | undefined;
  readonly fd?: number | undefined;
}): Promise<Buffer> {
  const given = fromDescriptor(from.fd) ?? fromFile(from.file);
  return given ?? (await ask(say('setup', 'ask_kit'))) ?? refuseWithout();
}

/** Where a command looks for the password of an approver's key. */
export interface KeyPasswordSources {
  readonly keyPasswordFile?: string | undefined;
  readonly keyPasswordFd?: number | undefined;
}

/** The password of an approver's private key, from `--key-password-fd`, `--key-password-file` or the terminal. Failure `no_password`. */
export async function readKeyPassword(from: KeyPasswordSources): Promise<Buffer> {
  const given = fromDescriptor(from.keyPasswordFd) ?? fromFile(from.keyPasswordFile);
  return given ?? (await ask(say('setup', 'ask_approver'))) ?? refuseWithout();
}

function givenPassword({ env, passwordFd, passwordFile }: PasswordSources): Buffer | undefined {
  const fromOptions = fromDescriptor(passwordFd) ?? fromFile(passwordFile || env.HOLDFAST_PASSWORD_FILE);
  if (fromOptions !== undefined) return fromOptions;
  return env.HOLDFAST_PASSWORD ? Buffer.from(env.HOLDFAST_PASSWORD) : undefined;
}

async function askTwice(question: string): Promise<Buffer> {
  const first = (await ask(question)) ?? refuseWithout();
  if ((await ask(say('setup', 'once_more')))?.equals(first) !== true) throw new Failure('password_mismatch');
  return first;
}

function refuseWithout(): never {
  throw new Failure('no_password');
}

function fromDescriptor(fd: number | undefined): Buffer | undefined {
  return fd === undefined ? undefined : readSecret(fd);
}

function fromFile(file: string | undefined): Buffer | undefined {
  return file ? readSecret(file) : undefined;
}

/** One trailing newline, as editors and `echo` leave it, is not part of the password. */
function readSecret(place: string | number): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(place);
  } catch (error) {
    const file = typeof place === 'number' ? `descriptor ${place}` : place;
    throw new Failure('password_file_unreadable', { file }, { cause: error });
  }
  const end = bytes.at(-1) === 0x0a ? (bytes.at(-2) === 0x0d ? 2 : 1) : 0;
  const password = bytes.subarray(0, bytes.length - end);
  if (password.length === 0) throw new Failure('no_password');
  return password;
}

/** What is typed, without showing it; undefined where there is no terminal. */
function ask(question: string): Promise<Buffer | undefined> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) return Promise.resolve(undefined);
  stderr.write(`${question} `);
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
