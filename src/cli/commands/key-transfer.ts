import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Failure, isFailure } from '../../domain/failures.ts';
import { newRunId } from '../../domain/ids.ts';
import { exportKeyring, lostByImport, readExport } from '../../keys/exported-keyring.ts';
import { type KeyringDocument, keyringDocuments, writeDocument } from '../../keys/keyring-files.ts';
import { openKeyring } from '../../keys/open-keyring.ts';
import { supervisorRenew } from '../../stack/control.ts';
import { say } from '../../text/voice.ts';
import { confirm } from '../confirm.ts';
import { withKeyDesk } from '../key-desk.ts';
import { readPassword } from '../password.ts';
import { type Session, sessionConfig } from '../session.ts';

/** Writes all keyring documents, still wrapped under their passwords, into one file that no deletion will reach. */
export async function runKeyExport(
  session: Session,
  file: string,
  options: { readonly yes?: boolean },
): Promise<void> {
  const { output, actor } = session;
  if (existsSync(file)) throw new Failure('usage', { detail: say('keys', 'file_exists', { file }) });
  await withKeyDesk(session, async (desk) => {
    output.note(say('keys', 'export_warning_1'));
    output.note(say('keys', 'export_warning_2'));
    if (!options.yes && !(await confirm(say('keys', 'type_export'), 'export')))
      throw new Failure('not_confirmed', { flag: '--yes' });
    const { repositoryId: repository } = desk.keyring.root;
    await desk.catalog.rows('insert into key_exports (id, kind, actor) values ($1, $2, $3)', [
      newRunId(),
      'export',
      actor,
    ]);
    await desk.record('export', { documents: desk.documents.length });
    const documents = [...desk.documents, ...desk.installation.hostDocuments];
    writeFileSync(file, exportKeyring({ repository, documents }), {
      mode: 0o600,
      flag: 'wx',
    });
    output.result({ file: resolve(file), documents: desk.documents.length }, () =>
      say('keys', 'exported_to', { count: desk.documents.length, file: resolve(file) }),
    );
  });
}

/**
 * Takes an exported keyring into the state folder: into an empty one, or one whose documents are all in it. Opens it first,
 * so that neither a wrong file nor one of another repository gets in.
 */
export async function runKeyImport(session: Session, file: string): Promise<void> {
  const { output, paths } = session;
  const config = sessionConfig(session);
  const exported = readExport(file, readFile(file));
  if (exported.repository !== config.repository)
    throw new Failure('keyring_export_invalid', {
      file,
      detail: say('keys', 'other_repository', { theirs: exported.repository, ours: config.repository }),
    });
  const present = await keyringDocuments(paths.home).catch((error: unknown): KeyringDocument[] => {
    if (isFailure(error, 'keyring_missing')) return [];
    throw error;
  });
  const lost = lostByImport(present, exported.documents);
  if (lost !== undefined) throw new Failure('keyring_newer_here', { document: lost.name });
  const password = await readPassword(session, config.passwordFile);
  const keyring = await openKeyring(exported.documents, config.repository, password);
  for (const document of exported.documents) await writeDocument(paths.home, document);
  await supervisorRenew(paths, password);
  output.result({ documents: exported.documents.length, scopes: [...keyring.scopes.keys()] }, () =>
    say('keys', 'imported', { home: paths.home, scopes: keyring.scopes.size, holder: keyring.holder }),
  );
}

function readFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    throw new Failure('keyring_export_invalid', { file, detail: say('keys', 'unreadable') });
  }
}
