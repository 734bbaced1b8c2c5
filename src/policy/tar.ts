const blockBytes = 512;

export interface TarFile {
  /** At most 100 bytes of UTF-8, `/` between names. */
  readonly name: string;
  readonly content: Buffer;
}

/**
 * A ustar archive (POSIX.1-2001, pax "ustar Interchange Format") of plain files, in the given order, owned by
 * nobody and dated 1970, so that equal files give equal bytes.
 */
export function tar(files: readonly TarFile[]): Buffer {
  const blocks: Buffer[] = [];
  for (const file of files) {
    blocks.push(header(file), file.content, Buffer.alloc(padding(file.content.length)));
  }
  blocks.push(Buffer.alloc(2 * blockBytes));
  return Buffer.concat(blocks);
}

function header({ name, content }: TarFile): Buffer {
  if (Buffer.byteLength(name) > 100) throw new RangeError('name does not fit a ustar header');
  const block = Buffer.alloc(blockBytes);
  block.write(name, 0, 'utf8');
  block.write('0000644\0', 100, 'latin1');
  block.write('0000000\0', 108, 'latin1');
  block.write('0000000\0', 116, 'latin1');
  block.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  block.write('00000000000\0', 136, 'latin1');
  block.write('0', 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  return withChecksum(block);
}

/** The checksum counts its own field as eight spaces. */
function withChecksum(block: Buffer): Buffer {
  block.write('        ', 148, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function padding(lengthBytes: number): number {
  return (blockBytes - (lengthBytes % blockBytes)) % blockBytes;
}
