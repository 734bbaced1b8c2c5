/** What of a message can be seen without a key: docs/format.md section 8.1, item 1 and the head of item 2. */
import { Failure } from '../domain/failures.ts';
import { PacketParser } from './packet-parser.ts';
import { passphraseName } from './recipients.ts';

const publicKeySessionKey = 1;
const passphraseSessionKey = 3;
const integrityProtected = 18;

/** RSA with 16,384 bits has 2,060 bytes. */
const maxSessionKeyPacketBytes = 4_096;
const maxRecipients = 1_000;

/**
 * Follows the packets of a message from its first byte to its last, as they come, and lets nothing pass that section 8.1
 * does not allow: failure `unsupported_format`.
 */
export class OuterPackets {
  private readonly parser = new PacketParser(
    {
      begin: (tag, length, isPartial) => this.begin(tag, length, isPartial),
      body: (bytes) => this.body(bytes),
      end: () => this.end(),
    },
    unsupported,
  );
  private readonly keyIds: string[] = [];
  private hasPassphrase = false;
  private tag = 0;
  private state: 'session keys' | 'data' | 'done' = 'session keys';
  private sessionKeyPacket = Buffer.alloc(0);
  private readonly sessionKeyPackets: Buffer[] = [];
  private dataBytes = 0;
  private data: Buffer[] = [];

  /**
   * Takes the next bytes of the message; gives what of them is encrypted data, without its version octet. The pieces share
   * the memory of `bytes`.
   */
  add(bytes: Buffer): readonly Buffer[] {
    this.data = [];
    this.parser.add(bytes);
    return this.data;
  }

  /** There are no more bytes. */
  finish(): void {
    this.parser.finish();
    if (this.state !== 'done' || this.dataBytes < 1) throw unsupported('it holds no encrypted data');
  }

  /** As `Recipients.names`; complete once there is encrypted data. */
  recipients(): readonly string[] {
    return [...this.keyIds.sort(), ...(this.hasPassphrase ? [passphraseName] : [])];
  }

  /** The session key packets' bytes, headers included; complete once there is encrypted data. */
  sessionKeys(): Buffer {
    return Buffer.concat(this.sessionKeyPackets);
  }

  private begin(tag: number, length: number, isPartial: boolean): void {
    this.tag = tag;
    if (this.state !== 'session keys') throw unsupported('something follows the encrypted data');
    if (tag === integrityProtected) {
      if (this.recipients().length === 0) throw unsupported('encrypted data for nobody');
      this.state = 'data';
      return;
    }
    const isSessionKey = tag === publicKeySessionKey || (tag === passphraseSessionKey && !this.hasPassphrase);
    if (!isSessionKey) throw unsupported(`a packet with tag ${tag} where none may be`);
    if (isPartial || length > maxSessionKeyPacketBytes)
      throw unsupported('a session key packet of this length');
    this.sessionKeyPacket = Buffer.alloc(0);
  }

  private body(bytes: Buffer): void {
    if (this.state === 'session keys') {
      this.sessionKeyPacket = Buffer.concat([this.sessionKeyPacket, bytes]);
      return;
    }
    const isFirst = this.dataBytes === 0;
    if (isFirst && bytes[0] !== 1) throw unsupported(`encrypted data of version ${bytes[0]}`);
    this.dataBytes += bytes.length;
    const data = isFirst ? bytes.subarray(1) : bytes;
    if (data.length > 0) this.data.push(data);
  }

  private end(): void {
    if (this.state === 'data') {
      this.state = 'done';
      return;
    }
    const packet = this.sessionKeyPacket;
    if (this.tag === publicKeySessionKey) this.publicKeyPacket(packet);
    else this.passphrasePacket(packet);
    this.sessionKeyPackets.push(header(this.tag, packet.length), packet);
  }

  private publicKeyPacket(packet: Buffer): void {
    if (packet[0] !== 3 || packet.length < 10) throw unsupported('a session key packet of another version');
    if (this.keyIds.length === maxRecipients) throw unsupported('too many recipients');
    this.keyIds.push(packet.toString('hex', 1, 9));
  }

  /** Version 4, AES-256, iterated and salted S2K with SHA-256, 8 bytes of salt and the highest count, then the session key. */
  private passphrasePacket(packet: Buffer): void {
    const isOurs = packet.length === 46 && packet.toString('hex', 0, 4) === '04090308' && packet[12] === 255;
    if (!isOurs) throw unsupported('a passphrase packet of another kind');
    this.hasPassphrase = true;
  }
}

/** Of a session key packet, whose body is short. */
function header(tag: number, length: number): Buffer {
  const octets = length < 192 ? [length] : [192 + ((length - 192) >> 8), (length - 192) & 0xff];
  return Buffer.of(0xc0 | tag, ...octets);
}

function unsupported(detail: string): Failure {
  return new Failure('unsupported_format', { detail });
}
