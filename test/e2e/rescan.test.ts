import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestInstallation, until } from '../support/installation.ts';

let installation: TestInstallation;
/** What only later signatures know. */
const evil = 'what a new kind of malware looks like, for this test only';

beforeAll(async () => {
  installation = await TestInstallation.start({ sources: { docs: undefined } }, '--no-watch');
  installation.write('docs', 'good.txt', 'harmless');
  installation.write('docs', 'bad.doc', evil);
  installation.write('docs', 'large.bin', Buffer.concat([randomBytes(9 * 1024 * 1024), Buffer.from(evil)]));
  const { code, stderr } = await installation.protect(installation.path('docs'));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

afterAll(() => installation?.remove());

test('signatures that come later find what is stored; restore leaves it out, the sweep sees to the originals', async () => {
  expect(await installation.run('rescan', '--since-signatures', '--dry-run', '--json')).toMatchObject({
    code: 0,
    rows: [{ due: { contents: 0 } }],
  });
  const { rows: scheduled } = await installation.run('schedule', 'list', '--json');
  expect(scheduled).toContainEqual(expect.objectContaining({ name: 'rescan', paused: false }));
  const folder = path.join(installation.home, 'signatures');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'new.ndb'), `New.Malware-1:0:*:${Buffer.from(evil).toString('hex')}\n`);
  await installation.signal('clamd', 'SIGKILL');
  await until('clamd knows it', async () => {
    const { rows } = await installation.run('rescan', '--dry-run', '--json');
    return (rows[0] as unknown as { due?: { contents: number } })?.due?.contents === 3 || undefined;
  });

  const rescan = await installation.run('rescan', '--since-signatures', '--wait', '--json');
  expect(rescan).toMatchObject({ code: 3, rows: [{ totals: { rescanned: 3, infected: 2, clean: 1 } }] });
  const infected = await installation.run('files', '--infected', '--json');
  expect(infected.rows.map(({ path: name, infected: by }) => [name, by])).toEqual([
    ['bad.doc', 'New.Malware-1.UNOFFICIAL'],
    ['large.bin', 'New.Malware-1.UNOFFICIAL'],
  ]);
  expect((await installation.run('status')).stdout).toMatch(
    /WARNING: newer signatures found 2 stored versions/,
  );

  const to = path.join(installation.folder, 'restored');
  const restored = await installation.run('restore', 'docs', '--to', to);
  expect(restored).toMatchObject({ code: 3 });
  expect(restored.stdout).toMatch(/^infected +docs:bad\.doc \(New\.Malware-1\.UNOFFICIAL\)$/m);
  expect(readFileSync(path.join(to, 'docs/good.txt'), 'utf8')).toBe('harmless');
  expect(await installation.run('cat', 'docs:bad.doc')).toMatchObject({ code: 3, stdout: '' });
  const all = await installation.run('cat', 'docs:bad.doc', '--include-infected');
  expect(all).toMatchObject({ code: 0, stdout: evil });

  const swept = await installation.run('sweep', 'docs', '--wait', '--json');
  expect(swept.rows).toMatchObject([{ totals: { quarantined: 2 } }]);
});

test('a limit set by command holds uploads of the running worker, is on record, and can be lifted', async () => {
  expect((await installation.run('limits', 'show', '--json')).rows).toMatchObject([
    { upload: { bytesPerSecond: null, by: 'nobody' } },
  ]);
  const set = await installation.run('limits', 'set', 'upload', '4Mbit', '--for', '1h');
  expect(set).toMatchObject({ code: 0 });
  expect(set.stdout).toMatch(/at most 488 KiB\/s \(4 Mbit\/s\) \(by command, until /);
  // The worker learns of it within seconds.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  installation.write('docs', 'paced.bin', randomBytes(2_000_000));
  const began = performance.now();
  expect(await installation.protect(installation.path('docs', 'paced.bin'))).toMatchObject({ code: 0 });
  const seconds = (performance.now() - began) / 1_000;
  expect(seconds).toBeGreaterThan(3.5);
  expect(seconds).toBeLessThan(60);
  expect(await installation.run('limits', 'reset', 'upload')).toMatchObject({ code: 0 });
  const told = await installation.query<{ action: string }>(
    `select event -> 'facts' ->> 'action' as action from audit_events
     where event ->> 'step' = 'configuration' and event -> 'facts' ->> 'what' = 'limits.upload' order by at`,
  );
  expect(told.map(({ action }) => action)).toEqual(['limit-set', 'limit-reset']);
  expect((await installation.run('limits', 'set', 'upload', '2Mb')).code).toBe(2);
});
