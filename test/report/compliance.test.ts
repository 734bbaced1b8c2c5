import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { auditEvent } from '../../src/audit/event.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import { complianceJson } from '../../src/report/compliance/as-json.ts';
import { type ComplianceReport, gatherReport, reportFrom } from '../../src/report/compliance/gather.ts';
import { judgedControl } from '../../src/report/compliance/judge.ts';
import { type Mapping, readMapping, readMappings } from '../../src/report/compliance/mapping.ts';
import { compliancePage } from '../../src/report/compliance/page.ts';
import { isQueryName, namedQueries, type QueryName, queryNames } from '../../src/report/queries/all.ts';
import { countOf, newestRows, onOneState } from '../../src/report/queries/ask.ts';
import { boundStatement, type QueryParameters } from '../../src/report/queries/query.ts';
import { languages } from '../../src/text/language.ts';
import { allTexts } from '../../src/text/texts.ts';
import { denied, makeWorld, protectOnce, stepRun, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
const root = path.join(import.meta.dirname, '../..');
const config: Config = {
  ...parseConfig(readFileSync(path.join(root, 'holdfast.example.yaml'), 'utf8'), 'example'),
};
const packaged = readMappings([]);
const hour = 3_600_000;
const period = (): QueryParameters => ({
  from: new Date(Date.now() - 24 * hour),
  to: new Date(),
  notify_within_ms: 72 * hour,
});
/** What whoever names things could try. */
const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>&amp;\u202Etxt`;

/** A world in which something of almost everything happened. */
async function lived(): Promise<World> {
  const world = await makeWorld(postgres());
  const { catalog, knobs } = world;
  const protect = async (name: string, content: string) => {
    world.write(name, content);
    return protectOnce(world.context, await world.entry(name), stepRun());
  };
  await protect('one', 'first');
  await protect('same', 'first');
  await protect(`<img src=x onerror=alert(1)>"'`, 'second');
  const official = knobs.verdict;
  if (typeof official === 'function') throw new Error('unreachable');
  knobs.verdict = { ...official, state: 'not_scanned', reason: 'too_large' };
  await protect('large', 'third');
  const { admission } = knobs;
  if (typeof admission === 'function') throw new Error('unreachable');
  knobs.admission = { ...admission, scan: { ...admission.scan, allowTestSignatures: true } };
  knobs.verdict = { ...official, signatureSet: 'builtin-test', signatureRevision: 'r2' };
  await protect('tested', 'fourth');
  Object.assign(knobs, { admission, verdict: official });
  knobs.release = denied('encryption');
  await protect('held', 'fifth');
  const event = (
    step: 'keyring' | 'access' | 'configuration' | 'policy_switch',
    name: string,
    facts: object,
  ) =>
    auditEvent(world.context.ids, {
      ...{ subject: name, step, run: name, host: 'host', actor: hostile },
      facts: { ...facts },
    });
  await catalog.write({
    events: [
      event('keyring', 'a1', { action: 'unlock', holder: hostile }),
      event('keyring', 'a2', { action: 'rotate' }),
      event('access', 'a3', { what: 'wrong_password' }),
      event('access', 'a4', { what: 'wrong_password' }),
      event('policy_switch', 'a5', { to: 'f'.repeat(64) }),
      event('configuration', 'a6', { sha256: 'x' }),
      event('configuration', 'a7', { action: 'host-add' }),
    ],
  });
  await world.asOwner(`
    insert into run_log (id, kind, source_id, host_id, actor, started_at, ended_at, result, totals) values
      ('sweep1', 'sweep', (select id from sources), 'host', 'holdfast', now(), now(), 'complete', '{}'),
      ('verify1', 'verify', null, 'host', 'holdfast', now(), now(), 'complete', '{"read": 3, "mismatches": 0}'),
      ('verify2', 'verify', null, 'host', 'holdfast', now(), now(), 'complete with warnings', '{"read": 0, "mismatches": 2}'),
      ('trail1', 'audit-verify', null, 'host', 'holdfast', now(), now(), 'complete', '{"breaches": 0, "away": 0}');
    insert into incidents (id, kind, subject, run_id, facts, detected_at, state, notified_at, notified_by, closed_at, close_reason, closed_by) values
      ('i1', 'infection', 's1', 'r', '{}', now() - interval '20 hours', 'notified', now() - interval '19 hours', 'awa', null, null, null),
      ('i2', 'infection', 's2', 'r', '{}', now() - interval '3 hours', 'open', null, null, null, null, null),
      ('i3', 'mass_change', 's3', 'r', '{}', now() - interval '3 hours', 'closed', null, null, now(), 'planned', 'awa');
    insert into hosts (id, name, files_group, added_by) values ('host', 'mairie', 'mairie', 'holdfast');
    insert into host_sources (host_id, source_id, files_group) select 'host', id, 'mairie' from sources;
    insert into audit_events (id, at, events, leaves, ids, workflow, first_at)
      values ('packed', now(), '', decode(repeat('00', 96), 'hex'), decode(repeat('00', 48), 'hex'), 'batch:b', now());
    insert into legal_holds (id, source_id, path, case_name, reason, placed_by)
      select 'l1', id, '', '${hostile.replaceAll("'", "''")}', 'r', 'awa' from sources;
    insert into audit_heads (number, last_event, head, signature, peaks, at) values (1, 3,
      convert_to('{"first":1,"history":"${'0'.repeat(64)}","key":"${'a'.repeat(32)}","last":3,"number":1,"root":"${'b'.repeat(64)}","size":3}', 'UTF8'),
      decode(repeat('00', 64), 'hex'), '', now());
    insert into audit_anchors (number, destination, s3_version_id, lock_mode, retain_until)
      values (1, 'primary', 'version-1', 'COMPLIANCE', now() + interval '1 year')`);
  return world;
}

