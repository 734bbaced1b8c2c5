import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Failure } from '../../domain/failures.ts';
import { openInstallation } from '../../installation.ts';
import { writeDocument } from '../../keys/keyring-files.ts';
import { supervisorRenew } from '../../stack/control.ts';
import { say } from '../../text/voice.ts';
import { createHost } from '../../write-only/host-keys.ts';
import { installationPassword, requireReader, type Session, sessionConfig } from '../session.ts';

/**
 * Makes the key file of a new write-only host, and the document that lets whoever opens the keyring tell what that host
 * wrote. The file opens no content.
 */
export async function runKeyExportHost(session: Session, file: string, name: string): Promise<void> {
  const { output, paths } = session;
  if (existsSync(file)) throw new Failure('usage', { detail: say('keys', 'file_exists', { file }) });
  const config = sessionConfig(session);
  requireReader(config);
  const password = await installationPassword(session, config);
  const { keyring } = await openInstallation(paths, session.configPath, password);
  const made = createHost(keyring.root, name);
  await writeDocument(paths.home, made.document);
  writeFileSync(file, made.file, { mode: 0o600, flag: 'wx' });
  await supervisorRenew(paths, password);
  output.result({ file: resolve(file), host: made.document.name, name }, () =>
    [
      say('keys', 'host_key', { name, file: resolve(file) }),
      '  holdfast init --write-only --keys FILE --recipient PUBLIC.asc --source name=/path',
      say('keys', 'host_key_1'),
      say('keys', 'host_key_2'),
    ].join('\n'),
  );
}
