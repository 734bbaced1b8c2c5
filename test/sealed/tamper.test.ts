import { describe, expect, it } from 'vitest';
import { deriveFileKeys, type SealingKey } from '../../src/sealed/keys.ts';
import { footerBytes, footerOffset } from '../../src/sealed/layout.ts';
import { type ByteSource, openBytes, openSealed } from '../../src/sealed/open.ts';
import { Sealer, sealWhole } from '../../src/sealed/seal.ts';
import { key, mebibyte, noise, options, planFor, prose, refusalOf, sourceOf } from './samples.ts';

const allowed = ['tampered', 'unsupported_format', 'unknown_key'];

/** The refusal of `bytes`, and how many plaintext segments came out before it. */
async function streamed(
  bytes: Buffer,
  from = options,
): Promise<{ code: string | undefined; givenOut: number }> {
  let givenOut = 0;
  const code = await refusalOf(async () => {
    for await (const _ of (await openSealed(sourceOf(bytes), from)).segments()) givenOut += 1;
  });
  return { code, givenOut };
}

const inMemory = (bytes: Buffer) => refusalOf(() => openBytes(bytes, options).content());

describe('altered bytes are refused before any plaintext', () => {
  const content = Buffer.from('a small file whose every byte matters');
  const plan = planFor(content, { path: Buffer.from('f') });
  const sealed = sealWhole(plan, content);

  it('every single bit', async () => {
    for (let at = 0; at < sealed.length; at++) {
      for (const bit of [1, 0x80]) {
        const bytes = Buffer.from(sealed);
        bytes.writeUInt8(bytes.readUInt8(at) ^ bit, at);
        const { code, givenOut } = await streamed(bytes);
        expect(allowed, `byte ${at}`).toContain(code);
        expect(givenOut).toBe(0);
        expect(await inMemory(bytes)).toBe(code);
      }
    }
  });

  it('a segment by its tag, before anything is decrypted of it', () => {
    const bytes = Buffer.from(sealed);
    const segmentAt = sealed.length - footerBytes - 20 - content.length;
    bytes.writeUInt8(bytes.readUInt8(segmentAt) ^ 1, segmentAt);
    // The content's SHA-512 would tell as well, but only of what was decrypted and decompressed already.
    expect(() => openBytes(bytes, options).content()).toThrow(
      expect.objectContaining({ facts: { detail: 'segment 0 does not match its tag' } }),
    );
  });

  it('every truncation, from either end', async () => {
    for (let length = 0; length < sealed.length; length++) {
      expect(await inMemory(sealed.subarray(0, length))).toBe('tampered');
      expect(await inMemory(sealed.subarray(sealed.length - length))).toBe('tampered');
    }
    expect(await streamed(sealed.subarray(0, -1))).toEqual({ code: 'tampered', givenOut: 0 });
  });

  it('extensions, at either end and everywhere between', async () => {
    for (let at = 0; at <= sealed.length; at++) {
      const bytes = Buffer.concat([sealed.subarray(0, at), Buffer.of(0), sealed.subarray(at)]);
      expect(await inMemory(bytes), `at ${at}`).toBe('tampered');
    }
    expect(await inMemory(Buffer.concat([sealed, sealed]))).toBe('tampered');
  });

  it('any section exchanged with that of another file under the same key', async () => {
    const other = sealWhole({ ...plan, iv: Buffer.alloc(16, 7) }, content);
    const segmentAt = sealed.length - footerBytes - 20 - content.length;
    const cuts = [
      0,
      16,
      20,
      segmentAt,
      segmentAt + content.length,
      sealed.length - footerBytes,
      sealed.length,
    ];
    for (let section = 0; section + 1 < cuts.length; section++) {
      const mixed = Buffer.from(sealed);
      other.copy(mixed, cuts[section], cuts[section], cuts[section + 1]);
      // The metadata's length is the same in both, so exchanging it changes nothing.
      const expected = section === 1 ? undefined : 'tampered';
      expect(await inMemory(mixed), `section ${section}`).toBe(expected);
    }
  });

  it('a segment of a later place, or with its table entry', async () => {
    const long = noise(3 * mebibyte);
    const file = sealWhole(planFor(long), long);
    const start = file.length - footerBytes - 60 - long.length;
    const swapped = Buffer.from(file);
    file.copy(swapped, start, start + mebibyte, start + 2 * mebibyte);
    file.copy(swapped, start + mebibyte, start, start + mebibyte);
    expect(await streamed(swapped)).toEqual({ code: 'tampered', givenOut: 0 });
    const table = file.length - footerBytes - 60;
    file.copy(swapped, table, table + 20, table + 40);
    file.copy(swapped, table + 20, table, table + 20);
    expect(await streamed(swapped)).toEqual({ code: 'tampered', givenOut: 0 });
  });

  it('a middle segment: what came before it is genuine, and nothing comes after', async () => {
    const long = prose(3 * mebibyte);
    const file = sealWhole(planFor(long), long);
    const at = file.length - footerBytes - 60 - mebibyte - mebibyte / 2;
    file.writeUInt8(file.readUInt8(at) ^ 1, at);
    expect(await streamed(file)).toEqual({ code: 'tampered', givenOut: 1 });
  });

  it('a source that gives fewer bytes than it said', async () => {
    const lying = {
      lengthBytes: sealed.length,
      read: async (offset: number, length: number) => sealed.subarray(offset, offset + length - 1),
    };
    expect(await refusalOf(() => openSealed(lying, options))).toBe('tampered');
  });
});

