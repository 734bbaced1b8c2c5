import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { maxScanBytes } from '../../scanner/limits.ts';
import { serviceEnvironment } from '../environment.ts';
import { ensureServiceFolders, privateFolder } from '../folders.ts';
import type { Paths } from '../paths.ts';
import { writePrivate } from '../secrets.ts';
import { serviceUser } from '../system-users.ts';
import type { ClamavTools } from '../toolchain/clamav.ts';
import { configText } from './clamav-config.ts';
import type { ServiceSpec } from './service.ts';
import { ensureSignatures, signatureFolders } from './signatures.ts';

/**
 * clamd on a unix socket (`address` is its path) that only its own user and root can reach: it has no
 * authentication. `extra`: `signatureSet`, and `signatureFacts`, the file that describes the loaded signatures
 * (`SignatureFacts` of signatures.ts, as JSON).
 */
export function clamdService({
  paths,
  uid,
  tool,
  updateSignatures,
  onWarning,
}: {
  readonly paths: Paths;
  readonly uid: number;
  readonly tool: ClamavTools;
  /** Whether freshclam may fetch official signatures over the network. */
  readonly updateSignatures: boolean;
  readonly onWarning: (message: string) => void;
}): ServiceSpec {
  return {
    name: 'clamd',
    dependsOn: [],
    stopSignal: 'SIGTERM',
    stopGraceMs: 15_000,
    // Official signatures take most of a minute to load.
    startTimeoutMs: 300_000,

    async prepare() {
      const user = await serviceUser('clamd', uid);
      const { data, runtime } = ensureServiceFolders(paths, 'clamd', user);
      const signatures = await ensureSignatures({
        ...signatureFolders(paths, data),
        tool,
        user,
        mayFetch: updateSignatures,
      });
      if (signatures.facts.set === 'builtin-test') {
        onWarning(
          'No official virus signatures: clamd knows nothing but the EICAR test file. Malware will not be found.',
        );
      }
      const temporary = path.join(data, 'tmp');
      rmSync(temporary, { recursive: true, force: true });
      privateFolder(temporary, user);
      const socket = path.join(runtime, 'clamd.sock');
      const config = path.join(data, 'clamd.conf');
      writePrivate(
        config,
        configText({
          LocalSocket: socket,
          LocalSocketMode: '600',
          FixStaleSocket: true,
          Foreground: true,
          LogTime: true,
          DatabaseDirectory: signatures.database,
          TemporaryDirectory: temporary,
          MaxFileSize: maxScanBytes,
          StreamMaxLength: maxScanBytes,
          MaxScanSize: '4000M',
          MaxScanTime: 600_000,
          AlertExceedsMax: true,
          AlertEncrypted: true,
          ConcurrentDatabaseReload: false,
          // The facts describe what this start loads; a reload in between would make them a lie.
          SelfCheck: 0,
          // It hashes everything once more, to know clean content again; the catalog knows it already.
          DisableCache: true,
        }),
        user,
      );
      return {
        command: tool.clamd,
        args: [`--config-file=${config}`],
        cwd: data,
        env: { ...serviceEnvironment(data), ...tool.env },
        user,
        address: socket,
        extra: { signatureSet: signatures.facts.set, signatureFacts: signatures.factsFile },
      };
    },

    health: async ({ address }) => (await ask(address, 'PING')) === 'PONG',
  };
}

/** clamd's answer to one command (clamd(8), null-terminated form). */
function ask(socketPath: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ path: socketPath }).setEncoding('utf8');
    socket.setTimeout(4_000, () => socket.destroy(new Error('no answer')));
    socket
      .on('data', (text: string) => {
        answer += text;
      })
      .on('error', reject)
      .on('close', () => resolve(answer.replace(/\0.*$/s, '')));
    socket.write(`z${command}\0`);
  });
}
