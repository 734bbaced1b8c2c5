import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { assembleBundle } from '../../src/policy/bundle.ts';
import { policyDataSchema } from '../../src/policy/data.ts';
import { readOperatorData } from '../../src/policy/operator-data.ts';
import { validateBundle } from '../../src/policy/validate.ts';
import { opaPath } from '../policy/opa.ts';
import { config } from '../policy/questions.ts';

const root = path.join(import.meta.dirname, '../..');
const text = readFileSync(path.join(root, 'docs/policy.md'), 'utf8');

test('the town hall of docs/policy.md is data that the rules take', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-town-hall-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [, example = ''] = /```yaml\n(# \/etc\/holdfast\/policy\.yaml\n[\s\S]*?)```/.exec(text) ?? [];
  const file = path.join(folder, 'policy.yaml');
  writeFileSync(file, example);
  const place = { jurisdiction: 'CM', classifications: config.destinations.local?.classifications ?? [] };
  const bundle = await assembleBundle({
    policiesDir: path.join(root, 'policies'),
    config: {
      ...config,
      sources: { documents: {} },
      destinations: { primary: place, france: { ...place, jurisdiction: 'FR' } },
    },
    operatorData: await readOperatorData(file),
  });
  await validateBundle(opaPath(), bundle, undefined);
  expect(example).toContain('transfer_authorisations');
});

test('its table of the data names every key', () => {
  const told = new Set([...text.matchAll(/`([a-z_]+)[.`]/g)].map(([, key]) => key));
  const internal = ['compression', 'incompressible', 'sealing', 'signature_sets'];
  const missing = Object.keys(policyDataSchema.shape).filter(
    (key) => !told.has(key) && !internal.includes(key),
  );
  expect(missing).toEqual([]);
});
