import { isUtf8 } from 'node:buffer';

/** How many first bytes of a file the table looks at; tar's mark at 257 is the furthest. */
export const sniffLengthBytes = 1024;

/** [offset, bytes as latin1, media type]; the first row that matches counts. */
type MagicTable = readonly (readonly [number, string, string])[];

const magic: MagicTable = [
  [0, '%PDF-', 'application/pdf'],
  [0, '\x89PNG\r\n\x1a\n', 'image/png'],
  [0, '\xff\xd8\xff', 'image/jpeg'],
  [0, 'GIF87a', 'image/gif'],
  [0, 'GIF89a', 'image/gif'],
  [0, 'II*\0', 'image/tiff'],
  [0, 'MM\0*', 'image/tiff'],
  [0, '\x1f\x8b', 'application/gzip'],
  [0, '\xfd7zXZ\0', 'application/x-xz'],
  [0, '\x28\xb5\x2f\xfd', 'application/zstd'],
  [0, '7z\xbc\xaf\x27\x1c', 'application/x-7z-compressed'],
  [0, 'Rar!\x1a\x07', 'application/vnd.rar'],
  [257, 'ustar', 'application/x-tar'],
  [0, '\x7fELF', 'application/x-elf'],
  [0, '\0asm', 'application/wasm'],
  [0, 'SQLite format 3\0', 'application/vnd.sqlite3'],
  [0, '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'application/x-ole-storage'],
  [4, 'ftypqt', 'video/quicktime'],
  [4, 'ftyp', 'video/mp4'],
  [0, '\x1aE\xdf\xa3', 'video/x-matroska'],
  [0, 'OggS', 'application/ogg'],
  [0, 'fLaC', 'audio/flac'],
  [0, '{\\rtf', 'application/rtf'],
  [0, '-----BEGIN PGP', 'application/pgp-encrypted'],
  [0, '#!', 'text/x-shellscript'],
];

/** Marks that a text may begin with too: they count only for what is not text. */
const weakMagic: MagicTable = [
  [0, 'BM', 'image/bmp'],
  [0, 'BZh', 'application/x-bzip2'],
  [0, 'MZ', 'application/vnd.microsoft.portable-executable'],
  [0, 'ID3', 'audio/mpeg'],
];

const riff: Readonly<Record<string, string>> = {
  WAVE: 'audio/wav',
  WEBP: 'image/webp',
  'AVI ': 'video/x-msvideo',
};

const unknown = 'application/octet-stream';

/**
 * The media type that a file's first bytes tell, never its name.
 * `head` is the first {@link sniffLengthBytes} bytes, or all of a shorter file.
 */
export function sniffMediaType(head: Buffer): string {
  if (head.length === 0) return 'application/x-empty';
  const text = head.subarray(0, sniffLengthBytes).toString('latin1');
  const marked = lookUp(magic, text);
  if (marked !== undefined) return marked;
  if (text.startsWith('RIFF')) return riff[text.slice(8, 12)] ?? unknown;
  if (text.startsWith('PK\x03\x04')) return zipMediaType(text);
  if (text.startsWith('PK\x05\x06')) return 'application/zip';
  return textMediaType(head.subarray(0, sniffLengthBytes), text) ?? lookUp(weakMagic, text) ?? unknown;
}

function lookUp(table: MagicTable, text: string): string | undefined {
  return table.find(([offset, bytes]) => text.startsWith(bytes, offset))?.[2];
}

/** Office files are zips whose first member tells them: OpenDocument by its `mimetype`, OOXML by its folder names. */
function zipMediaType(text: string): string {
  if (text.startsWith('mimetype', 30))
    return /^[\w.+-]+\/[\w.+-]+?(?=PK)/.exec(text.slice(38))?.[0] ?? 'application/zip';
  if (text.includes('word/')) return `${ooxml}.wordprocessingml.document`;
  if (text.includes('xl/')) return `${ooxml}.spreadsheetml.sheet`;
  if (text.includes('ppt/')) return `${ooxml}.presentationml.presentation`;
  if (text.startsWith('[Content_Types].xml', 30)) return ooxml;
  if (text.startsWith('META-INF/', 30)) return 'application/java-archive';
  return 'application/zip';
}

const ooxml = 'application/vnd.openxmlformats-officedocument';

function textMediaType(head: Buffer, text: string): string | undefined {
  if (text.startsWith('\xff\xfe') || text.startsWith('\xfe\xff')) return 'text/plain';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what tells binary from text
  if (/[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(text) || !isUtf8(wholeCharacters(head))) return undefined;
  const start = text.trimStart().slice(0, 64).toLowerCase();
  if (start.startsWith('<!doctype html') || start.startsWith('<html')) return 'text/html';
  if (start.startsWith('<svg')) return 'image/svg+xml';
  if (start.startsWith('<?xml')) return 'application/xml';
  if (/^[{[]\s*["{[\]}0-9-]/.test(start)) return 'application/json';
  return 'text/plain';
}

/** Drops a UTF-8 sequence that the cut at {@link sniffLengthBytes} may have left incomplete. */
function wholeCharacters(head: Buffer): Buffer {
  if (head.length < sniffLengthBytes) return head;
  let end = head.length;
  for (let back = 1; back <= 3; back++) {
    const byte = head[head.length - back] as number;
    if (byte >= 0xc0) {
      end = head.length - back;
      break;
    }
    if (byte < 0x80) break;
  }
  return head.subarray(0, end);
}
