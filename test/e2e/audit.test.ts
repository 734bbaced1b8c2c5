import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isQueryName, namedQueries } from '../../src/report/queries/all.ts';
import { boundStatement } from '../../src/report/queries/query.ts';
import { languages } from '../../src/text/language.ts';
import { TestInstallation, until } from '../support/installation.ts';

const verifier = fileURLToPath(new URL('../../ops/audit/verify_proof.py', import.meta.url));

let installation: TestInstallation;
/** Public keys as an auditor has them. */
let pinned: string;

const audit = async (...args: string[]) => installation.run('audit', ...args);
const file = (name: string): string => path.join(installation.folder, name);

/** What `audit verify` says with the pinned key, without a password. */
async function verified() {
  const without = { HOLDFAST_PASSWORD_FILE: undefined };
  const ended = await installation.runWith(without, 'audit', 'verify', '--public-key', pinned, '--json');
  const told = ended.rows as unknown as { kind?: string; head?: number; summary?: Record<string, unknown> }[];
  const summary = told.find((row) => row.summary !== undefined)?.summary ?? {};
  return { ...ended, kinds: [...new Set(told.flatMap(({ kind }) => kind ?? []))], summary };
}

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
  for (let i = 0; i < 20; i++) installation.write('docs', `folder/file-${i}`, `content ${i}`);
  installation.write('docs', 'letter.txt', 'a letter');
  expect((await installation.protect(installation.path('docs'))).code).toBe(0);
  const { stdout, code } = await audit('public-key');
  expect(code).toBe(0);
  pinned = file('audit.pub');
  writeFileSync(pinned, stdout);
});
afterAll(async () => {
  await installation?.remove();
});

test('what happened is signed and anchored within seconds, and an auditor without the password verifies it', async () => {
  const ended = await until('an anchor that covers everything', async () => {
    const now = await verified();
    return now.summary.sinceAnchor === 0 && Number(now.summary.events) > 100 ? now : undefined;
  });
  expect({ code: ended.code, kinds: ended.kinds }).toEqual({ code: 0, kinds: [] });
});

test('a proof is believed by a program that knows nothing of ours, and no byte of it can change', async () => {
  const proof = file('letter.proof');
  const made = await installation.run('prove', 'docs:letter.txt', '--output', proof, '--json');
  expect({ code: made.code, stderr: made.stderr }).toEqual({ code: 0, stderr: '' });
  const good = spawnSync('python3', [verifier, '--public-key', pinned, proof], { encoding: 'utf8' });
  expect({ status: good.status, stderr: good.stderr }).toEqual({ status: 0, stderr: '' });
  for (const told of ['letter.txt', 'fingerprint', 'admission', 'scan', 'release', 'read_back', 'VERIFIED'])
    expect(good.stdout).toContain(told);
  const withheld = file('withheld.proof');
  await installation.run('prove', 'docs:letter.txt', '--withhold-path', '--output', withheld);
  expect(readFileSync(withheld, 'utf8')).not.toContain('letter');
  const bytes = readFileSync(proof);
  const changed = file('changed.proof');
  for (const offset of [1, bytes.length >> 1, bytes.length - 40]) {
    const flipped = Buffer.from(bytes);
    flipped[offset] = (bytes[offset] ?? 0) ^ 1;
    writeFileSync(changed, flipped);
    const bad = spawnSync('python3', [verifier, '--public-key', pinned, changed], { encoding: 'utf8' });
    expect({ status: bad.status, refused: bad.stderr.startsWith('REFUSED') }).toEqual({
      status: 1,
      refused: true,
    });
  }
});

test('an export is signed line by line', async () => {
  const exported = file('events.jsonl');
  const { code, stderr } = await audit('export', '--from', '1h', '--output', exported);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const verify = () =>
    spawnSync('python3', [verifier, '--public-key', pinned, exported], { encoding: 'utf8' });
  expect(verify()).toMatchObject({ status: 0, stdout: expect.stringContaining('VERIFIED') });
  const lines = readFileSync(exported, 'utf8').split('\n');
  expect(lines.length).toBeGreaterThan(100);
  writeFileSync(exported, [...lines.slice(0, 5), ...lines.slice(6)].join('\n'));
  expect(verify().status).toBe(1);
});

