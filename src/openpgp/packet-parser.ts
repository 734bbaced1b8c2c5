/** Reading packets of the new format as their bytes come: RFC 4880 section 4.2.2. Shares no code with what writes them. */
import type { Failure } from '../domain/failures.ts';

/** Told of each packet in turn. */
export interface PacketHandler {
  /** @param length of its body, or of the first part of it where `isPartial` */
  begin(tag: number, length: number, isPartial: boolean): void;
  /** The next bytes of its body, at least one. They are only valid during the call. */
  body(bytes: Buffer): void;
  end(): void;
}

/** The handler's failures pass through. */
export class PacketParser {
  private readonly handler: PacketHandler;
  private readonly refusal: (detail: string) => Failure;
  private state: 'tag' | 'length' | 'body' = 'tag';
  private tag = 0;
  private hasBegun = false;
  private isPartial = false;
  /** Octets of a length, as far as they have come. */
  private lengthOctets: number[] = [];
  /** Bytes of the body, or of its part, that are still to come. */
  private left = 0;

  /** @param refusal what is thrown for bytes that are not packets of the new format */
  constructor(handler: PacketHandler, refusal: (detail: string) => Failure) {
    this.handler = handler;
    this.refusal = refusal;
  }

  add(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.state === 'body') {
        const piece = bytes.subarray(at, at + this.left);
        at += piece.length;
        this.left -= piece.length;
        this.handler.body(piece);
        if (this.left === 0) this.partEnds();
      } else {
        const octet = bytes[at] as number;
        at += 1;
        if (this.state === 'tag') this.tagIs(octet);
        else this.lengthOctet(octet);
      }
    }
  }

  /** There are no more bytes. */
  finish(): void {
    if (this.state !== 'tag') throw this.refusal('it ends early');
  }

  private tagIs(octet: number): void {
    if ((octet & 0xc0) !== 0xc0) throw this.refusal('something that is no packet of the new format');
    this.tag = octet & 0x3f;
    this.hasBegun = false;
    this.state = 'length';
  }

  private lengthOctet(octet: number): void {
    this.lengthOctets.push(octet);
    const [first = 0, second = 0] = this.lengthOctets;
    const count = this.lengthOctets.length;
    if (first < 192) this.lengthIs(first, false);
    else if (first < 224) {
      if (count === 2) this.lengthIs((first - 192) * 256 + second + 192, false);
    } else if (first < 255) this.lengthIs(2 ** (first & 0x1f), true);
    else if (count === 5) this.lengthIs(Buffer.from(this.lengthOctets).readUInt32BE(1), false);
  }

  private lengthIs(length: number, isPartial: boolean): void {
    this.lengthOctets = [];
    this.left = length;
    this.isPartial = isPartial;
    this.state = 'body';
    if (!this.hasBegun) this.handler.begin(this.tag, length, isPartial);
    this.hasBegun = true;
    if (length === 0) this.partEnds();
  }

  private partEnds(): void {
    if (this.isPartial) {
      this.state = 'length';
      return;
    }
    this.state = 'tag';
    this.handler.end();
  }
}
