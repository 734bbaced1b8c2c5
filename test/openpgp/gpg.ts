import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** The real GnuPG with a key ring of its own. */
export class Gpg {
  /** A folder for the test's files; gone at the end. */
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-gpg-'));

  /** Makes a key pair, on curve 25519 or (`default`) RSA, and exports it: files `<name>.pub.asc` and `<name>.key.asc`. */
  makeKey(
    name: string,
    algorithm: 'future-default' | 'default' = 'future-default',
  ): { publicFile: string; privateFile: string } {
    const secret = ['--pinentry-mode', 'loopback', '--passphrase', ''];
    this.run([...secret, '--quick-gen-key', `${name}@example.org`, algorithm, 'default', 'never']);
    const exported = (suffix: string, args: string[]): string => {
      const file = join(this.folder, `${name}.${suffix}.asc`);
      writeFileSync(file, this.run([...secret, ...args, '--armor', `${name}@example.org`]));
      return file;
    };
    return {
      publicFile: exported('pub', ['--export']),
      privateFile: exported('key', ['--export-secret-keys']),
    };
  }

  /** What `gpg --decrypt` gives; with the passphrase where there is one, else with the keys it has. */
  decrypt(message: Buffer, passphrase?: string): Buffer {
    return this.read('--decrypt', message, passphrase);
  }

  /** What `gpg --list-packets` tells of the outer packets, and of the inner ones where it has a key. */
  packets(message: Buffer, passphrase?: string): string {
    return this.read('--list-packets', message, passphrase).toString('utf8');
  }

  file(name: string, content: string | Buffer): string {
    const file = join(this.folder, name);
    writeFileSync(file, content);
    return file;
  }

  remove(): void {
    // The agent goes when its folder does; asking it is only kinder.
    spawnSync('gpgconf', ['--homedir', this.folder, '--kill', 'all']);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  private read(command: string, message: Buffer, passphrase: string | undefined): Buffer {
    const secret =
      passphrase === undefined ? [] : ['--pinentry-mode', 'loopback', '--passphrase', passphrase];
    return this.run([...secret, command, this.file('message.gpg', message)]);
  }

  private run(args: string[]): Buffer {
    const done = spawnSync('gpg', ['--homedir', this.folder, '--batch', '--quiet', ...args], {
      maxBuffer: 256 * 1024 * 1024,
    });
    if (done.error)
      throw new Error('GnuPG is needed for this test: apt-get install gnupg', { cause: done.error });
    if (done.status !== 0) throw new Error(done.stderr.toString('utf8'));
    return done.stdout;
  }
}

/** One key ring for the tests of a file. */
export function useGpg(): Gpg {
  const gpg = new Gpg();
  afterAll(() => gpg.remove());
  return gpg;
}
