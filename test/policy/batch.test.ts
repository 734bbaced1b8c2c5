import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assembleBundle, writeBundle } from '../../src/policy/bundle.ts';
import { OpaEngine } from '../../src/policy/opa-engine.ts';
import { startOpa, stop } from './opa.ts';
import { admission, config, release } from './questions.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-batch-policy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const named = <Input extends { entry: object }>(input: Input, name: string): Input => ({
  ...input,
  entry: { ...input.entry, name, path: `docs/${name}` },
});

describe('many questions to a real OPA', () => {
  let close = async (): Promise<void> => {};
  let engine: OpaEngine;
  beforeAll(async () => {
    const [bundleFile, socketPath] = [join(folder, 'bundle.tar.gz'), join(folder, 'opa.sock')];
    const policiesDir = join(import.meta.dirname, '../../policies');
    await writeBundle(await assembleBundle({ policiesDir, config }), bundleFile);
    const opa = await startOpa(bundleFile, socketPath);
    engine = new OpaEngine({ socketPath, timeoutMs: 10_000 });
    close = async () => {
      engine.close();
      await stop(opa);
    };
  });
  afterAll(() => close());

  test('are each answered as if asked alone', async () => {
    const names = Array.from({ length: 140 }, (_, index) =>
      index % 3 === 0 ? `a${index}.nope` : index % 3 === 1 ? `b${index}.stay` : `c${index}.pem`,
    );
    const admissions = names.map((name) => named(admission, name));
    const releases = names.map((name) => named(release, name));
    const alone = {
      admissions: await Promise.all(admissions.map(async (input) => (await engine.admit(input)).result)),
      releases: await Promise.all(releases.map(async (input) => (await engine.release(input)).result)),
    };
    const many = {
      admissions: (await engine.admitMany(admissions)).map(({ result }) => result),
      releases: (await engine.releaseMany(releases)).map(({ result }) => result),
    };
    expect(many).toEqual(alone);
    expect(new Set(many.admissions.map(({ allow }) => allow))).toEqual(new Set([true, false]));
    expect(new Set(many.releases.map(({ allow }) => allow))).toEqual(new Set([true, false]));
    expect(await engine.admitMany([])).toEqual([]);
  });
});
