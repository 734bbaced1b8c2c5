/** What a write-only host writes for others to read: docs/format.md section 8.4. */
import { hash, type KeyObject, sign, verify } from 'node:crypto';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { openMessage, type SessionKeyFinder } from '../openpgp/open-message.ts';
import type { Recipients } from '../openpgp/recipients.ts';
import { sealMessage } from '../openpgp/seal-message.ts';

const magic = Buffer.from('HOLDFSGN', 'latin1');
const hostAt = 8;
const lengthAt = 24;
const signatureAt = 32;
const messageAt = 96;
const zlibLevel = 3;

/** A host as what it signs names it. */
export interface SigningHost {
  readonly id: Id;
  /** Ed25519. */
  readonly privateKey: KeyObject;
}

/** Seals content to the recipients and signs it: anyone can make a message, only the host this one. */
export async function sealSigned(
  host: SigningHost,
  recipients: Recipients,
  name: string,
  content: Buffer,
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const sealed = sealMessage(await recipients.newSessionKey(), zlibLevel, one(content));
  for await (const piece of sealed) pieces.push(piece);
  const message = Buffer.concat(pieces);
  const envelope = Buffer.alloc(messageAt);
  magic.copy(envelope);
  Buffer.from(host.id, 'hex').copy(envelope, hostAt);
  envelope.writeBigUInt64BE(BigInt(content.length), lengthAt);
  sign(null, signedBytes(name, content.length, message), host.privateKey).copy(envelope, signatureAt);
  return Buffer.concat([envelope, message]);
}

/** Whether bytes claim to be a signed message. */
export const isSignedMessage = (bytes: Buffer): boolean =>
  bytes.length >= messageAt && bytes.subarray(0, hostAt).equals(magic);

/** What a signed message gives. */
export interface OpenedSigned {
  /** The host that made it. */
  readonly host: Id;
  readonly content: Buffer;
}

/** What a reader has. */
export interface SignedReading {
  /** Ed25519 key of a host; undefined where none is known to be of this repository. */
  readonly publicKeyOf: (host: Id) => KeyObject | undefined;
  /** Undefined where nothing was given that could open messages. */
  readonly messageKeys: SessionKeyFinder | undefined;
}

/**
 * The content of a signed message, which has passed every check. Failures: `tampered`, `unknown_key` (of the host),
 * `openpgp_key_missing`, `openpgp_key_wrong`, `unsupported_format`.
 */
export async function openSigned(
  bytes: Buffer,
  name: string,
  maxContentBytes: number,
  { publicKeyOf, messageKeys }: SignedReading,
): Promise<OpenedSigned> {
  if (!isSignedMessage(bytes)) throw damaged('no signed message');
  const host = bytes.toString('hex', hostAt, lengthAt);
  const publicKey = publicKeyOf(host);
  if (publicKey === undefined) throw new Failure('unknown_key', { keyId: host });
  const contentBytes = bytes.readBigUInt64BE(lengthAt);
  if (contentBytes > maxContentBytes) throw damaged('longer than what it stands for can be');
  const message = bytes.subarray(messageAt);
  const signature = bytes.subarray(signatureAt, messageAt);
  if (!verify(null, signedBytes(name, Number(contentBytes), message), publicKey, signature)) {
    throw damaged('its signature is not of the host it names');
  }
  if (messageKeys === undefined) throw new Failure('openpgp_key_missing');
  const content: Buffer[] = [];
  for await (const piece of openMessage(one(message), messageKeys, Number(contentBytes)).content) {
    content.push(piece);
  }
  return { host, content: Buffer.concat(content) };
}

function signedBytes(name: string, contentBytes: number, message: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(contentBytes));
  const digest = hash('sha512', message, 'buffer');
  return Buffer.concat([Buffer.from(`holdfast/1/signed\0${name}\0`, 'latin1'), length, digest]);
}

async function* one(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

function damaged(detail: string): Failure {
  return new Failure('tampered', { detail });
}
