import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FailPointName } from '../../src/pipeline/fail-points.ts';
import { TestInstallation, until } from '../support/installation.ts';

/**
 * A machine that dies between two steps of the write order, and nothing of it is left but the bucket: what was durable by
 * then comes back, nothing else, and nothing is called damaged.
 */
const whileContentIsSent: readonly FailPointName[] = [
  'after-multipart-created',
  'after-part',
  'before-complete',
  'after-complete',
];
const beforeContentIsSent: readonly FailPointName[] = [
  'after-fingerprint',
  'after-admission',
  'after-scan',
  'before-intent',
  'after-intent',
];
const onceDurable: readonly FailPointName[] = [
  'after-put',
  'after-complete',
  'after-read-back',
  'after-commit',
  'manifest-recorded',
  'manifest-sent',
];
/** Latest first: what a case leaves behind is past the places of those that follow, and does not end their worker. */
const places = [...new Set([...beforeContentIsSent, ...whileContentIsSent, ...onceDurable])];
const cases = places.toReversed().map((point) => ({
  point,
  sizeBytes: whileContentIsSent.includes(point) ? 20 * 1024 * 1024 : 10_000,
  isDurable: onceDurable.includes(point),
}));

let installation: TestInstallation;
let bare: string;

beforeAll(async () => {
  bare = mkdtempSync(path.join(tmpdir(), 'holdfast-bare-'));
  installation = await TestInstallation.start({ sources: { docs: undefined } }, '--no-watch');
  expect((await installation.protect(installation.write('docs', 'before', 'words'))).code).toBe(0);
});

afterAll(async () => {
  // A start ends what the last supervisor left behind.
  await installation?.up('--only', 's3');
  await installation?.remove();
  rmSync(bare, { recursive: true, force: true });
});

test.each(cases)(
  'killed $point: recovered is what was durable',
  async ({ point, sizeBytes, isDurable }) => {
    // What waits to be listed would be listed at once: before this case's file is there.
    if (point === 'manifest-recorded') await installation.up('--no-watch');
    await installation.down();
    installation.armFailPoint(point);
    await installation.up('--no-watch');
    const { pid: supervisor, services } = await installation.status();
    const { s3 } = services;
    const worker = await installation.signal('worker', 'SIGSTOP');
    const content = randomBytes(sizeBytes);
    expect((await installation.run('protect', installation.write('docs', point, content))).code).toBe(0);
    // Nobody starts the worker again.
    process.kill(supervisor, 'SIGKILL');
    process.kill(worker, 'SIGCONT');
    await until('the worker is gone', () => !existsSync(`/proc/${worker}`), 120_000);

    const to = path.join(bare, point);
    const { code, stderr } = await installation.runWith(
      {
        HOME: bare,
        HOLDFAST_HOME: path.join(bare, 'holdfast'),
        AWS_SHARED_CREDENTIALS_FILE: path.join(String(s3?.rolesDir), 'recover'),
      },
      ...['recover', '--endpoint', String(s3?.address), '--bucket', String(s3?.bucket), '--to', to],
    );
    expect(code, stderr).toBe(0);
    expect(readFileSync(path.join(to, 'docs', 'before'), 'utf8')).toBe('words');
    const file = path.join(to, 'docs', point);
    expect(existsSync(file)).toBe(isDurable);
    if (isDurable) expect(readFileSync(file).equals(content)).toBe(true);
  },
  300_000,
);
