import { expect, test } from 'vitest';
import { sniffMediaType } from '../../src/files/sniff.ts';
import { bytes } from './temp-tree.ts';

const ooxmlStart = 'PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0AAAABBBBCCCC\x13\0\0\0[Content_Types].xml';

test.each([
  ['', 'application/x-empty'],
  ['%PDF-1.7\n%\xe2\xe3', 'application/pdf'],
  ['\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'image/png'],
  ['\xff\xd8\xff\xe0\0\x10JFIF', 'image/jpeg'],
  ['\x1f\x8b\x08\0\0', 'application/gzip'],
  ['\x28\xb5\x2f\xfd\x04', 'application/zstd'],
  ['\x7fELF\x02\x01\x01', 'application/x-elf'],
  ['SQLite format 3\0\x10\0', 'application/vnd.sqlite3'],
  ['\0\0\0\x20ftypisom', 'video/mp4'],
  ['RIFF\x24\0\0\0WEBPVP8 ', 'image/webp'],
  [`${'x'.repeat(257)}ustar\x0000`, 'application/x-tar'],
  ['PK\x03\x04\x14\0\0\0\0\0\0\0!\0AAAABBBBCCCC\x05\0\0\0a.txt', 'application/zip'],
  [
    `PK\x03\x04\x14\0\0\0\0\0\0\0!\0AAAABBBBCCCC\x08\0\0\0mimetypeapplication/vnd.oasis.opendocument.textPK\x03\x04`,
    'application/vnd.oasis.opendocument.text',
  ],
  [
    `${ooxmlStart}...PK\x03\x04......word/document.xml`,
    'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  ],
  [
    `${ooxmlStart}...PK\x03\x04......xl/workbook.xml`,
    'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  ],
  ['MZ\x90\0\x03\0\0\0', 'application/vnd.microsoft.portable-executable'],
  ['MZ is how some words begin', 'text/plain'],
  ['BMW and others', 'text/plain'],
  ['#!/bin/sh\necho hi', 'text/x-shellscript'],
  ['{"a": 1}', 'application/json'],
  ['\n <!DOCTYPE html><html>', 'text/html'],
  ['<?xml version="1.0"?>', 'application/xml'],
  ['plain words\n', 'text/plain'],
  ['latin1 caf\xe9', 'application/octet-stream'],
  ['a\0b', 'application/octet-stream'],
  ['\x01\x02\x03', 'application/octet-stream'],
])('sniffs %j as %s', (head, mediaType) => {
  expect(sniffMediaType(bytes(head))).toBe(mediaType);
});

test('a character cut at the end of the head is still text', () => {
  for (let shift = 0; shift < 4; shift++) {
    const text = Buffer.from(`${'a'.repeat(shift)}${'€'.repeat(400)}`);
    expect(sniffMediaType(text.subarray(0, 1024))).toBe('text/plain');
  }
});
