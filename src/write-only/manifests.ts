/** Manifests of a write-only host: docs/format.md section 8.4. */
import { z } from 'zod';
import { Failure } from '../domain/failures.ts';
import {
  type OpenedManifest,
  type OpenedSection,
  parseHead,
  parseRow,
  splitLines,
} from '../manifest/decode.ts';
import { joinLines } from '../manifest/encode.ts';
import type { ManifestFormat } from '../manifest/format.ts';
import { manifestName, parseManifestName } from '../manifest/names.ts';
import { maxRows, maxSectionsBytes } from '../manifest/schema.ts';
import { name, whole } from '../sealed/fields.ts';
import { parseJson } from '../sealed/pack.ts';
import { openSigned, type SignedReading } from './signed-message.ts';

/** The line before the rows of a scope. */
const sectionSchema = z.strictObject({ scope: name, rows: whole(1, maxRows) });

/** Seals content under a name; nobody on this host can open it again. */
export type SignedSealer = (name: string, content: Buffer) => Promise<Buffer>;

/** Manifests that this host can write and not read: what is in the bucket it takes for somebody else's. */
export function writeOnlyManifests(seal: SignedSealer): ManifestFormat {
  return {
    covers: () => true,
    async seal(head, sections) {
      const lines = [...sections].flatMap(([scope, rows]) => [{ scope, rows: rows.length }, ...rows]);
      const content = joinLines([head, ...lines]);
      if (lines.length - sections.size > maxRows || content.length > maxSectionsBytes) {
        throw new RangeError('too much for one manifest');
      }
      return seal(manifestName(head.source, head.number), content);
    },
    open: async () => undefined,
  };
}

/** Opens a manifest of a write-only host, with all rows. Failures as `openSigned`. */
export async function openWriteOnlyManifest(
  bytes: Buffer,
  objectName: string,
  reading: SignedReading,
): Promise<OpenedManifest> {
  const { host, content } = await openSigned(bytes, objectName, maxSectionsBytes, reading);
  const [first, ...lines] = splitLines(content);
  const head = parseHead(first);
  const named = parseManifestName(objectName);
  if (named?.sourceId !== head.source || named.number !== head.number) {
    throw new Failure('tampered', { detail: 'its head contradicts its name' });
  }
  return { head, sections: sectionsOf(lines, host) };
}

/** @param keyId what stands for the key of sections that have none of their own: the host */
function sectionsOf(lines: readonly Buffer[], keyId: string): OpenedSection[] {
  const sections: OpenedSection[] = [];
  let rowCount = 0;
  for (let at = 0; at < lines.length; ) {
    const parsed = sectionSchema.safeParse(parseJson(lines[at] as Buffer));
    if (!parsed.success) throw malformed('a section');
    const { scope, rows: count } = parsed.data;
    const rows = lines.slice(at + 1, at + 1 + count);
    rowCount += count;
    if (rows.length !== count || rowCount > maxRows) throw malformed('the number of its rows');
    if (sections.some((section) => section.scope === scope)) throw malformed('a scope that comes twice');
    sections.push({ scope, keyId, count, rows: rows.map(parseRow) });
    at += 1 + count;
  }
  return sections;
}

function malformed(what: string): Failure {
  return new Failure('unsupported_format', { detail: `${what} is not of a known form` });
}
