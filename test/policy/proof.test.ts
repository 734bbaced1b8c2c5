import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { assembleBundle, readSignedBundle, writeBundleFolder } from '../../src/policy/bundle.ts';
import { lintPolicies, sourceFindings } from '../../src/policy/lint.ts';
import { mergePatch, readOperatorData } from '../../src/policy/operator-data.ts';
import { bundleSignature } from '../../src/policy/signature.ts';
import { validateBundle } from '../../src/policy/validate.ts';
import { opaPath } from './opa.ts';
import { config } from './questions.ts';

const policiesDir = join(import.meta.dirname, '../../policies');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-proof-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const written = (name: string, data: unknown): string => {
  const file = join(folder, name);
  writeFileSync(file, typeof data === 'string' ? data : stringify(data));
  return file;
};

/** What `check` and `apply` do with the operator's data. */
async function prove(data: unknown, dir = policiesDir): Promise<string> {
  const operatorData = await readOperatorData(written('data.yaml', data));
  const bundle = await assembleBundle({ policiesDir: dir, config, operatorData });
  await validateBundle(opaPath(), bundle, undefined);
  return bundle.revision;
}

describe("the operator's data", () => {
  test('are laid over the defaults key by key; lists take the place of lists, and a null takes a key away', () => {
    const merged = mergePatch({ a: { b: 1, c: [1, 2] }, d: 1 }, { a: { c: [3], e: {} }, d: null });
    expect(merged).toEqual({ a: { b: 1, c: [3], e: {} } });
  });

  test('come from a file or from the files of a folder, in the order of their names', async () => {
    const several = join(folder, 'several');
    mkdirSync(several);
    writeFileSync(join(several, '20-later.json'), '{"classification": "public"}');
    writeFileSync(
      join(several, '10-first.yaml'),
      'classification: restricted\nlimits: {deny_names: ["*.tmp"]}\n',
    );
    writeFileSync(join(several, 'notes.txt'), 'not data');
    expect(await readOperatorData(several)).toEqual({
      classification: 'public',
      limits: { deny_names: ['*.tmp'] },
    });
  });

  test('that say nothing change nothing', async () => {
    const { revision } = await assembleBundle({ policiesDir, config });
    expect(await prove('# nothing yet\n')).toBe(revision);
    expect(await prove({ classification: 'public' })).not.toBe(revision);
  });

  test.each<[string, unknown, string]>([
    [
      'a misspelt key',
      { classifications: { restricted: { aprovals: 2 } } },
      'classifications.restricted.aprovals: there is no such key',
    ],
    ['a misspelt classification', { classifications: { secret: {} } }, 'classifications'],
    [
      'a name in upper case, which would never match',
      { classify: { x: { classification: 'public', names: ['A'] } } },
      'classify.x.names.0: must be in lower case',
    ],
    [
      'a rule without condition',
      { classify: { x: { classification: 'public' } } },
      'classify.x: states no condition',
    ],
    ['a broken pattern', { limits: { deny_names: ['['] } }, 'limits.deny_names.0: "[" is not a pattern'],
    [
      'a retention class that is not there',
      { classifications: { public: { retention_class: 'x' } } },
      'there is no retention class x',
    ],
    [
      'an authorisation without end',
      {
        destinations: {
          local: { transfer_authorisations: [{ id: 'a', valid_from: '2026-01-01T00:00:00Z' }] },
        },
      },
      'destinations.local.transfer_authorisations.0.valid_until',
    ],
    [
      'more approvals than persons',
      { classifications: { restricted: { approvals: 2 } } },
      '0 persons may give one',
    ],
    ['a destination that is not there', { destinations: { nowhere: {} } }, 'there is no destination nowhere'],
    [
      'an approver without a key',
      { approvers: [{ name: 'amina', public_key: 'x' }] },
      'approvers.0.public_key: not an Ed25519 public key',
    ],
    ['text that is no YAML', 'a: [', 'data.yaml'],
  ])('are refused with the path of the key: %s', async (_, data, sentence) => {
    await expect(prove(data)).rejects.toMatchObject({
      code: 'policy_invalid',
      message: expect.stringContaining(sentence),
    });
  });
});