const reportOf = (world: World, mapping: Mapping, own = config): Promise<ComplianceReport> =>
  gatherReport(world.catalog, {
    ...{ mapping, config: own, actor: 'claire', softwareVersion: '1.2.3' },
    ...{ from: period().from, to: new Date(Date.now() + hour), onProgress: () => {} },
  });

const law = (id: string): Mapping => {
  const mapping = packaged.get(id);
  if (mapping === undefined) throw new Error(`no mapping ${id}`);
  return mapping;
};

/** Every number of a page. */
function numbersIn(page: string): { value: number; query: string; what: string | undefined }[] {
  return [...page.matchAll(/<data value="(\d+)" data-query="(\w+)"(?: data-what="([^"]*)")?>/g)].map(
    ([, value, query = '', what]) => ({ value: Number(value), query, what }),
  );
}

/** Every question at once, as a mapping. */
const everything: Mapping = {
  ...law('cm-2024-017'),
  controls: [
    {
      ...(law('cm-2024-017').controls[0] as Mapping['controls'][number]),
      queries: queryNames.map((name) => ({ name, as: 'evidence', threshold: 0 })),
    },
  ],
};

const valuesOf = (report: ComplianceReport): Partial<Record<QueryName, number>> =>
  Object.fromEntries(
    report.controls.flatMap(({ numbers }) => numbers.map(({ name, value }) => [name, value])),
  );

const statesOf = (report: ComplianceReport): Record<string, string> =>
  Object.fromEntries(report.controls.map(({ control, state }) => [control.id, state]));

const options = { runId: 'f'.repeat(32), includePaths: true } as const;

