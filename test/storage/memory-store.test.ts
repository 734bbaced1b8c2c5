import { expect, test } from 'vitest';
import { Failure } from '../../src/domain/failures.ts';
import { MemoryStore, type StoreCall } from '../../src/storage/memory-store.ts';
import { failureOf, objectStoreContract, sha256 } from './contract.ts';

objectStoreContract('memory store', async () => {
  const options = { name: 'memory', now: () => new Date() };
  const store = new MemoryStore(options);
  return {
    store,
    plantDeleteMarker: async (key) => store.plantDeleteMarker(key),
    plantVersion: async (key, body) => store.plantVersion(key, body),
    open: async (condition) =>
      new MemoryStore({ ...options, bucket: condition === 'bucket_absent' ? 'absent' : 'without_lock' }),
    stop: async () => {},
  };
});

const body = Buffer.from('bytes');
const lock = { mode: 'COMPLIANCE', days: 1 } as const;
const object = { key: 'k', body, sha256: sha256(body), lock };

test('a lock ends with the injected clock', async () => {
  let now = new Date('2030-01-01T00:00:00Z');
  const store = new MemoryStore({ name: 'memory', now: () => now });
  const put = await store.put(object);
  if (put.kind !== 'stored') throw new Error(put.kind);
  expect(put.lock.retainUntil).toEqual(new Date('2030-01-02T00:00:00Z'));
  expect(await store.deleteVersion({ key: 'k', versionId: put.versionId })).toBe('refused');
  now = new Date('2030-01-02T00:00:00Z');
  expect(await store.deleteVersion({ key: 'k', versionId: put.versionId })).toBe('deleted');
});

test('an injected fault strikes before the write, or after it when only the answer is lost', async () => {
  let strike: StoreCall['moment'] = 'before';
  const store = new MemoryStore({
    name: 'memory',
    now: () => new Date(),
    fault: ({ operation, moment }) => {
      if (operation === 'put' && moment === strike) {
        throw new Failure('s3_unavailable', { destination: 'memory', reason: 'injected' });
      }
    },
  });
  expect(await failureOf(store.put(object))).toBe('s3_unavailable');
  expect(await store.versionsOf('k')).toEqual([]);
  strike = 'after';
  expect(await failureOf(store.put(object))).toBe('s3_unavailable');
  expect(await store.versionsOf('k')).toHaveLength(1);
});