describe('a bundle is proved before it counts', () => {
  const changedRules = (name: string, file: string, change: (text: string) => string): string => {
    const copy = join(folder, name);
    cpSync(policiesDir, copy, { recursive: true });
    writeFileSync(join(copy, file), change(readFileSync(join(copy, file), 'utf8')));
    return copy;
  };

  test.each<[string, string, (text: string) => string, string]>([
    [
      'does not say what a file is like',
      'traits/traits.rego',
      (text) => text.replaceAll('admission(source, file) :=', 'admittance(source, file) :='),
      'traits',
    ],
    ['does not compile', 'names/names.rego', (text) => `${text}\nnonsense\n`, 'names.rego'],
    [
      'gives no admission',
      'admission/admission.rego',
      (text) => text.replaceAll('decision :=', 'verdict :='),
      'holdfast.batch.admissions',
    ],
    [
      'gives a release out of form',
      'release/release.rego',
      (text) => text.replace('"allow": allow,', '"allow": "yes",'),
      'holdfast.batch.releases',
    ],
    [
      'lacks the rules for batches',
      'batch/batch.rego',
      () => 'package holdfast.batch\n',
      'holdfast.batch.admissions',
    ],
    [
      'lacks retention',
      'retention/retention.rego',
      (text) => text.replace('classes[name] :=', 'kinds[name] :='),
      'holdfast.retention.classes',
    ],
    ['fails when it is asked', 'approval/approval.rego', (text) => `${text}\nterms := 1\n`, 'approval'],
  ])('one that %s is refused', async (name, file, change, sentence) => {
    await expect(prove({}, changedRules(name, file, change))).rejects.toMatchObject({
      code: 'policy_invalid',
      message: expect.stringContaining(sentence),
    });
  });

  test('our own rules are described, in both languages, and lint says what is not', async () => {
    expect(sourceFindings(policiesDir)).toEqual([]);
    const rules = changedRules(
      'undescribed',
      'reasons/reasons.rego',
      (text) => `${text}\n# A secret.\nsecret :=   1\n`,
    );
    rmSync(join(rules, 'admission/admission_test.rego'));
    const sentences = join(rules, 'holdfast/sentences/data.json');
    writeFileSync(sentences, readFileSync(sentences, 'utf8').replace('"fr"', '"de"'));
    const found = await lintPolicies(opaPath(), rules);
    expect(found.map(({ check }) => check)).toEqual(['format', 'tests', 'metadata', 'reasons']);
    expect(found.slice(2).map(({ detail }) => detail)).toEqual([
      'reasons/reasons.rego: secret has no METADATA',
      'input_invalid lacks its sentence in English or French',
    ]);
  }, 60_000);
});

describe('a signed bundle', () => {
  test('is loaded as it was signed, and with no other signature', async () => {
    const signed = join(folder, 'signed');
    const [ours, theirs] = ['ours', 'theirs'].map((name) => {
      const file = join(folder, `${name}.pem`);
      execFileSync('openssl', ['ecparam', '-genkey', '-noout', '-name', 'prime256v1', '-out', file]);
      execFileSync('openssl', ['ec', '-in', file, '-pubout', '-out', `${file}.pub`], { stdio: 'pipe' });
      return file;
    }) as [string, string];
    await writeBundleFolder(await assembleBundle({ policiesDir, config }), signed);
    const sign = (key: string) =>
      execFileSync(opaPath(), ['sign', '--bundle', '--signing-alg', 'ES256', '--signing-key', key, '.'], {
        cwd: signed,
      });
    const loaded = async () =>
      validateBundle(opaPath(), await readSignedBundle(signed), bundleSignature(`${ours}.pub`));
    await expect(loaded()).rejects.toThrow('the signed bundle has no .signatures.json');
    sign(ours);
    await loaded();
    sign(theirs);
    await expect(loaded()).rejects.toMatchObject({
      code: 'policy_invalid',
      message: expect.stringContaining('verif'),
    });
    sign(ours);
    const data = join(signed, 'data.json');
    writeFileSync(data, readFileSync(data, 'utf8').replace('"internal"', '"public"'));
    await expect(loaded()).rejects.toThrow('another revision');
    const unsigned = await assembleBundle({ policiesDir, config });
    await expect(validateBundle(opaPath(), unsigned, bundleSignature(`${ours}.pub`))).rejects.toThrow(
      'signatures',
    );
  });

  test('needs an RSA or EC key', () => {
    expect(() => bundleSignature(written('key', 'no key'))).toThrow('no public key');
    execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', join(folder, 'ed.pem')]);
    expect(() => bundleSignature(join(folder, 'ed.pem'))).toThrow('neither an RSA nor an EC key');
  });
});
