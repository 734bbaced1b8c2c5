import { afterAll, beforeAll, expect, test } from 'vitest';
import { isEmbedded, TestInstallation, until } from '../support/installation.ts';
import { expectNothingDoubled, protectWhile } from '../support/outage.ts';

/**
 * What the pipeline needs is killed in the middle of a run of `protect`, and comes back: nothing is failed for it, and
 * nobody has to do anything.
 */
const files = 30;
const services = ['opa', 'clamd', 's3', 'temporal', 'postgres', 'worker'].filter(isEmbedded);
let installation: TestInstallation;

beforeAll(async () => {
  installation = await TestInstallation.start({ sources: { docs: undefined } }, '--no-watch');
});

afterAll(() => installation?.remove());

test.each(services)(
  '%s killed in the middle: work waits and resumes by itself',
  async (service) => {
    await protectWhile(installation, service, files, async () => {
      await installation.signal(service, 'SIGKILL');
    });
    const isHealthy = async () => (await installation.run('status')).code === 0;
    await until('all services are healthy again', isHealthy, 60_000);
  },
  180_000,
);

test('afterwards every file is one object, and nothing is left open', async () => {
  expect.hasAssertions();
  await expectNothingDoubled(installation, files * services.length);
});
