/** Manifests of a write-only host: docs/format.md section 8.4. */
import { Failure } from '../domain/failures.ts';
import { type OpenedManifest, parseHead, parseRow, splitLines } from '../manifest/decode.ts';
import { joinLines } from '../manifest/encode.ts';
import type { ManifestFormat } from '../manifest/format.ts';
import { manifestName, parseManifestName } from '../manifest/names.ts';
import { maxRows, maxSectionsBytes } from '../manifest/schema.ts';
import { openSigned, type SignedReading } from './signed-message.ts';

/** Seals content under a name; nobody on this host can open it again. */
export type SignedSealer = (name: string, content: Buffer) => Promise<Buffer>;

/** Manifests that this host can write and not read: what is in the bucket it takes for somebody else's. */
export function writeOnlyManifests(seal: SignedSealer): ManifestFormat {
  return {
    covers: () => true,
    async seal(head, sections) {
      const rows = [...sections.values()].flat();
      const content = joinLines([head, ...rows]);
      if (rows.length > maxRows || content.length > maxSectionsBytes) {
        throw new RangeError('too much for one manifest');
      }
      return seal(manifestName(head.source, head.number), content);
    },
    open: async () => undefined,
  };
}

/** Whose rows have no key scope of their own. */
const scope = 'default';

/** Opens a manifest of a write-only host, with all rows. Failures as `openSigned`. */
export async function openWriteOnlyManifest(
  bytes: Buffer,
  objectName: string,
  reading: SignedReading,
): Promise<OpenedManifest> {
  const content = await openSigned(bytes, objectName, maxSectionsBytes, reading);
  const [first, ...lines] = splitLines(content);
  const head = parseHead(first);
  const named = parseManifestName(objectName);
  if (named?.sourceId !== head.source || named.number !== head.number) {
    throw new Failure('tampered', { detail: 'its head contradicts its name' });
  }
  if (lines.length > maxRows) throw new Failure('unsupported_format', { detail: 'too many rows' });
  const keyId = bytes.toString('hex', 8, 24);
  return { head, sections: [{ scope, keyId, count: lines.length, rows: lines.map(parseRow) }] };
}
