/** Small contents that tell how a scanner is set up: zip archives (PKWARE APPNOTE 6.3). */
import { crc32, deflateRawSync } from 'node:zlib';
import { testFile } from './test-file.ts';

/** The test file, compressed: only who opens the archive finds it. */
export const zippedTestFile = (): Buffer => zipOf({ name: 'test.com', content: testFile });

/** A member that is said to be encrypted, which is all that a scanner without the password can see. */
export const encryptedMember = (): Buffer =>
  zipOf({ name: 'secret.txt', content: Buffer.alloc(40, 0x5a), isStored: true, isEncrypted: true });

/** More archives in one another than any MaxRecursion allows: 100 is the highest. */
export function nestedArchive(depth = 101): Buffer {
  let content: Buffer = Buffer.from('nothing');
  for (let level = 0; level < depth; level++) content = zipOf({ name: `${level}.zip`, content });
  return content;
}

/** A member that is said to be as long as the format can say: no scanner looks at all of such a one. */
export const longMember = (): Buffer =>
  zipOf({ name: 'long.bin', content: Buffer.from('nothing'), saidBytes: 0xffff_fffe });

export interface ZipMember {
  readonly name: string;
  readonly content: Buffer;
  readonly isStored?: boolean;
  readonly isEncrypted?: boolean;
  /** The length that the headers tell; the content's where it is left out. Bytes. */
  readonly saidBytes?: number;
}

/** A zip archive of these members, compressed unless they are stored. */
export function zipOf(...members: readonly ZipMember[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { name: text, content, isStored = false, isEncrypted = false, saidBytes } of members) {
    const name = Buffer.from(text);
    const data = isStored ? content : deflateRawSync(content);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(isEncrypted ? 1 : 0, 2);
    common.writeUInt16LE(isStored ? 0 : 8, 4);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(saidBytes ?? content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const at = Buffer.alloc(14);
    at.writeUInt32LE(offset, 10);
    centrals.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, at, name);
    locals.push(Buffer.from('PK\x03\x04', 'latin1'), common, name, data);
    offset += 30 + name.length + data.length;
  }
  const central = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, central, end]);
}
