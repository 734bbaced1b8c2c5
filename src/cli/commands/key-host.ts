import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Failure } from '../../domain/failures.ts';
import { openInstallation } from '../../installation.ts';
import { writeDocument } from '../../keys/keyring-files.ts';
import { supervisorRenew } from '../../stack/control.ts';
import { createHost } from '../../write-only/host-keys.ts';
import { installationPassword, requireReader, type Session, sessionConfig } from '../session.ts';

/**
 * Makes the key file of a new write-only host, and the document that lets whoever opens the keyring tell what that host
 * wrote. The file opens no content.
 */
export async function runKeyExportHost(session: Session, file: string, name: string): Promise<void> {
  const { output, paths } = session;
  if (existsSync(file)) throw new Failure('usage', { detail: `The file ${file} exists; name a new one.` });
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
      `The key file of ${name} is in ${resolve(file)} (readable by you alone). Move it to that host, and nowhere else:`,
      '  holdfast init --write-only --keys FILE --recipient PUBLIC.asc --source name=/path',
      'It names objects and signs manifests; it opens nothing. Its public key goes into the bucket when this',
      'installation is up: start it once before anything is recovered from what that host writes.',
    ].join('\n'),
  );
}
