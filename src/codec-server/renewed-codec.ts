import type { Payload, PayloadCodec } from '@temporalio/common';
import { isFailure } from '../domain/failures.ts';
import type { PayloadKey } from '../sealed/keyring.ts';
import { EncryptingCodec } from '../temporal/codec.ts';

/** Where the keys come from. */
export interface KeySource {
  /** The same text as long as no key was added. */
  stamp(): Promise<string>;
  /** All payload keys, newest last. Takes half a second: a password is stretched. */
  open(): Promise<readonly PayloadKey[]>;
}

/**
 * Decrypts with the keys of a keyring. A payload under a key that it does not know has it look whether the keyring gained
 * some since, as after `key rotate --payload`; if so it is opened again, once for everybody who waits.
 */
export class RenewedCodec implements Pick<PayloadCodec, 'decode'> {
  readonly #source: KeySource;
  readonly #onRefused: (error: unknown) => void;
  #codec: EncryptingCodec;
  #stamp: string;
  #renewing: Promise<void> | undefined;

  private constructor(
    source: KeySource,
    { codec, stamp }: { readonly codec: EncryptingCodec; readonly stamp: string },
    onRefused: (error: unknown) => void,
  ) {
    this.#source = source;
    this.#onRefused = onRefused;
    this.#codec = codec;
    this.#stamp = stamp;
  }

  /** @param onRefused told once for each state of the keyring that cannot be opened; what was known is used on */
  static async open(source: KeySource, onRefused: (error: unknown) => void): Promise<RenewedCodec> {
    const stamp = await source.stamp();
    const codec = new EncryptingCodec(await source.open());
    return new RenewedCodec(source, { codec, stamp }, onRefused);
  }

  /** Failure `unknown_key` for what the keyring has no key for, also now. */
  async decode(payloads: Payload[]): Promise<Payload[]> {
    const tried = this.#codec;
    try {
      return await tried.decode(payloads);
    } catch (error) {
      if (!isFailure(error, 'unknown_key')) throw error;
      this.#renewing ??= this.#renew().finally(() => {
        this.#renewing = undefined;
      });
      await this.#renewing;
      if (this.#codec === tried) throw error;
      return this.#codec.decode(payloads);
    }
  }

  async #renew(): Promise<void> {
    try {
      const stamp = await this.#source.stamp();
      if (stamp === this.#stamp) return;
      // Also of what cannot be opened: it is not tried again for each payload.
      this.#stamp = stamp;
      this.#codec = new EncryptingCodec(await this.#source.open());
    } catch (error) {
      this.#onRefused(error);
    }
  }
}