test('who opened the keyring, who was refused, and that the configuration changed are events', async () => {
  const wrong = installation.passwordFile('not the password', 'wrong');
  const refused = await installation.runWith({ HOLDFAST_PASSWORD_FILE: wrong }, 'audit', 'public-key');
  expect(refused.code).toBe(6);
  const told = await until('the events', async () => {
    const rows = await installation.query<{ what: string }>(
      `select concat_ws(' ', event ->> 'step', event -> 'facts' ->> 'action', event -> 'facts' ->> 'what',
              event -> 'facts' ->> 'command', event -> 'facts' ->> 'process') as what
       from audit_events where event ->> 'step' in ('keyring', 'access', 'configuration')`,
    );
    const found = rows.map(({ what }) => what);
    return found.includes('access wrong_password audit public-key') ? found : undefined;
  });
  expect(told).toEqual(
    expect.arrayContaining(['keyring unlock prove', 'keyring unlock worker', 'configuration']),
  );
});

test('reports come as text, JSON and CSV', async () => {
  const text = await installation.run('report', 'unprotected');
  expect(text).toMatchObject({ code: 0, stdout: 'Everything that stands is protected.\n' });
  const [run] = (await installation.run('runs', '--json')).rows as unknown as { runId: string }[];
  expect((await installation.run('report', 'run', String(run?.runId), '--json')).code).toBe(0);
  rmSync(installation.path('docs', 'letter.txt'));
  const csv = await installation.run('report', 'missing', '--csv');
  expect(csv).toMatchObject({
    code: 0,
    stdout: 'from,source,path,object,s3VersionId\ndisk,docs,letter.txt,,\n',
  });
});

test('the compliance report: every number on the page is counted again by its query; who made it is on record', async () => {
  const verifications = async () =>
    (await installation.run('report', 'query', 'audit_verifications', '--from', '1d', '--json')).rows[0];
  expect(await verifications()).toMatchObject({ value: 0 });
  await verified();
  expect(await verifications()).toMatchObject({ value: 0 });
  expect((await audit('verify')).code).toBe(0);
  expect(await verifications()).toMatchObject({ value: 1, byWhat: { complete: 1 } });
  for (const lang of languages) {
    const page = file(`compliance-${lang}.html`);
    const command = ['report', 'compliance', '--from', '1d', '--lang', lang, '--output', page, '--json'];
    const made = await installation.run(...command);
    expect({ code: made.code, stderr: made.stderr }).toEqual({ code: 0, stderr: '' });
    const [told] = made.rows as unknown as { from: string; to: string; runId: string; actor: string }[];
    const text = readFileSync(page, 'utf8');
    const numbers = [...text.matchAll(/<data value="(\d+)" data-query="(\w+)">/g)];
    expect(numbers.length).toBeGreaterThan(50);
    const parameters = {
      ...{ from: new Date(told?.from ?? ''), to: new Date(told?.to ?? '') },
      notify_within_ms: 72 * 3_600_000,
    };
    for (const [, value, name = ''] of numbers) {
      if (!isQueryName(name)) throw new Error(name);
      const { sql, isSum } = namedQueries[name];
      const bound = boundStatement(sql, parameters);
      const counted = isSum === true ? 'coalesce(sum(q.number), 0)' : 'count(*)';
      const [again] = await installation.query<{ value: number }>(
        `select ${counted}::int as value from (${bound.text}) q`,
        bound.values,
      );
      // Services go on signing and anchoring while the page is looked at.
      if (name !== 'audit_events_unsigned') expect([name, Number(value)]).toEqual([name, again?.value]);
    }
    expect(Number(numbers.find(([, , name]) => name === 'uploads_released')?.[1])).toBe(21);
    const events = await installation.query<{ actor: string; sha256: string }>(
      `select event ->> 'actor' as actor, event -> 'facts' ->> 'sha256' as sha256 from audit_events
       where event ->> 'run' = $1 and event -> 'facts' ->> 'action' = 'report-compliance'`,
      [told?.runId ?? ''],
    );
    expect(events).toEqual([{ actor: told?.actor, sha256: hash('sha256', text, 'hex') }]);
  }
  const asked = await installation.run(
    'report',
    'query',
    'uploads_released',
    '--from',
    '1d',
    '--rows',
    '--json',
  );
  const [answer] = asked.rows as unknown as { value: number; rows: { command: string; path?: string }[] }[];
  expect(answer).toMatchObject({ value: 21, byWhat: { primary: 21 } });
  expect(answer?.rows).toHaveLength(21);
  const [row] = answer?.rows ?? [];
  expect(row).not.toHaveProperty('path');
  const shown = await installation.run(...(row?.command ?? '').split(' ').slice(1), '--json');
  expect(shown.rows[0]).toMatchObject({ source: 'docs', outcome: 'uploaded' });
  expect((await installation.run('report', 'query', 'nothing', '--from', '1d')).code).toBe(2);
  expect((await installation.run('report', 'compliance', '--from', '1d', '--law', 'none')).code).toBe(2);
});

