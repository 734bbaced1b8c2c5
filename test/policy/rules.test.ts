import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AdmissionInput, ReleaseInput } from '../../src/domain/records.ts';
import { opaPath } from './opa.ts';
import { admission, config, release } from './questions.ts';

const policies = join(import.meta.dirname, '../../policies');
const schemas = join(policies, 'schemas');
const opa = (args: string[]): string => execFileSync(opaPath(), args, { encoding: 'utf8', stdio: 'pipe' });

describe('the rules', () => {
  test('pass their own tests with at least 95 % of their lines covered', () => {
    const args = ['--bundle', '--fail-on-empty', '--timeout', '60s', '--coverage', '--threshold', '95'];
    const report = JSON.parse(opa(['test', ...args, policies])) as { coverage: number };
    expect(report.coverage).toBeGreaterThanOrEqual(95);
  });

  test('hold under opa check --strict, against the input schemas too', () => {
    opa(['check', '--strict', '--bundle', policies]);
    opa(['check', '--strict', '--bundle', '--schema', schemas, policies]);
  });

  test('are formatted', () => {
    expect(opa(['fmt', '--list', policies])).toBe('');
  });
});

describe('the input schemas', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-schema-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const fits = (schema: string, question: object): boolean => {
    const input = join(folder, 'input.json');
    const asked = { schema: JSON.parse(readFileSync(join(schemas, schema), 'utf8')), question };
    writeFileSync(input, JSON.stringify(asked));
    const query = 'json.match_schema(input.question, input.schema)[0]';
    return opa(['eval', '--format', 'raw', '--input', input, query]).trim() === 'true';
  };

  /** What a gate sees of a question: the shared facts, and what data.holdfast.traits makes of the file. */
  const seen = (gate: 'admission' | 'release', question: AdmissionInput | ReleaseInput): object => {
    const { entry, content, ...facts } = question;
    const input = join(folder, 'file.json');
    writeFileSync(input, JSON.stringify({ entry, content }));
    const configFile = join(folder, 'config.json');
    writeFileSync(configFile, JSON.stringify({ holdfast: { config } }));
    const query = `data.holdfast.traits.${gate}("${question.source.name}", input)`;
    const args = [
      'eval',
      '--format',
      'raw',
      '--bundle',
      policies,
      '--data',
      configFile,
      '--input',
      input,
      query,
    ];
    return { ...facts, traits: JSON.parse(opa(args)) };
  };

  test('describe what the gates see', () => {
    const [admitting, releasing] = [seen('admission', admission), seen('release', release)];
    expect(admitting).toMatchObject({ traits: { classification: 'internal' } });
    expect(fits('admission-input.json', admitting)).toBe(true);
    expect(fits('release-input.json', releasing)).toBe(true);
    expect(fits('admission-input.json', { ...admitting, mood: 'good' })).toBe(false);
    expect(fits('release-input.json', { ...releasing, mood: 'good' })).toBe(false);
  });

  test('know nothing of a file but its traits', () => {
    expect(fits('admission-input.json', { ...seen('admission', admission), entry: admission.entry })).toBe(
      false,
    );
    expect(fits('release-input.json', { ...seen('release', release), content: release.content })).toBe(false);
  });
});
