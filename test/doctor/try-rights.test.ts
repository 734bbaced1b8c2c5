import { afterAll, beforeAll, expect, test } from 'vitest';
import { triedActions, tryRights } from '../../src/doctor/try-rights.ts';
import { openS3Store } from '../../src/storage/s3-store.ts';
import { startVersitygw, type Versitygw } from '../storage/versitygw.ts';

let server: Versitygw;
beforeAll(async () => {
  server = await startVersitygw();
});
afterAll(() => server.stop());

const optionsOf = ({ endpoint, region, credentialsFile }: Versitygw) => ({
  ...{ name: 'x', endpoint, region, credentialsFile, bucket: 'rights' },
  ...{ forcePathStyle: true, jurisdiction: 'local' },
});
const all = (answer: string) => Object.fromEntries(triedActions.map((action) => [action, answer]));

test('an owner may all that is tried, and no try leaves a trace', async () => {
  const options = optionsOf(server);
  const store = await openS3Store(options);
  await store.ensureBucket();
  expect(Object.fromEntries(await tryRights(options, 'p/probe/rights'))).toEqual(all('granted'));
  expect(await Array.fromAsync(store.listVersions(''))).toEqual([]);
  expect(await Array.fromAsync(store.listMultiparts(''))).toEqual([]);
  store.close();
});

test('of a server that does not answer nothing is known', async () => {
  const options = { ...optionsOf(server), endpoint: 'http://127.0.0.1:1' };
  expect(Object.fromEntries(await tryRights(options, 'p/probe/rights'))).toEqual(all('unclear'));
});
