import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Failure, isFailure } from '../../domain/failures.ts';
import { newRunId } from '../../domain/ids.ts';
import { exportKeyring, lostByImport, readExport } from '../../keys/exported-keyring.ts';
import { type KeyringDocument, keyringDocuments, writeDocument } from '../../keys/keyring-files.ts';
import { openKeyring } from '../../keys/open-keyring.ts';
import { supervisorRenew } from '../../stack/control.ts';
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
  if (existsSync(file)) throw new Failure('usage', { detail: `The file ${file} exists; name a new one.` });
  await withKeyDesk(session, async (desk) => {
    output.note(
      'Shredding a scope cannot reach this file: whoever has it and a password that opens it now reads what',
    );
    output.note('the keys of today seal, for ever. It is recorded that it was made.');
    if (!options.yes && !(await confirm('Type "export" to go on: ', 'export')))
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
    output.result(
      { file: resolve(file), documents: desk.documents.length },
      () => `${desk.documents.length} documents are in ${resolve(file)} (readable by you alone).`,
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
      detail: `it is of the repository ${exported.repository}, this is ${config.repository}`,
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
  output.result(
    { documents: exported.documents.length, scopes: [...keyring.scopes.keys()] },
    () => `The keyring is in ${paths.home}: ${keyring.scopes.size} scopes, opened by ${keyring.holder}.`,
  );
}

function readFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    throw new Failure('keyring_export_invalid', { file, detail: 'it cannot be read' });
  }
}
