import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FailPointName, failPointNames } from '../../src/pipeline/fail-points.ts';
import { eicar } from '../support/eicar.ts';
import { TestInstallation, until } from '../support/installation.ts';

/**
 * The worker ends as kill -9 ends it, between every two steps of the write order, with content of one PUT and of several
 * parts; the supervisor starts it again.
 */
const notWithOnePut: readonly FailPointName[] = [
  'after-multipart-created',
  'after-part',
  'before-complete',
  'after-complete',
];
/** Reached with one PUT only. */
const notWithParts: readonly FailPointName[] = ['after-put'];
/** Of the journal: they do not lie on a file's way. */
const ofManifests: readonly FailPointName[] = ['manifest-recorded', 'manifest-sent'];
/** Of infected content, which goes nowhere. */
const ofQuarantine: readonly FailPointName[] = ['quarantine-sealed', 'quarantine-kept', 'quarantine-taken'];
/** Of what is held, and of what retention deletes: no file on its way into the bucket meets them. */
const ofOtherWays: readonly FailPointName[] = [
  'after-hold',
  'taken-for-deletion',
  'before-delete',
  'after-delete',
];
/** Of the audit trail, seconds after the files that it tells of. */
const ofAnchors: readonly FailPointName[] = ['audit-anchored'];
const elsewhere = [...ofManifests, ...ofQuarantine, ...ofOtherWays, ...ofAnchors];
const ofFiles = failPointNames.filter((name) => !elsewhere.includes(name));
const kinds = {
  small: { sizeBytes: 100_000, points: ofFiles.filter((name) => !notWithOnePut.includes(name)) },
  large: {
    sizeBytes: 30 * 1024 * 1024,
    points: ofFiles.filter((name) => !notWithParts.includes(name)),
  },
};
const cases = Object.entries(kinds).flatMap(([kind, { sizeBytes, points }]) =>
  points.map((point) => [point, kind, sizeBytes] as const),
);

let installation: TestInstallation;

beforeAll(async () => {
  installation = await TestInstallation.start(
    {
      sources: { docs: undefined },
      configure: (config) => {
        config.audit = { anchorEvery: '5s' };
      },
    },
    '--no-watch',
  );
});

afterAll(() => installation?.remove());

test('every fail point is met by one kind of content at least', () => {
  expect(new Set(cases.map(([point]) => point))).toEqual(new Set(ofFiles));
});

test.each(cases)(
  'killed %s of a %s file: one object version, committed, restored equal, nothing left open',
  async (point, kind, sizeBytes) => {
    const name = `${point} ${kind}`;
    const content = randomBytes(sizeBytes);
    const file = installation.write('docs', name, content);
    const before = await installation.bucketState();

    await installation.down();
    installation.armFailPoint(point);
    await installation.up('--no-watch');
    // The worker has read it: the one that takes its place lives.
    expect(existsSync(path.join(installation.home, 'run', 'fail-point'))).toBe(false);
    const { pid } = await installation.service('worker');
    const { code, rows } = await installation.protect(file);
    expect((await installation.service('worker')).pid).not.toBe(pid);

    expect(code).toBe(0);
    expect(rows).toMatchObject([{ path: name, outcome: 'uploaded', placements: [{ state: 'committed' }] }]);
    const open = await until('nothing is left open', async () => {
      const [counts] = await installation.query<{ intents: number }>(
        `select count(*)::int as intents from intents where state = 'open'`,
      );
      const now = await installation.bucketState();
      return counts?.intents === 0 && now.multiparts === 0 && now;
    });
    expect(open.objects).toHaveLength(before.objects.length + 1);
    expect(open.objects.filter(({ key }) => key === rows[0]?.objectKey)).toMatchObject([
      { versionId: rows[0]?.placements[0]?.s3VersionId },
    ]);
    const to = path.join(installation.folder, 'restored');
    expect(await installation.run('restore', `docs:${name}`, '--to', to)).toMatchObject({ code: 0 });
    expect(readFileSync(path.join(to, 'docs', name)).equals(content)).toBe(true);
  },
  300_000,
);

test.each(ofQuarantine)(
  'killed at %s of an infected file: its name is gone, and one sealed copy gives it back',
  async (point) => {
    const file = installation.write('docs', `infected ${point}`, eicar);
    await installation.down();
    installation.armFailPoint(point);
    await installation.up('--no-watch');
    const { pid } = await installation.service('worker');
    const { code, rows } = await installation.protect(file);
    expect((await installation.service('worker')).pid).not.toBe(pid);
    expect(code).toBe(0);
    expect(rows).toMatchObject([{ outcome: 'quarantined' }]);
    expect(existsSync(file)).toBe(false);
    const to = path.join(installation.folder, 'released');
    const insist = ['--reason', 'test', '--even-if-infected', '--yes', '--to', to];
    const item = `docs:infected ${point}`;
    expect(await installation.run('quarantine', 'release', item, ...insist)).toMatchObject({ code: 0 });
    expect(readFileSync(path.join(to, path.basename(file)), 'utf8')).toBe(eicar);
  },
  300_000,
);

test('killed audit-anchored: the next worker goes on from the anchor that is there, and the trail is whole', async () => {
  const { pid } = await installation.service('worker');
  installation.armFailPoint('audit-anchored');
  await installation.protect(installation.write('docs', 'told of', randomBytes(1_000)));
  await until('another worker runs', async () => {
    const { worker } = await installation.services();
    return worker?.healthy === true && worker.pid !== pid;
  });
  // Stopping anchors what was told last.
  await installation.down();
  await installation.up('--no-watch');
  expect(await installation.run('audit', 'verify')).toMatchObject({ code: 0 });
  const keys = (await installation.listBucket()).versions.map(({ key }) => key);
  const anchors = keys.filter((key) => /audit\/\d+$/.test(key));
  expect(anchors.length).toBeGreaterThan(1);
  expect(new Set(anchors).size).toBe(anchors.length);
}, 300_000);

test('a sweep is waited for beyond the life of the worker that was asked', async () => {
  installation.write('docs', 'late', randomBytes(9 * 1024 * 1024));
  const { pid } = await installation.service('worker');
  installation.armFailPoint('before-intent');
  const swept = await installation.run('sweep', 'docs', '--wait', '--json');
  expect(swept).toMatchObject({ code: 0, rows: [{ result: 'complete', totals: { failed: 0 } }] });
  expect((await installation.service('worker')).pid).not.toBe(pid);
}, 300_000);
