import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { alerts, dashboards, expressions, metricNames } from '../support/monitoring-files.ts';
import { prometheusProgram } from '../support/prometheus.ts';
import { metricRows, wholeRegistry } from '../support/registry.ts';

const root = path.join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const promtool = (...args: string[]): string =>
  execFileSync(prometheusProgram('promtool'), args, { cwd: root, encoding: 'utf8' });
const manual = read('docs/monitoring.md');

test('docs/monitoring.md tells every metric with type, labels and meaning, and no other', () => {
  const rows = metricRows(wholeRegistry()).map(
    ({ name, type, labels, meaning }) => `| \`${name}\` | ${type} | ${labels || '–'} | ${meaning} |`,
  );
  expect(rows.length).toBeGreaterThan(50);
  expect(manual.split('\n').filter((line) => line.startsWith('| `holdfast_'))).toEqual(rows);
});

test('docs/monitoring.md tells every alert', () => {
  const told = [...manual.matchAll(/^\| `(Holdfast\w+)` \| (\w+) \|/gm)].map(([, name, severity]) => [
    name,
    severity,
  ]);
  expect(told).toEqual(alerts.map(({ alert, labels }) => [alert, labels.severity]));
});

test('names follow the conventions: base units, and _total for what only grows', () => {
  for (const { name, type } of metricRows(wholeRegistry())) {
    expect(name).toMatch(/^holdfast_[a-z0-9_]+$/);
    expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
    expect(name).not.toMatch(/_(ms|millis|milliseconds|minutes|hours|kb|mb|percent|ratio)(_|$)/);
  }
});

/** What is there only once there is something to tell: a moment, a duration of what ran, a version of Node. */
const withoutBeginning =
  /_timestamp_seconds$|^holdfast_(runs|sweep_last_duration_seconds|destination_up|dependency_up|unsound_objects|copies_missing|stored_\w+|incidents_open|audit_\w+|signature_set)$/;

test('whatever can happen is counted from the start, at 0', async () => {
  const registry = wholeRegistry();
  const text = await registry.metrics();
  for (const { name, labels } of metricRows(registry)) {
    if (labels === '' || withoutBeginning.test(name)) continue;
    expect(text, name).toMatch(new RegExp(`^${name}(_count)?\\{`, 'm'));
  }
  // Of two labels every pair, not only the first.
  for (const series of [
    'holdfast_uploads_total{destination="primary",result="s3_denied"} 0',
    'holdfast_s3_request_duration_seconds_count{destination="primary",operation="delete_version"} 0',
    'holdfast_step_duration_seconds_count{lane="batch",step="seal"} 0',
    'holdfast_failed_files_total{reason="object_lost"} 0',
    'holdfast_catalog_entries{source="docs",outcome="held"} 0',
    'holdfast_oldest_unprotected_seconds{source="docs"} 0',
  ])
    expect(text).toContain(`${series}\n`);
});

test('a moment that is not known yet is not told as 1970', async () => {
  const text = await wholeRegistry().metrics();
  expect(text.match(/^holdfast_\w*_timestamp_seconds(\{.*\})? 0$/gm)).toBeNull();
});

test('no label could hold an id or a path', () => {
  const labels = new Set(
    metricRows(wholeRegistry())
      .flatMap(({ labels }) => labels.split(', '))
      .filter(Boolean),
  );
  expect([...labels].sort()).toEqual(
    [
      ...[
        'action',
        'code',
        'dependency',
        'depth',
        'destination',
        'gate',
        'host',
        'kind',
        'lane',
        'operation',
        'outcome',
      ],
      ...['reason', 'remedy', 'resource', 'result', 'set', 'source', 'state', 'step', 'verdict', 'what'],
    ].sort(),
  );
});

describe('alert rules', () => {
  test('are valid, and so are the scrape configurations', () => {
    for (const file of ['ops/prometheus/prometheus.yml', 'ops/compose/prometheus.yml'])
      expect(promtool('check', 'config', file)).toContain('SUCCESS');
  });

  // Hours of evaluation: seconds of CPU.
  test('fire and stay silent as their tests say', { timeout: 120_000 }, () => {
    expect(promtool('test', 'rules', 'ops/prometheus/tests/holdfast_test.yml')).toContain('SUCCESS');
  });

  test('each of them is seen firing in a test', () => {
    const fired = new Set(
      [...read('ops/prometheus/tests/holdfast_test.yml').matchAll(/alertname="(\w+)"\}/g)].map(
        ([, name]) => name,
      ),
    );
    expect(alerts.map(({ alert }) => alert).filter((name) => !fired.has(name))).toEqual([]);
  });

  test('say what happened, what it means and what to do, with commands that there are', () => {
    const commands = readdirSync(path.join(root, 'src/cli/definitions')).flatMap((file) => [
      ...read(`src/cli/definitions/${file}`).matchAll(/\bcommand\(\s*'([a-z-]+)'/g),
    ]);
    const known = new Set(commands.map(([, name]) => name));
    for (const { alert, annotations, labels } of alerts) {
      expect(labels.severity, alert).toMatch(/^(critical|warning)$/);
      for (const part of ['summary', 'meaning', 'action'])
        expect(annotations[part]?.length, `${alert}: ${part}`).toBeGreaterThan(20);
      const named = [...(annotations.action ?? '').matchAll(/`holdfast ([a-z-]+)/g)].map(([, name]) => name);
      expect(named.filter((name) => !known.has(name ?? ''))).toEqual([]);
    }
  });
});

describe('dashboards', () => {
  const datasources = (
    parse(read('ops/grafana/provisioning/datasources/holdfast.yml')) as { datasources: { uid: string }[] }
  ).datasources.map(({ uid }) => uid);

  test('are three, under uids and titles of their own, in a folder that is provisioned', () => {
    expect(dashboards.map(({ uid }) => uid).sort()).toEqual([
      'holdfast-audit',
      'holdfast-operations',
      'holdfast-temporal',
    ]);
    const { providers } = parse(read('ops/grafana/provisioning/dashboards/holdfast.yml')) as {
      providers: { type: string; options: { path: string } }[];
    };
    expect(providers).toMatchObject([{ type: 'file', options: { path: expect.stringMatching(/^\//) } }]);
  });

  test.each(dashboards)(
    '$title: every panel has its own id, a place, a unit and targets of a provisioned source',
    ({ panels }) => {
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      const taken = new Set<string>();
      for (const { title, type, gridPos, targets = [], fieldConfig, datasource } of panels) {
        expect(title).not.toBe('');
        expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
            expect(taken.has(`${x} ${y}`), `${title} lies on another panel`).toBe(false);
            taken.add(`${x} ${y}`);
          }
        if (type === 'row') continue;
        expect(datasources, title).toContain(datasource?.uid);
        expect(targets.length, title).toBeGreaterThan(0);
        expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
        for (const { expr, datasource } of targets) {
          expect(expr, title).not.toBe('');
          expect(datasources).toContain(datasource.uid);
        }
        if (type !== 'logs') expect(fieldConfig?.defaults.unit, title).toBeTruthy();
      }
    },
  );
});

test('no dashboard and no alert names a metric of ours that there is not, and every metric is shown or watched', () => {
  const known = new Set(metricRows(wholeRegistry()).map(({ name }) => name));
  const used = new Set(expressions().flatMap(({ expr }) => metricNames(expr)));
  expect([...used].filter((name) => name.startsWith('holdfast_') && !known.has(name))).toEqual([]);
  expect([...known].filter((name) => !used.has(name))).toEqual([]);
});
