/** Opening a manifest: docs/format.md section 6.6. */
import { canonical } from '../domain/canonical.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { repositoryScope } from '../keys/keyring-files.ts';
import type { ByteSource } from '../sealed/open.ts';
import { contentWithin, openMember, type PackKeys, parseJson, readPackIndex } from '../sealed/pack.ts';
import { damaged } from '../sealed/read-frame.ts';
import { parseManifestName } from './names.ts';
import type { ManifestHead, ManifestRow } from './records.ts';
import { headSchema, indexSchema, maxManifestBytes, maxSectionsBytes, rowSchema } from './schema.ts';

export interface OpenedManifest {
  readonly head: ManifestHead;
  readonly sections: readonly OpenedSection[];
}

export interface OpenedSection {
  /** Scope name. */
  readonly scope: string;
  readonly keyId: Id;
  /** How many rows it has. */
  readonly count: number;
  /** Undefined: its key is not known, e.g. because the scope was shredded. */
  readonly rows: readonly ManifestRow[] | undefined;
}

export interface ManifestOptions extends PackKeys {
  /** The object's name without prefix. */
  readonly objectName: string;
}

/** Opens a manifest that is in memory, with all rows. Throws Failure `tampered`, `unsupported_format` or `unknown_key`. */
export async function openManifest(bytes: Buffer, options: ManifestOptions): Promise<OpenedManifest> {
  const source: ByteSource = {
    lengthBytes: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
  const { head, members } = await readIndex(source, options);
  const sections: OpenedSection[] = [];
  let leftBytes = maxSectionsBytes;
  for (const { rows: count, ...member } of members) {
    const { scope, keyId } = member;
    if (options.keyById(Buffer.from(keyId, 'hex')) === undefined) {
      sections.push({ scope, keyId, count, rows: undefined });
      continue;
    }
    const opened = await openMember(source, member, { ...options, purpose: 'manifest' });
    const content = await contentWithin(opened, leftBytes);
    leftBytes -= content.length;
    sections.push({ scope, keyId, count, rows: rowsOf(content, head, count) });
  }
  return { head, sections };
}

/** Only the head of a manifest, by ranged reads of its tail. Throws like {@link openManifest}. */
export async function openManifestHead(source: ByteSource, options: ManifestOptions): Promise<ManifestHead> {
  return (await readIndex(source, options)).head;
}

async function readIndex(source: ByteSource, options: ManifestOptions) {
  if (source.lengthBytes > maxManifestBytes) throw damaged('too long for a manifest');
  const { index, scope } = await readPackIndex(source, options);
  if (scope !== repositoryScope) throw damaged('its index is sealed under another scope');
  const parsed = indexSchema.safeParse(index);
  if (!parsed.success) throw malformed('its index');
  const { head, members } = parsed.data;
  const named = parseManifestName(options.objectName);
  if (named?.sourceId !== head.source || named.number !== head.number) {
    throw damaged('its head contradicts its name');
  }
  return { head, members };
}

function rowsOf(content: Buffer, head: ManifestHead, count: number): ManifestRow[] {
  const [first, ...rest] = splitLines(content);
  const repeated = headSchema.safeParse(first === undefined ? undefined : parseJson(first));
  if (!repeated.success || !canonical(repeated.data).equals(canonical(head))) {
    throw damaged('a section has another head than its index');
  }
  if (rest.length !== count) throw damaged('a section has another number of rows than its index says');
  return rest.map(parseRow);
}

/** The lines of a section, without their ends. */
export function splitLines(content: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < content.length; ) {
    const end = content.indexOf(0x0a, at);
    if (end === -1) throw malformed('the last line of a section');
    lines.push(content.subarray(at, end));
    at = end + 1;
  }
  return lines;
}

export function parseHead(line: Buffer | undefined): ManifestHead {
  const parsed = headSchema.safeParse(line === undefined ? undefined : parseJson(line));
  if (!parsed.success) throw malformed('its head');
  return parsed.data;
}

export function parseRow(line: Buffer): ManifestRow {
  const parsed = rowSchema.safeParse(parseJson(line));
  if (!parsed.success) throw malformed('a row');
  return parsed.data;
}

function malformed(what: string): Failure {
  return new Failure('unsupported_format', { detail: `${what} is not of a known form` });
}
