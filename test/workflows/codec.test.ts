import { randomBytes, randomUUID } from 'node:crypto';
import { ApplicationFailure, type Payload } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { isFailure } from '../../src/domain/failures.ts';
import type { PayloadKey } from '../../src/sealed/keyring.ts';
import { EncryptingCodec } from '../../src/temporal/codec.ts';
import { dataConverter } from '../../src/temporal/connect.ts';
import type { protectFile } from '../../workflows/protect-file.ts';
import { clientOf, runWorker, useTemporal } from '../support/temporal.ts';
import { madeUpSteps } from './steps.ts';

const temporal = useTemporal();
const newKey = (): PayloadKey => ({ id: randomBytes(16), key: randomBytes(32) });
const marker = 'VERY-SECRET-MARKER';

/** The whole history as the server has it, of a workflow whose input, answers and failures hold the marker. */
async function rawHistory(keys: readonly PayloadKey[] | undefined): Promise<string> {
  const taskQueue = `files.${randomUUID()}`;
  const converter = keys && dataConverter(keys);
  const { activities } = madeUpSteps({
    scan: () => {
      throw ApplicationFailure.nonRetryable(`ENOENT: ${marker}`, 'internal', { detail: marker });
    },
    fingerprint: (input) =>
      (input as { large?: boolean }).large
        ? { next: 'admit', versionId: marker, large: true }
        : { next: 'large' },
  });
  await runWorker(temporal(), taskQueue, activities, converter ? { dataConverter: converter } : {});
  const handle = await clientOf(temporal(), converter).workflow.start<typeof protectFile>('protectFile', {
    workflowId: `protect:${randomUUID()}`,
    taskQueue,
    args: [
      // The run is what workflows are searched by, and stays readable.
      {
        ...{ entryId: marker, runId: randomUUID() },
        ...{ retry: { maxRetries: 0, retryDelayMs: 1 }, hostQueue: taskQueue },
      },
    ],
  });
  await handle.result().catch(() => undefined);
  const { history } = await temporal().env.connection.workflowService.getWorkflowExecutionHistory({
    namespace: 'default',
    execution: { workflowId: handle.workflowId },
  });
  // Bytes are base64 in the JSON form: each string counts as it is and decoded, so that nothing hides.
  const texts: string[] = [];
  JSON.stringify(history, (_name, value: unknown) => {
    if (typeof value === 'string') texts.push(value, Buffer.from(value, 'base64').toString('utf8'));
    return value;
  });
  return texts.join('\n');
}

describe('invariant 10: what Temporal stores', () => {
  test('without the codec holds payloads and messages in plain text (so this test can see them)', async () => {
    const history = await rawHistory(undefined);
    expect(history.split(marker).length - 1).toBeGreaterThan(5);
  });

  test('with the codec holds neither payloads nor failure messages and stacks', async () => {
    const history = await rawHistory([newKey()]);
    expect(history).not.toContain(marker);
    expect(history).not.toContain('ENOENT');
    expect(history).not.toMatch(/\.ts:\d+/);
    expect(history).toContain('binary/encrypted');
    expect(history).toContain('Encoded failure');
    // Names of steps and codes of failures stay readable for whoever operates the cluster.
    expect(history).toContain('fingerprint');
    expect(history).toContain('internal');
  });
});

describe('EncryptingCodec', () => {
  test('gives back what went in, and encrypts the same payload differently each time', async () => {
    const codec = new EncryptingCodec([newKey()]);
    const [first, second] = await codec.encode([plain(marker), plain(marker)]);
    expect(Buffer.from(first?.data ?? []).equals(Buffer.from(second?.data ?? []))).toBe(false);
    const [decoded] = await codec.decode([first as Payload]);
    expect(Buffer.from(decoded?.data ?? []).toString()).toBe(marker);
    expect(Buffer.from(decoded?.metadata?.encoding ?? []).toString()).toBe('json/plain');
  });

  test('encrypts with the newest key and still reads what older ones encrypted', async () => {
    const [old, current] = [newKey(), newKey()];
    const [before] = await new EncryptingCodec([old]).encode([plain('old')]);
    const codec = new EncryptingCodec([old, current]);
    const [after] = await codec.encode([plain('new')]);
    expect(keyIdOf(before)).toBe(old.id.toString('hex'));
    expect(keyIdOf(after)).toBe(current.id.toString('hex'));
    const decoded = await codec.decode([before as Payload, after as Payload]);
    expect(decoded.map((one) => Buffer.from(one.data ?? []).toString())).toEqual(['old', 'new']);
  });

  test('refuses every flipped bit, and a key id that was exchanged', async () => {
    const [key, other] = [newKey(), newKey()];
    const codec = new EncryptingCodec([key, other]);
    const [encoded] = await codec.encode([plain('x')]);
    const data = Buffer.from(encoded?.data ?? []);
    for (let at = 0; at < data.length; at++) {
      const flipped = Buffer.from(data);
      flipped.writeUInt8((flipped[at] ?? 0) ^ 1, at);
      await expect(codec.decode([{ ...encoded, data: flipped }])).rejects.toThrow();
    }
    const exchanged = {
      ...encoded,
      metadata: { ...encoded?.metadata, 'encryption-key-id': Buffer.from(key.id.toString('hex')) },
    };
    await expect(codec.decode([exchanged])).rejects.toThrow();
  });

  test('names a key it does not have', async () => {
    const key = newKey();
    const encoded = await new EncryptingCodec([key]).encode([plain('x')]);
    const decoding = new EncryptingCodec([newKey()]).decode(encoded);
    await expect(decoding).rejects.toSatisfy((error) => isFailure(error, 'unknown_key'));
    await expect(decoding).rejects.toThrow(key.id.toString('hex'));
  });

  test('needs a key', () => {
    expect(() => new EncryptingCodec([])).toThrow(RangeError);
  });
});

const plain = (text: string): Payload => ({
  metadata: { encoding: Buffer.from('json/plain') },
  data: Buffer.from(text),
});

const keyIdOf = (payload: Payload | undefined): string =>
  Buffer.from(payload?.metadata?.['encryption-key-id'] ?? []).toString();
