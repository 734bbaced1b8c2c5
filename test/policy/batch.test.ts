import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
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
      index % 3 === 0 ? `a${index}.nope` : `b${index}.stay`,
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

describe('an engine that answers for others than were asked about', () => {
  const socketPath = join(folder, 'fake.sock');
  let result: unknown;
  const server = createServer((incoming, response) => {
    const provenance = { bundles: { bundle: { revision: 'ab'.repeat(32) } } };
    incoming.resume().on('end', () => response.end(JSON.stringify({ result, provenance })));
  });
  let engine: OpaEngine;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    engine = new OpaEngine({ socketPath, timeoutMs: 300 });
  });
  afterAll(() => {
    engine.close();
    server.closeAllConnections();
    server.close();
  });
  const yes = { allow: true, reasons: [] };
  const asked = async () =>
    (await engine.releaseMany([release, release])).map(({ result: { allow, reasons } }) => [
      allow,
      ...reasons.map(({ id }) => id),
    ]);
  const no = [false, 'policy_undefined'];

  test('is believed about each that it answers for, or the rest would prove nothing', async () => {
    result = { 0: yes, 1: yes };
    expect(await asked()).toEqual([[true], [true]]);
  });

  test('denies the one it leaves out, and the one it says nonsense of', async () => {
    result = { 0: yes };
    expect(await asked()).toEqual([[true], no]);
    result = { 0: 'yes', 1: yes };
    expect(await asked()).toEqual([no, [true]]);
  });

  test.each([
    ['one more', { 0: yes, 1: yes, 2: yes }],
    ['another name', { 0: yes, 1: yes, x: yes }],
    ['the same number in another way', { 0: yes, 1: yes, '01': yes }],
    ['a list', [yes, yes]],
    ['nothing', undefined],
  ])('denies all of them where it gives %s', async (_, answer) => {
    result = answer;
    expect(await asked()).toEqual([no, no]);
  });
});