test('stopping anchors what was told last', async () => {
  installation.write('docs', 'last.txt', 'the last');
  expect((await installation.protect(installation.path('docs', 'last.txt'))).code).toBe(0);
  await installation.down();
  await installation.up('--only', 'postgres,s3');
  expect(await verified()).toMatchObject({ code: 0, summary: { unsigned: 0, sinceAnchor: 0 } });
});

const tables = ['audit_events', 'audit_heads', 'audit_anchors'];

// With all of the program stopped: what it would write meanwhile would be taken away with the rest.
test("what the database's owner does to rows, heads and what is known of anchors together is found, with code 4", async () => {
  const uriFile = (await installation.services()).postgres?.uriFile;
  const client = new pg.Client({ connectionString: readFileSync(String(uriFile), 'utf8').trim() });
  await client.connect();
  const emptied = `delete from audit_anchors; delete from audit_heads; delete from audit_events`;
  const found: Record<string, readonly string[]> = {};
  try {
    await client.query('alter table audit_events alter number set generated by default');
    for (const table of tables) await client.query(`create table kept_${table} as select * from ${table}`);
    for (const [what, sql] of Object.entries({
      edit: `update audit_events set event = event || '{"actor":"nobody"}' where number = 9`,
      delete: 'delete from audit_events where number = 9',
      insert: `insert into audit_events (number, id, leaf, event, at) overriding system value
               select -1, 'added', leaf, event, at from audit_events where number = 9`,
      reorder: `update audit_events set number = -9 where number = 9; update audit_events set number = 9 where number = 10;
                update audit_events set number = 10 where number = -9`,
      cut: `delete from audit_anchors where number = (select max(number) from audit_heads);
            delete from audit_heads where number = (select max(number) from audit_heads);
            delete from audit_events where number > (select max(last_event) from audit_heads)`,
    })) {
      await client.query(sql);
      const { code, kinds } = await verified();
      expect(code).toBe(4);
      found[what] = kinds;
      await client.query(emptied);
      for (const table of tables)
        await client.query(
          `insert into ${table} ${table === 'audit_events' ? 'overriding system value' : ''} select * from kept_${table}`,
        );
    }
  } finally {
    await client.end();
  }
  expect(found).toEqual({
    edit: ['event', 'events'],
    delete: ['events'],
    insert: ['event', 'events'],
    reorder: ['events'],
    cut: ['cut'],
  });
  expect(await verified()).toMatchObject({ code: 0, kinds: [] });
});
