import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assembleBundle, termsOf, writeBundle } from '../../src/policy/bundle.ts';
import type { PolicyConfig } from '../../src/policy/config.ts';
import { config } from './questions.ts';

const policies = join(import.meta.dirname, '../../policies');
let folder: string;
let copy: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-bundle-'));
  copy = join(folder, 'policies');
  cpSync(policies, copy, { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const build = async (name: string, policiesDir = policies, given: PolicyConfig = config) => {
  const outFile = join(folder, name);
  const bundle = await assembleBundle({ policiesDir, config: given });
  await writeBundle(bundle, outFile);
  const { revision } = bundle;
  return { revision, bytes: readFileSync(outFile), outFile };
};

describe('assembleBundle', () => {
  test('gives equal bytes and revision for equal rules, whatever their times and folder', async () => {
    const first = await build('a.tar.gz');
    utimesSync(join(copy, 'data.json'), 1, 1);
    const second = await build('b.tar.gz', copy);
    expect(second.revision).toBe(first.revision);
    expect(second.bytes.equals(first.bytes)).toBe(true);
    expect(first.revision).toMatch(/^[0-9a-f]{64}$/);
  });

  test('does not depend on the order of keys in the configuration', async () => {
    const reordered = Object.fromEntries(Object.entries(config).reverse()) as PolicyConfig;
    expect((await build('c.tar.gz', policies, reordered)).revision).toBe((await build('d.tar.gz')).revision);
  });

  test('another configuration, rule or default is another revision', async () => {
    const base = (await build('e.tar.gz', copy)).revision;
    const longer = { ...config, lock: { mode: 'GOVERNANCE', days: 2 } } as const;
    expect((await build('f.tar.gz', copy, longer)).revision).not.toBe(base);
    const rule = join(copy, 'names/names.rego');
    const text = readFileSync(rule, 'utf8');
    writeFileSync(rule, `${text}\n`);
    expect((await build('g.tar.gz', copy)).revision).not.toBe(base);
    writeFileSync(rule, text);
    expect((await build('h.tar.gz', copy)).revision).toBe(base);
  });

  test('what it says of a source is told apart from what it says of others', async () => {
    const terms = async (given: PolicyConfig, policiesDir = policies) =>
      termsOf(await assembleBundle({ policiesDir, config: given }));
    const both: PolicyConfig = { ...config, sources: { docs: {}, letters: { retention_class: 'standard' } } };
    const base = await terms(both);
    expect(await terms({ ...both, sources: { docs: {} } })).toEqual({ docs: base.docs });
    const changed = await terms({ ...both, sources: { ...both.sources, docs: { scan: 'off' } } });
    expect(changed.docs).not.toBe(base.docs);
    expect(changed.letters).toBe(base.letters);
    const longer = await terms({ ...both, lock: { mode: 'GOVERNANCE', days: 2 } });
    const rule = join(copy, 'names/names.rego');
    const text = readFileSync(rule, 'utf8');
    writeFileSync(rule, `${text}\n`);
    const ruled = await terms(both, copy);
    writeFileSync(rule, text);
    for (const name of ['docs', 'letters']) {
      expect(longer[name]).not.toBe(base[name]);
      expect(ruled[name]).not.toBe(base[name]);
    }
  });

  test('tests and schemas are not part of it', async () => {
    const { outFile } = await build('i.tar.gz');
    const names = execFileSync('tar', ['tzf', outFile], { encoding: 'utf8' }).trim().split('\n');
    expect(names).toEqual([
      '.manifest',
      'admission/admission.rego',
      'approval/approval.rego',
      'batch/batch.rego',
      'data.json',
      'findings/findings.rego',
      'holdfast/config/data.json',
      'holdfast/sentences/data.json',
      'names/names.rego',
      'reasons/reasons.rego',
      'release/release.rego',
      'retention/retention.rego',
      'scanning/scanning.rego',
      'sealing/sealing.rego',
      'traits/traits.rego',
    ]);
  });

  test.each([
    ['a misspelt key', { sources: { home: { admission: { deny_name: ['*'] } } } }],
    ['a lock of no days', { lock: { mode: 'GOVERNANCE', days: 0 } }],
    ['an unknown classification', { sources: { home: { classification: 'secret' } } }],
  ])('refuses %s', async (_, part) => {
    const broken = { ...config, ...part } as unknown as PolicyConfig;
    await expect(build('j.tar.gz', policies, broken)).rejects.toMatchObject({ code: 'policy_invalid' });
  });

  test('refuses a folder without rules', async () => {
    await expect(build('k.tar.gz', join(policies, 'schemas'))).rejects.toMatchObject({
      code: 'policy_invalid',
    });
  });
});
