import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { TestInstallation } from '../support/installation.ts';

let stack: TestInstallation;
const keyFile = (name: string): string => path.join(stack.folder, `${name}.pem`);
const keyPassword = 'a password of five words';

type Row = Record<string, unknown>;

/** Runs `hold …`, and gives what it printed. */
async function hold(...args: string[]) {
  const { code, stderr, rows } = await stack.run('hold', ...args, '--json');
  return { code, stderr, rows: rows as unknown as Row[] };
}

const signedBy = (name: string): string[] => [
  ...['--key', keyFile(name)],
  ...(name === 'claire' ? ['--key-password-file', path.join(stack.folder, 'claire-password')] : []),
];

/** The open hold of a path. */
const holdOf = new Map<string, string>();

beforeAll(async () => {
  stack = await TestInstallation.create({ sources: { docs: undefined } });
  const password = stack.passwordFile(`${keyPassword}\n`, 'claire-password');
  const made = await stack.run(
    ...['approver', 'keygen', '--name', 'claire', '--output', keyFile('claire'), '--json'],
    ...['--new-password-file', password],
  );
  expect(made.code).toBe(0);
  const eve = await stack.run(
    'approver',
    'keygen',
    '--name',
    'eve',
    '--output',
    keyFile('eve'),
    '--no-password',
  );
  expect(eve.code).toBe(0);
  const { entry } = made.rows[0] as unknown as { entry: object };
  const data = path.join(stack.folder, 'policy.yaml');
  writeFileSync(data, stringify({ approvers: [entry] }));
  stack.configure((config) => {
    config.policy = {
      ...config.policy,
      data,
      sources: { docs: { release: { deny_names: ['*.secret'] } } },
    };
  });
  await stack.up('--no-watch');
});
afterAll(() => stack?.remove());

test('a key is for its owner alone, and encrypted where it has a password', () => {
  for (const name of ['claire', 'eve']) expect(statSync(keyFile(name)).mode & 0o777).toBe(0o600);
  expect(readFileSync(keyFile('claire'), 'utf8')).toContain('BEGIN ENCRYPTED PRIVATE KEY');
  expect(readFileSync(keyFile('eve'), 'utf8')).toContain('BEGIN PRIVATE KEY');
});

test('what policy keeps back waits, sealed, over a restart of everything', async () => {
  for (const name of ['plan', 'draft', 'damaged'])
    stack.write('docs', `${name}.secret`, `content of ${name}`);
  for (let i = 0; i < 30; i++) stack.write('docs', `many/file-${i}.secret`, `content ${i}`);
  const { code, rows } = await stack.protect(stack.sources.docs ?? '');
  expect(code).toBe(0);
  const held = rows.filter(({ outcome, reason }) => outcome === 'held' && reason === 'name_denied');
  expect(held).toHaveLength(33);
  await stack.down();
  await stack.up('--no-watch');
  const listed = await hold('list', '--source', 'docs');
  expect(listed.rows).toHaveLength(33);
  for (const row of listed.rows) holdOf.set(String(row.path), String(row.hold));
  expect(listed.rows[0]).toMatchObject({ state: 'open', approvals: [], needed: 1, staged: 'whole' });
  expect(await stack.bucketState()).toMatchObject({ objects: [] });
});

test('refused with a wrong key, approved with the right one, and restored as it was', async () => {
  const id = holdOf.get('plan.secret') ?? '';
  const forged = await hold('approve', id, ...signedBy('eve'), '--approver', 'claire');
  expect(forged).toMatchObject({ code: 6, rows: [{ result: 'refused', reason: 'approval_invalid' }] });
  expect(await stack.query('select kind from incidents')).toEqual([{ kind: 'policy_bypass' }]);
  const approved = await hold('approve', id, ...signedBy('claire'), '--reason', 'the mayor agreed');
  expect(approved).toMatchObject({ code: 0, rows: [{ hold: id, result: 'released', outcome: 'uploaded' }] });
  const to = path.join(stack.folder, 'restored');
  expect((await stack.run('restore', 'docs:plan.secret', '--to', to)).code).toBe(0);
  expect(readFileSync(path.join(to, 'docs', 'plan.secret'), 'utf8')).toBe('content of plan');
  const late = await hold('reject', id, ...signedBy('claire'));
  expect(late).toMatchObject({ code: 1, rows: [{ result: 'ended', reason: 'approved' }] });
  const shown = await hold('show', id);
  expect(shown.rows[0]).toMatchObject({
    signed: { v: 1, hold: id, destination: 'primary' },
    attempts: [
      { approver: 'claire', verdict: 'approve', result: 'approval_invalid' },
      { approver: 'claire', verdict: 'approve', result: 'counted', reason: 'the mayor agreed' },
      { approver: 'claire', verdict: 'reject', result: 'hold_ended' },
    ],
  });
  const trail = await stack.query<{ result: string }>(
    `select event -> 'facts' ->> 'result' as result from audit_events where event ->> 'step' = 'approval' order by number`,
  );
  const results = trail.map(({ result }) => result);
  expect(results).toEqual(['asked', 'approval_invalid', 'asked', 'counted', 'asked', 'hold_ended']);
});

test('rejected, it stays where it is', async () => {
  const rejected = await hold('reject', holdOf.get('draft.secret') ?? '', ...signedBy('claire'));
  expect(rejected).toMatchObject({ code: 0, rows: [{ result: 'rejected' }] });
  expect(readFileSync(stack.path('docs', 'draft.secret'), 'utf8')).toBe('content of draft');
  const { rows } = await stack.run('files', 'docs:draft.secret', '--json');
  expect(rows).toMatchObject([{ outcome: 'ignored', reason: 'hold_rejected' }]);
});

test('damaged in staging it goes nowhere, until it is sealed anew and approved again', async () => {
  const id = holdOf.get('damaged.secret') ?? '';
  const [row] = await stack.query<{ sealing_id: string }>('select sealing_id from holds where id = $1', [id]);
  const staged = path.join(stack.home, 'staging', `${row?.sealing_id}.sealed`);
  writeFileSync(staged, readFileSync(staged).fill(0, 50, 60));
  const refused = await hold('approve', id, ...signedBy('claire'));
  expect(refused).toMatchObject({ code: 3, rows: [{ result: 'held', reason: 'staged_damaged' }] });
  expect((await hold('reseal', id)).rows).toMatchObject([{ result: 'resealed' }]);
  expect(existsSync(staged)).toBe(false);
  const approved = await hold('approve', id, ...signedBy('claire'));
  expect(approved).toMatchObject({ code: 0, rows: [{ result: 'released' }] });
});

test('many at once: chosen by options, listed first, and decided only when agreed', async () => {
  const chosen = ['--path', 'many/*', '--source', 'docs'];
  const asked = await hold('approve', ...signedBy('claire'), ...chosen);
  expect(asked).toMatchObject({ code: 1, rows: [] });
  expect(asked.stderr).toContain('many/file-7.secret');
  const { code, rows } = await hold('approve', ...signedBy('claire'), ...chosen, '--yes');
  expect(code).toBe(0);
  expect(rows.map(({ result }) => result)).toEqual(Array.from({ length: 30 }, () => 'released'));
  expect((await hold('list')).rows).toEqual([]);
});
