/** The given chunks, one after the other, as a file's segments come. */
export async function* chunked(...chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

/** A zip archive (PKWARE APPNOTE 6.3) of one entry that claims to be encrypted, which is all a scanner can see. */
export function encryptedZip(): Buffer {
  const name = Buffer.from('secret.txt');
  const data = Buffer.alloc(40, 0x5a);
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(1, 2);
  common.writeUInt32LE(0x12345678, 10);
  common.writeUInt32LE(data.length, 14);
  common.writeUInt32LE(data.length - 12, 18);
  common.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, name, data]);
  const central = Buffer.concat([
    Buffer.from('PK\x01\x02\x14\x00', 'latin1'),
    common,
    Buffer.alloc(14),
    name,
  ]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}