describe('declared lengths reserve nothing', () => {
  const content = Buffer.from('x');
  const sealed = sealWhole(planFor(content), content);

  it('no read is asked for that the file cannot hold', async () => {
    const tail = sealed.length - footerBytes;
    const lies: [at: number, value: bigint, bytes: 4 | 8][] = [
      [16, 0xffff_ffffn, 4],
      [16, 0x10_0000n, 4],
      [tail + footerOffset.segmentSize, 0x8000_0000n, 4],
      [tail + footerOffset.segmentCount, 0xffff_ffffn, 4],
      [tail + footerOffset.plaintextLength, 2n ** 46n, 8],
      [tail + footerOffset.plaintextLength, 2n ** 64n - 1n, 8],
      [tail + footerOffset.ciphertextLength, 2n ** 62n, 8],
      [tail + footerOffset.tableLength, 2n ** 40n, 8],
    ];
    for (const [at, value, bytes] of lies) {
      const file = Buffer.from(sealed);
      if (bytes === 4) file.writeUInt32BE(Number(value), at);
      else file.writeBigUInt64BE(value, at);
      const { source, asked } = countingSource(file);
      expect(await refusalOf(() => openSealed(source, options))).toBe('tampered');
      expect(asked).toEqual([20, 128]);
    }
  });

  it('metadata above the limit is not read though the file holds it', async () => {
    const padded = Buffer.concat([sealed.subarray(0, 20), Buffer.alloc(mebibyte), sealed.subarray(20)]);
    padded.writeUInt32BE(sealed.readUInt32BE(16) + mebibyte, 16);
    const { source, asked } = countingSource(padded);
    expect(await refusalOf(() => openSealed(source, options))).toBe('tampered');
    expect(asked).toEqual([20, 128]);
  });

  it.each([
    ['declares its length', Buffer.from('28b52ffda000001000', 'hex')],
    ['declares no length', Buffer.from('28b52ffd0050', 'hex')],
  ])('1 GiB in a compressed segment of 1 MiB takes no memory: %s', async (_, header) => {
    const zeros = Buffer.alloc(mebibyte);
    const sealer = new Sealer(planFor(zeros, { compression: { algorithm: 'zstd', level: 1 } }));
    const bomb = { index: 0, bytes: Buffer.concat([header, zeroBlocks(8192)]), raw: false };
    const file = Buffer.concat([sealer.header(), sealer.append(bomb), sealer.trailer()]);
    const peakBefore = process.resourceUsage().maxRSS;
    expect(await streamed(file)).toEqual({ code: 'tampered', givenOut: 0 });
    expect(await inMemory(file)).toBe('tampered');
    const grownKibibytes = process.resourceUsage().maxRSS - peakBefore;
    expect(grownKibibytes).toBeLessThan(64 * 1024);
  });
});

/** A source that notes the length of each read. */
function countingSource(file: Buffer): { source: ByteSource; asked: number[] } {
  const asked: number[] = [];
  const inner = sourceOf(file);
  const source: ByteSource = {
    lengthBytes: inner.lengthBytes,
    read: (offset, length) => {
      asked.push(length);
      return inner.read(offset, length);
    },
  };
  return { source, asked };
}

/** The blocks of a Zstandard frame: each is 128 KiB of zeros in four bytes (RFC 8878 section 3.1.1.2). */
function zeroBlocks(count: number): Buffer {
  const rows = Buffer.alloc(4 * count);
  for (let n = 0; n < count; n++) rows.writeUIntLE((n === count - 1 ? 1 : 0) + 2 + 131_072 * 8, 4 * n, 3);
  return rows;
}

describe('keys', () => {
  it('the file keys depend on key, key id, purpose and IV', () => {
    const iv = Buffer.alloc(16);
    const encryptionKey = (k: SealingKey, nonce: Buffer) =>
      deriveFileKeys(k, 'content', nonce).encrypt.export().toString('hex');
    const all = [
      encryptionKey(key, iv),
      encryptionKey({ ...key, id: Buffer.alloc(16, 1) }, iv),
      encryptionKey({ ...key, secret: Buffer.alloc(64, 1) }, iv),
      encryptionKey(key, Buffer.alloc(16, 1)),
      deriveFileKeys(key, 'content', iv).authenticate.export().toString('hex'),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it('the reader asks for the key of the footer', async () => {
    const content = Buffer.from('x');
    const asked: Buffer[] = [];
    const from = { ...options, keys: (id: Buffer) => void asked.push(id) };
    expect((await streamed(sealWhole(planFor(content), content), from)).code).toBe('unknown_key');
    expect(asked).toEqual([key.id]);
  });
});
