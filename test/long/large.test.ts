import { createHash, randomFillSync } from 'node:crypto';
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestInstallation, until } from '../support/installation.ts';

/** Over the 2,000 MiB up to which clamd is asked at all. */
const sizeMebibytes = 2_100;
const mebibyte = 1024 * 1024;
let installation: TestInstallation;

beforeAll(async () => {
  installation = await TestInstallation.start({ sources: { docs: undefined } }, '--no-watch');
});

afterAll(() => installation?.remove());

test('a file of 2 GB whose upload is killed in the middle: one object, marked unscanned, restored equal', async () => {
  const file = installation.write('docs', 'huge.bin', '');
  writeRandom(file);
  const protecting = installation.protect(file);
  const partsSent = () =>
    installation.requests().filter(({ operation }) => operation === 's3_UploadPart').length;
  await until('a third of the parts is sent', () => partsSent() > sizeMebibytes / 8 / 3, 600_000);
  await installation.signal('worker', 'SIGKILL');
  const { code, rows } = await protecting;
  expect(code).toBe(0);
  expect(rows).toMatchObject([{ outcome: 'uploaded' }]);
  // All parts once, and at most those in flight a second time.
  const parts = Math.ceil(sizeMebibytes / 8) + 1;
  expect(partsSent()).toBeGreaterThanOrEqual(parts - 1);
  expect(partsSent()).toBeLessThanOrEqual(parts + 4);
  const { objects, multiparts } = await installation.bucketState();
  expect(objects).toHaveLength(1);
  expect(multiparts).toBe(0);
  const scans = await installation.query('select state, reason from scans');
  expect(scans).toEqual([{ state: 'not_scanned', reason: 'too_large' }]);

  const to = path.join(installation.folder, 'restored');
  expect(await installation.run('restore', 'docs', '--to', to)).toMatchObject({ code: 0 });
  expect(await sha256(path.join(to, 'docs', 'huge.bin'))).toBe(await sha256(file));
}, 1_200_000);

function writeRandom(file: string): void {
  const descriptor = openSync(file, 'w');
  const block = Buffer.alloc(mebibyte);
  for (let i = 0; i < sizeMebibytes; i++) writeSync(descriptor, randomFillSync(block));
  closeSync(descriptor);
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(file)) hash.update(bytes);
  return hash.digest('hex');
}
