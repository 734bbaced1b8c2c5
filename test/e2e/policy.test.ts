import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { TestInstallation } from '../support/installation.ts';

let stack: TestInstallation;
let dataFile: string;

beforeAll(async () => {
  stack = await TestInstallation.create({ sources: { docs: undefined } });
  dataFile = join(stack.folder, 'policy.yaml');
  set({});
  stack.configure((config) => {
    config.policy = { ...config.policy, data: dataFile };
  });
  await stack.up('--no-watch');
});
afterAll(() => stack.remove());

const set = (data: object): void => writeFileSync(dataFile, stringify(data));
const policy = async (...args: string[]) => {
  const ended = await stack.run('policy', ...args, '--json');
  return { ...ended, values: ended.rows as unknown as Record<string, unknown>[] };
};
const outcome = async (name: string) => {
  const { byPath } = await stack.protect(stack.path('docs', name));
  const { outcome, reason } = byPath.get(name) ?? {};
  return { outcome, reason };
};

test('a policy is switched without a restart, judges anew what is there, and never gives way to a broken one', async () => {
  stack.write('docs', 'plan.txt', 'the plan');
  stack.write('docs', 'staff/pay.csv', 'name,pay');
  expect((await stack.protect(stack.path('docs'))).code).toBe(0);
  const before = await stack.services();

  set({
    classify: { staff: { classification: 'confidential', patterns: ['staff/**'] } },
    limits: { deny_names: ['*.mp4'] },
  });
  const applied = await policy('apply');
  expect(applied.values[0]).toMatchObject({ changed: true });
  const { revision, from } = applied.values[0] as { revision: string; from: string };
  stack.write('docs', 'film.mp4', 'moving');
  expect(await outcome('film.mp4')).toEqual({ outcome: 'ignored', reason: 'name_denied' });
  const after = await stack.services();
  expect([after.worker?.pid, after.opa?.pid]).toEqual([before.worker?.pid, before.opa?.pid]);
  const [switched] = await stack.query<{ actor: string; facts: object }>(
    `select event ->> 'actor' as actor, event -> 'facts' as facts from audit_events
     where event ->> 'step' = 'policy_switch' order by at desc limit 1`,
  );
  expect(switched).toEqual({ actor: expect.not.stringMatching(/^holdfast$/), facts: { from, to: revision } });

  const { values: shown } = await policy('show');
  expect(shown[0]).toMatchObject({
    revision,
    epochs: [
      { revision, actor: switched?.actor },
      { revision: from, actor: 'holdfast' },
    ],
    retentionClasses: { standard: { mode: 'GOVERNANCE' } },
  });

  const swept = await stack.run('sweep', 'docs', '--wait', '--json');
  expect(swept.rows[0]).toMatchObject({ totals: { bytesRead: 0, bytesSent: 0 } });
  const judged = await stack.query<{ path: string; gate: string; class: string }>(
    `select convert_from(e.path, 'utf8') as path, d.gate, v.admission ->> 'classification' as class
     from decisions d join versions v on v.id = d.version_id join entries e on e.id = v.entry_id
     where d.bundle_revision = '${revision}' and e.path <> 'film.mp4' order by path, gate`,
  );
  expect(judged).toEqual([
    { path: 'plan.txt', gate: 'admission', class: 'internal' },
    { path: 'plan.txt', gate: 'release', class: 'internal' },
    { path: 'staff/pay.csv', gate: 'admission', class: 'confidential' },
    { path: 'staff/pay.csv', gate: 'release', class: 'confidential' },
  ]);

  set({ limits: { deny_nmaes: ['*.txt'] } });
  const refused = await stack.run('policy', 'apply');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('limits.deny_nmaes: there is no such key');
  stack.write('docs', 'other.mp4', 'moving on');
  expect(await outcome('other.mp4')).toMatchObject({ outcome: 'ignored' });
  expect((await stack.run('status')).stdout).toContain('WARNING: a newer policy was not taken');
  expect((await stack.run('doctor')).stdout).toContain('deny_nmaes');
});

test('stored questions are asked of other rules before they count', async () => {
  set({ limits: { deny_extensions: ['csv'] } });
  const { values, code } = await policy('replay', '--bundle', '.');
  expect(code).toBe(0);
  const changes = values.filter(({ path }) => path !== undefined);
  expect(changes).toContainEqual(
    expect.objectContaining({
      ...{ path: 'staff/pay.csv', gate: 'admission' },
      ...{
        was: expect.objectContaining({ allow: true }),
        would: expect.objectContaining({ allow: false, reasons: ['extension_denied'] }),
      },
    }),
  );
  expect(changes).toContainEqual(
    expect.objectContaining({ path: 'film.mp4', would: expect.objectContaining({ allow: true }) }),
  );
  expect(values.at(-1)).toMatchObject({ totals: { denied: 1, unreadable: 0 } });
});

test('while OPA is stopped nothing is decided, and work goes on by itself', async () => {
  set({});
  expect((await policy('apply')).code).toBe(0);
  await stack.signal('opa', 'SIGSTOP');
  stack.write('docs', 'later.txt', 'waits');
  const protecting = outcome('later.txt');
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const decided = () =>
    stack.query(`select 1 from decisions d join versions v on v.id = d.version_id
    join entries e on e.id = v.entry_id where e.path = 'later.txt'`);
  expect(await decided()).toEqual([]);
  await stack.signal('opa', 'SIGCONT');
  expect(await protecting).toMatchObject({ outcome: 'uploaded' });
});