test('each number is what happened', async () => {
  const world = await lived();
  const report = await reportOf(world, everything);
  const values = valuesOf(report);
  expect(values).toMatchObject({
    ...{ uploads: 5, uploads_encrypted: 5, uploads_unsealed: 0, encryption_keys: 1 },
    ...{ uploads_locked: 5, uploads_underlocked: 0, uploads_lock_unknown: 0 },
    ...{ uploads_released: 5, uploads_unreleased: 0, uploads_rebuilt: 0, releases_refused: 1 },
    ...{ uploads_clean: 4, uploads_unscanned: 1, uploads_test_signatures: 1, uploads_without_verdict: 0 },
    ...{ uploads_infected: 0, holds_waiting: 1, holds_approved: 0, holds_rejected: 0 },
    ...{ keyring_openings: 1, key_changes: 1, key_rotations: 1, access_refusals: 2 },
    ...{ policy_switches: 1, configuration_changes: 1 },
    ...{ incidents: 3, incidents_notified: 1, incidents_running: 1, incidents_closed_unnotified: 1 },
    ...{ incidents_overdue: 0, verifications: 2, restore_tests: 1, verification_findings: 1 },
    ...{ sweeps: 1, last_sweeps: 1, sources: 1, sources_unswept: 0, sources_left: 0, legal_holds: 1 },
    ...{ files: 6, files_protected: 5, files_withheld: 1, files_unprotected: 0, files_lost: 0 },
    ...{ audit_heads: 1, audit_anchors: 1, audit_verifications: 1, audit_breaches: 0 },
  });
  const [{ numbers = [] } = {}] = report.controls;
  expect(numbers.find(({ name }) => name === 'incidents')?.byWhat).toEqual(
    new Map([
      ['infection', 2],
      ['mass_change', 1],
    ]),
  );
  // One of the rows stands for three.
  const [events] = await world.catalog.rows<{ number: number }>(
    'select count(*)::int + 2 as number from audit_events',
  );
  expect(values.audit_events).toBe(events?.number);
});

test('every number of a page is counted again by its query, in each language', async () => {
  const world = await lived();
  for (const mapping of [everything, ...packaged.values()]) {
    const report = await reportOf(world, mapping);
    for (const language of languages) {
      const page = compliancePage(report, { ...options, language });
      const numbers = numbersIn(page);
      const asked = report.controls.flatMap(({ control }) => control.queries.map(({ name }) => name));
      expect(numbers.filter(({ what }) => what === undefined).map(({ query }) => query)).toEqual(asked);
      for (const { value, query, what } of numbers) {
        if (!isQueryName(query)) throw new Error(query);
        const answer = await onOneState(world.catalog, (rows) => countOf(rows, query, report.parameters));
        const unescaped = what?.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"');
        if (what === undefined) expect([query, value]).toEqual([query, answer.value]);
        else if (answer.byWhat.has(unescaped ?? '')) expect(value).toBe(answer.byWhat.get(unescaped ?? ''));
        else expect(what).toContain('\uFFFD');
      }
      // The page for programs has the same ones.
      const json = complianceJson(report, { ...options, language }) as {
        controls: { numbers: { query: string; value: number }[] }[];
      };
      expect(json.controls.flatMap((one) => one.numbers.map(({ query, value }) => [query, value]))).toEqual(
        numbers.filter(({ what }) => what === undefined).map(({ query, value }) => [query, value]),
      );
      expect(page).toContain(`<html lang="${language}">`);
      expect(page).toContain(mapping.law[language].replaceAll("'", '&#39;'));
    }
  }
});

