import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { METADATA_ENCODING_KEY, type Payload, type PayloadCodec } from '@temporalio/common';
import { decode, encode } from '@temporalio/common/lib/encoding.js';
import proto from '@temporalio/proto';
import { Failure } from '../domain/failures.ts';
import type { PayloadKey } from '../sealed/keyring.ts';

const encoding = 'binary/encrypted';
const keyIdName = 'encryption-key-id';
const nonceBytes = 12;
const tagBytes = 16;

/** A raw key would be made into a key object for each payload: four times the cost of encrypting it. */
interface Key {
  readonly id: Buffer;
  readonly hex: string;
  readonly key: KeyObject;
}

/**
 * Encrypts every payload that Temporal stores: AES-256-GCM (NIST SP 800-38D) over the payload's protobuf, nonce first,
 * tag last, the key's id as associated data.
 */
export class EncryptingCodec implements PayloadCodec {
  private readonly current: Key;
  private readonly keys: ReadonlyMap<string, Key>;

  /** @param keys all payload keys of the repository, newest last; at least one */
  constructor(keys: readonly PayloadKey[]) {
    const made = keys.map(({ id, key }) => ({ id, hex: id.toString('hex'), key: createSecretKey(key) }));
    const current = made.at(-1);
    if (current === undefined) throw new RangeError('at least one payload key is needed');
    this.current = current;
    this.keys = new Map(made.map((key) => [key.hex, key]));
  }

  async encode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => this.encrypt(payload));
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => this.decrypt(payload));
  }

  private encrypt(payload: Payload): Payload {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.current.key, nonce).setAAD(this.current.id);
    const plain = proto.temporal.api.common.v1.Payload.encode(payload).finish();
    const data = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    return {
      metadata: { [METADATA_ENCODING_KEY]: encode(encoding), [keyIdName]: encode(this.current.hex) },
      data,
    };
  }

  private decrypt(payload: Payload): Payload {
    const name = payload.metadata?.[METADATA_ENCODING_KEY];
    if (!name || decode(name) !== encoding) return payload;
    const keyId = decode(payload.metadata?.[keyIdName] ?? new Uint8Array());
    const key = this.keys.get(keyId);
    if (key === undefined) throw new Failure('unknown_key', { keyId });
    const data = Buffer.from(payload.data ?? []);
    const decipher = createDecipheriv('aes-256-gcm', key.key, data.subarray(0, nonceBytes))
      .setAAD(key.id)
      .setAuthTag(data.subarray(-tagBytes));
    const plain = Buffer.concat([decipher.update(data.subarray(nonceBytes, -tagBytes)), decipher.final()]);
    return proto.temporal.api.common.v1.Payload.decode(plain);
  }
}
