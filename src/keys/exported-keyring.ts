import { z } from 'zod';
import { canonical } from '../domain/canonical.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { isHostName, isKeyringName, type KeyringDocument } from './keyring-files.ts';
import { documentsToKeep } from './publish.ts';

const mostExportBytes = 64 * 1024 * 1024;

const isExported = (name: string): boolean => isKeyringName(name) || isHostName(name);

const schema = z.strictObject({
  v: z.literal(1),
  kind: z.literal('holdfast keyring'),
  repository: z.string().regex(/^[0-9a-f]{32}$/),
  /** Each as it lies in the bucket, still wrapped under its password or its root. */
  documents: z.array(z.strictObject({ name: z.string().refine(isExported), bytes: z.base64() })).min(1),
});

export interface ExportedKeyring {
  readonly repository: Id;
  readonly documents: readonly KeyringDocument[];
}

/** All documents in one file: as safe as the passwords they are wrapped under, and as dangerous. */
export function exportKeyring({ repository, documents }: ExportedKeyring): Buffer {
  return canonical({
    v: 1,
    kind: 'holdfast keyring',
    repository,
    documents: documents.map(({ name, bytes }) => ({ name, bytes: bytes.toString('base64') })),
  });
}

/** Failure `keyring_export_invalid`; what the documents are worth is found out by opening them. */
export function readExport(file: string, bytes: Buffer): ExportedKeyring {
  if (bytes.length > mostExportBytes) throw invalid(file, 'it is too long');
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw invalid(file, 'it is not JSON');
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw invalid(file, 'its members are not as they must be');
  const { repository, documents } = parsed.data;
  return {
    repository,
    documents: documents.map((document) => ({
      name: document.name,
      bytes: Buffer.from(document.bytes, 'base64'),
    })),
  };
}

/**
 * A live document that taking the export in place of what is there would lose; undefined where the export has all of them,
 * or newer ones of the same holders.
 */
export function lostByImport(
  present: readonly KeyringDocument[],
  exported: readonly KeyringDocument[],
): KeyringDocument | undefined {
  const offered = new Map(exported.map(({ name, bytes }) => [name, bytes]));
  const live = new Set(documentsToKeep([...present, ...exported], new Set()));
  return present.find(
    (document) => live.has(document) && !offered.get(document.name)?.equals(document.bytes),
  );
}

const invalid = (file: string, detail: string): Failure =>
  new Failure('keyring_export_invalid', { file, detail });