test('what is wrong is noticed, each by its query', async () => {
  const wrongs: readonly (readonly [QueryName, string, string])[] = [
    ['uploads_unreleased', 'release', `delete from decisions where gate = 'release' and allow`],
    [
      'uploads_unreleased',
      'release',
      `update decisions set at = now() + interval '1 hour' where gate = 'release' and allow`,
    ],
    ['uploads_unsealed', 'encryption', `update sealings set format = 'plain'`],
    ['uploads_underlocked', 'locks', `update objects set retain_until = now() + interval '6 days'`],
    [
      'uploads_underlocked',
      'locks',
      `update versions set admission = jsonb_set(admission, '{retention,mode}', '"COMPLIANCE"') where admission is not null`,
    ],
    [
      'locks_wrong',
      'locks',
      `update objects set check_result = 'lock_mismatch', checked_at = now() - interval '1 second'`,
    ],
    ['uploads_without_verdict', 'malware', 'update versions set scan_id = null'],
    ['sources_unswept', 'completeness', `delete from run_log where kind = 'sweep'`],
    [
      'incidents_overdue',
      'notification',
      `update incidents set detected_at = now() - interval '73 hours' where id = 'i2'`,
    ],
    [
      'incidents_overdue',
      'notification',
      `update incidents set notified_at = detected_at + interval '73 hours' where id = 'i1'`,
    ],
    [
      'audit_breaches',
      'trail',
      `update run_log set totals = '{"breaches": 1, "away": 0}' where kind = 'audit-verify'`,
    ],
  ];
  const world = await lived();
  const before = await reportOf(world, law('cm-2024-017'));
  expect(statesOf(before)).toEqual({
    ...{ release: 'met', access: 'met_with_exceptions', keys: 'met', changes: 'met', encryption: 'met' },
    ...{ locks: 'met', malware: 'met_with_exceptions', completeness: 'met', register: 'met' },
    ...{ restorability: 'met_with_exceptions', notification: 'met_with_exceptions', trail: 'met' },
  });
  const owner = new pg.Client(world.ownerUri);
  await owner.connect();
  onTestFinished(() => owner.end());
  const reportAfter = async (sql: string): Promise<ComplianceReport> => {
    await owner.query('begin');
    await owner.query(sql);
    const report = await reportFrom(async (text, values) => (await owner.query(text, [...values])).rows, {
      ...{ mapping: law('cm-2024-017'), config, actor: 'claire', softwareVersion: '1.2.3' },
      ...{ from: new Date(Date.now() - 100 * hour), to: new Date(), onProgress: () => {} },
    });
    await owner.query('rollback');
    return report;
  };
  const away = `update run_log set totals = '{"breaches": 0, "away": 1}' where kind = 'audit-verify'`;
  const unverified = await reportAfter(away);
  expect(statesOf(unverified).trail).toBe('not_met');
  for (const language of languages)
    expect(compliancePage(unverified, { ...options, language })).toContain('holdfast audit verify<');
  expect(compliancePage(before, { ...options, language: 'en' })).not.toContain('holdfast audit verify<');
  for (const [query, control, sql] of wrongs) {
    const report = await reportAfter(sql);
    expect([query, sql, (valuesOf(report)[query] ?? 0) > 0]).toEqual([query, sql, true]);
    expect([sql, statesOf(report)[control]]).toEqual([sql, 'not_met']);
  }
});

test('a source that nobody looks at any more is an exception, and an incident runs on after the period', async () => {
  const world = await lived();
  await world.asOwner(`
    delete from host_sources;
    delete from run_log where kind = 'sweep';
    update incidents set detected_at = now() - interval '80 hours' where id = 'i2'`);
  const report = await gatherReport(world.catalog, {
    ...{ mapping: law('cm-2024-017'), config, actor: 'claire', softwareVersion: '1.2.3' },
    ...{ from: new Date(Date.now() - 90 * hour), to: new Date(Date.now() - 79 * hour), onProgress: () => {} },
  });
  expect(valuesOf(report)).toMatchObject({ incidents: 1, incidents_running: 0, incidents_overdue: 1 });
  const now = await reportOf(world, law('cm-2024-017'));
  expect(valuesOf(now)).toMatchObject({ sources_unswept: 0, sources_left: 1, hosts_added: 1 });
  expect(statesOf(now)).toMatchObject({ completeness: 'met_with_exceptions' });
});

test('of a time before the record begins nothing is claimed, and the page says so', async () => {
  const world = await lived();
  const past = await gatherReport(world.catalog, {
    ...{ mapping: law('cm-2024-017'), config, actor: 'claire', softwareVersion: '1.2.3' },
    ...{ from: new Date('2020-01-01'), to: new Date('2020-12-31'), onProgress: () => {} },
  });
  expect(new Set(Object.values(statesOf(past)))).toEqual(new Set(['not_applicable']));
  const begins = /The record of this installation begins on \d{4}-/;
  expect(compliancePage(past, { ...options, language: 'en' })).toMatch(begins);
  const now = await gatherReport(world.catalog, {
    ...{ mapping: law('cm-2024-017'), config, actor: 'claire', softwareVersion: '1.2.3' },
    ...{ from: past.recordBeginsAt ?? new Date(), to: new Date(), onProgress: () => {} },
  });
  expect(compliancePage(now, { ...options, language: 'en' })).not.toMatch(begins);
});

