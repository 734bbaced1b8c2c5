import type { Payload, PayloadCodec } from '@temporalio/common';
import { z } from 'zod';
import { Failure, isFailure } from '../domain/failures.ts';

/**
 * Payloads as JSON (protobuf's JSON mapping: bytes are base64), as Temporal's Web UI and CLI send and expect them
 * (docs.temporal.io, "Codec Server"). What else they carry is passed through.
 */
const body = z.object({
  payloads: z
    .array(
      z.looseObject({
        metadata: z.record(z.string(), z.base64()).optional(),
        data: z.base64().optional(),
      }),
    )
    .max(10_000),
});

type JsonPayload = z.infer<typeof body>['payloads'][number];

export interface Decoded {
  readonly payloads: readonly JsonPayload[];
  /** How many were decrypted. */
  readonly decrypted: number;
  /** How many are left as they are, because the keyring has no such key. */
  readonly unknownKey: number;
}

/** What was sent is no JSON of payloads. */
export class InvalidBody extends Error {}

/**
 * Decrypts the payloads of a request's body, in their order. What is not ours, or under a key that the keyring lacks, is left
 * as it is. Throws {@link InvalidBody}, and Failure `tampered` for what is not as it was encrypted.
 */
export async function decodeBody(codec: Pick<PayloadCodec, 'decode'>, text: string): Promise<Decoded> {
  const { payloads } = parse(text);
  let decrypted = 0;
  let unknownKey = 0;
  const answer: JsonPayload[] = [];
  for (const payload of payloads) {
    try {
      const given = fromJson(payload);
      const [plain = given] = await codec.decode([given]);
      if (plain !== given) decrypted += 1;
      answer.push(plain === given ? payload : toJson(plain));
    } catch (error) {
      if (!isFailure(error, 'unknown_key'))
        throw new Failure('tampered', { detail: 'an encrypted payload' }, { cause: error });
      unknownKey += 1;
      answer.push(payload);
    }
  }
  return { payloads: answer, decrypted, unknownKey };
}

function parse(text: string): z.infer<typeof body> {
  try {
    return body.parse(JSON.parse(text));
  } catch (error) {
    throw new InvalidBody('not payloads as Temporal sends them', { cause: error });
  }
}

function fromJson({ metadata = {}, data = '' }: JsonPayload): Payload {
  const entries = Object.entries(metadata).map(
    ([key, value]) => [key, Buffer.from(value, 'base64')] as const,
  );
  return { metadata: Object.fromEntries(entries), data: Buffer.from(data, 'base64') };
}

function toJson({ metadata, data }: Payload): JsonPayload {
  const entries = Object.entries(metadata ?? {}).map(([key, value]) => [key, base64(value)] as const);
  return { metadata: Object.fromEntries(entries), data: base64(data ?? new Uint8Array()) };
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
