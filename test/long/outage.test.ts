import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestInstallation } from '../support/installation.ts';
import { expectNothingDoubled, protectWhile } from '../support/outage.ts';

/** What the pipeline needs falls silent in the middle: connections stay open, and nothing answers on them. */
const files = 30;
const silenceMs = 20_000;
const services = ['opa', 'clamd', 's3', 'temporal', 'postgres'];
let installation: TestInstallation;

beforeAll(async () => {
  installation = await TestInstallation.start({ sources: { docs: undefined } }, '--no-watch');
});

afterAll(() => installation?.remove());

test.each(services)(
  '%s silent in the middle: work waits and resumes by itself',
  async (service) => {
    await protectWhile(installation, service, files, async () => {
      const pid = await installation.signal(service, 'SIGSTOP');
      try {
        await sleep(silenceMs);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    });
  },
  180_000,
);

test('afterwards every file is one object, and nothing is left open', async () => {
  expect.hasAssertions();
  await expectNothingDoubled(installation, files * services.length);
});