test('what a rebuilt catalog has no decision of cannot be said', async () => {
  const world = await lived();
  await world.asOwner(`
    delete from decisions;
    insert into run_log (id, kind, host_id, actor, started_at, ended_at, result)
      values ('rebuild', 'catalog rebuild', 'host', 'claire', now(), now(), 'complete')`);
  const report = await reportOf(world, law('cm-2024-017'));
  expect(valuesOf(report)).toMatchObject({ uploads_rebuilt: 5, uploads_unreleased: 0, catalog_rebuilds: 1 });
  expect(statesOf(report)).toMatchObject({ release: 'unknown', trail: 'met_with_exceptions' });
});

test('names with markup stay text, and no name of a file is told unless it is asked for', async () => {
  const world = await lived();
  const organisation = hostile;
  const report = await reportOf(world, everything, {
    ...config,
    breaches: { ...config.breaches, organisation },
  });
  const page = compliancePage({ ...report, actor: hostile }, { ...options, language: 'en' });
  expect([...page.matchAll(/<\/?([a-z0-9]+)/gi)].map(([, name]) => name)).not.toEqual(
    expect.arrayContaining(['img']),
  );
  for (const forbidden of ['<script', '<img', 'onerror=alert(1)>', '\u202E'])
    expect(page).not.toContain(forbidden);
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;');
  expect(page).toContain(`default-src 'none'`);
  expect(page).not.toMatch(/(src|href)=["']/);
  const without = compliancePage(report, { ...options, language: 'en', includePaths: false });
  expect(without).not.toContain('&lt;img src=x onerror=alert(1)&gt;&quot;');
  expect(without).toMatch(/<code>holdfast show [0-9a-f]{32}<\/code>/);
  const json = JSON.stringify(complianceJson(report, { ...options, language: 'en', includePaths: false }));
  expect(json).not.toContain('"path"');
});

test('the head that a page rests on is told with its anchor and its key; that nobody checked the law too', async () => {
  const world = await lived();
  const mapping = law('cm-2024-017');
  const report = await reportOf(world, mapping);
  const page = compliancePage(report, { ...options, language: 'fr' });
  for (const told of ['b'.repeat(64), 'a'.repeat(32), 'version-1', config.repository, 'Mairie de Bonaberi'])
    expect(page).toContain(told);
  expect(page).toContain('Non vérifié par un juriste');
  const signed = { ...mapping, text_verified: true, verified_by: 'Me Ngo', verified_on: '2026-12-01' };
  const verified = compliancePage({ ...report, mapping: signed }, { ...options, language: 'fr' });
  expect(verified).not.toContain('Non vérifié');
  expect(verified).toContain('Me Ngo');
});

test('the role that only reads may ask every query, and gets the same rows', async () => {
  const { ownerUri, writerUri } = await postgres().database();
  const owner = new pg.Client(ownerUri);
  const reader = new pg.Client(writerUri);
  await Promise.all([owner.connect(), reader.connect()]);
  onTestFinished(async () => {
    await owner.query('revoke holdfast_reader from holdfast_writer');
    await Promise.all([owner.end(), reader.end()]);
  });
  await owner.query('grant holdfast_reader to holdfast_writer');
  await reader.query('set role holdfast_reader');
  for (const name of queryNames) {
    const { text, values } = boundStatement(namedQueries[name].sql, period());
    const { fields } = await reader.query(text, [...values]);
    expect([name, fields.map((field) => field.name)]).toEqual([
      name,
      expect.arrayContaining(['id', 'at', 'what']),
    ]);
  }
});

test('rows are given the newest first, and of the period only', async () => {
  const world = await lived();
  const rows = await onOneState(world.catalog, (ask) => newestRows(ask, 'incidents', period(), 2));
  expect(rows.map(({ id }) => id)).toEqual(['i2', 'i3']);
  const past = { ...period(), from: new Date('2020-01-01'), to: new Date('2020-12-31') };
  for (const name of queryNames.filter((one) => namedQueries[one].standing !== true)) {
    const { value } = await onOneState(world.catalog, (ask) => countOf(ask, name, past));
    expect([name, value]).toEqual([name, 0]);
  }
});

describe('a mapping', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-mapping-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'own.yaml');
  // biome-ignore lint/suspicious/noExplicitAny: made wrong on purpose
  type Change = (raw: any) => void;
  const written = (change: Change): string => {
    const raw = parse(readFileSync(path.join(root, 'policies/compliance/cm-2024-017.yaml'), 'utf8'));
    change(raw);
    writeFileSync(file, stringify(raw));
    return file;
  };

  test('that comes along answers the articles of the law, and says that counsel has not signed', () => {
    expect([...packaged.keys()]).toEqual(['cm-2024-017', 'gdpr']);
    const articles = law('cm-2024-017').controls.map(({ article }) => article);
    expect([...new Set(articles)]).toEqual(['17', '19', '22']);
    for (const { text_verified } of packaged.values()) expect(text_verified).toBe(false);
  });

  test('of the operator takes the place of the packaged one', () => {
    const own = written((raw) =>
      Object.assign(raw, { text_verified: true, verified_by: 'Me Ngo', verified_on: '2026-12-01' }),
    );
    expect(readMappings([own]).get('cm-2024-017')?.verified_by).toBe('Me Ngo');
    expect(readMappings([own]).get('gdpr')).toBeDefined();
  });

  test.each([
    [
      'an unknown query',
      (raw) => Object.assign(raw.controls[0].queries[0], { name: 'nope' }),
      'controls.0.queries.0.name: there is no such query',
    ],
    [
      'a misspelt key',
      (raw) => Object.assign(raw.controls[1], { titel: 'x' }),
      'controls.1.titel: there is no such key',
    ],
    ['a missing translation', (raw) => delete raw.controls[2].claim.fr, 'controls.2.claim.fr'],
    [
      'an article that is not named',
      (raw) => delete raw.articles['22'],
      'controls.9.article: articles says nothing of 22',
    ],
    [
      'a signature without a name',
      (raw) => Object.assign(raw, { text_verified: true }),
      'text_verified: true together with',
    ],
    [
      'evidence as a failure',
      (raw) => Object.assign(raw.controls[0].queries[0], { as: 'failure' }),
      'controls.0.queries.0: failure, doubt',
    ],
  ] as readonly [string, Change, string][])('with %s is refused by file and key', (_, change, detail) => {
    expect(() => readMapping(written(change))).toThrow(`${file} is no mapping of a law: ${detail}`);
  });

  test('that cannot be read is refused', () => {
    expect(() => readMapping(path.join(folder, 'none.yaml'))).toThrow(/none\.yaml is no mapping/);
  });
});

test('a control stands as its numbers say, what is known to be wrong before what nobody knows', () => {
  const query = (
    as: Mapping['controls'][number]['queries'][number]['as'],
    name: QueryName,
    threshold = 0,
  ) => ({
    ...{ name, as, threshold },
  });
  const queries = [
    query('basis', 'uploads'),
    query('required', 'restore_tests', 1),
    query('failure', 'uploads_unsealed'),
    query('doubt', 'uploads_rebuilt'),
    query('exception', 'uploads_unscanned', 2),
  ];
  const state = (values: Partial<Record<QueryName, number>>): string =>
    judgedControl({ queries }, (name) => ({ uploads: 9, restore_tests: 1, ...values })[name] ?? 0);
  expect(state({})).toBe('met');
  expect(state({ uploads: 0, uploads_unsealed: 1 })).toBe('not_applicable');
  expect(state({ restore_tests: 0 })).toBe('not_met');
  expect(state({ uploads_unsealed: 1, uploads_rebuilt: 1 })).toBe('not_met');
  expect(state({ uploads_rebuilt: 1, uploads_unscanned: 3 })).toBe('unknown');
  expect(state({ uploads_unscanned: 3 })).toBe('met_with_exceptions');
  expect(state({ uploads_unscanned: 2 })).toBe('met');
});

test('every query is described, every exception with what was done, in each language', () => {
  for (const language of languages) {
    const texts: Readonly<Record<string, unknown>> = allTexts[language].compliance;
    const described = Object.keys(texts).filter((key) => key.startsWith('query_'));
    expect(described.sort()).toEqual(queryNames.map((name) => `query_${name}`).sort());
    const done = Object.keys(texts).filter((key) => key.startsWith('done_'));
    const exceptions = queryNames.filter((name) => namedQueries[name].isException === true);
    expect(done.sort()).toEqual(exceptions.map((name) => `done_${name}`).sort());
  }
});
