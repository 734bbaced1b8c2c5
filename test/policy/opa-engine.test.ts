import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assembleBundle, writeBundle } from '../../src/policy/bundle.ts';
import { only } from '../../src/policy/epoch.ts';
import { OpaEngine } from '../../src/policy/opa-engine.ts';
import { startOpa, stop } from './opa.ts';
import { admission, config, release } from './questions.ts';

let folder: string;
let socketPath: string;
let revision: string;
let opa: ChildProcess;
let engine: OpaEngine;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-opa-'));
  socketPath = join(folder, 'opa.sock');
  const outFile = join(folder, 'bundle.tar.gz');
  const policiesDir = join(import.meta.dirname, '../../policies');
  const bundle = await assembleBundle({ policiesDir, config });
  await writeBundle(bundle, outFile);
  revision = bundle.revision;
  opa = await startOpa(outFile, socketPath);
  engine = new OpaEngine({ socketPath, timeoutMs: 5000, epoch: only(revision) });
});
afterAll(async () => {
  engine.close();
  await stop(opa);
  rmSync(folder, { recursive: true, force: true });
});

const named = <Input extends { entry: object }>(input: Input, name: string): Input => ({
  ...input,
  entry: { ...input.entry, name, path: `docs/${name}` },
});

describe('OpaEngine with a real OPA', () => {
  test('admits an ordinary file and says by which bundle', async () => {
    const decision = await engine.admit(admission);
    expect(decision.result).toMatchObject({
      allow: true,
      reasons: [],
      destinations: ['local'],
      scope: 'default',
    });
    expect(decision.bundleRevision).toBe(revision);
    expect(decision.decisionId).not.toBe('');
  });

  test('a rule of the source denies admission, with its id', async () => {
    const { result } = await engine.admit(named(admission, 'x.nope'));
    expect(result.allow).toBe(false);
    expect(result.reasons.map((reason) => reason.id)).toEqual(['name_denied']);
  });

  test('releases properly sealed bytes, and not what the source keeps', async () => {
    const approvals = { required: 0, given: 0, waived: [] };
    expect((await engine.release(release)).result).toEqual({ allow: true, reasons: [], approvals });
    const { result } = await engine.release(named(release, 'x.stay'));
    expect(result.reasons.map((reason) => reason.id)).toEqual(['name_denied']);
  });

  test('gives the retention classes and who may approve', async () => {
    const { result, bundleRevision } = await engine.retentionClasses();
    expect(result).toEqual({
      standard: { mode: 'GOVERNANCE', days: 1, versions: 10, minimumDays: 30, erasable: false },
    });
    expect(bundleRevision).toBe(revision);
    const required = { public: 1, internal: 1, confidential: 1, restricted: 1 };
    expect((await engine.approvalTerms()).result).toEqual({ approvers: [], required });
  });

  test('names that are not ordinary text pass unharmed', async () => {
    for (const name of ['a\nb', '\u{FFFD}', '"\\', '\u{1F512}', '\u0000']) {
      expect((await engine.admit(named(admission, name))).result.allow).toBe(true);
    }
  });

  test('answers many questions at once', async () => {
    const names = Array.from({ length: 200 }, (_, index) =>
      index % 2 === 0 ? `${index}.nope` : `${index}.txt`,
    );
    const decisions = await Promise.all(names.map((name) => engine.admit(named(admission, name))));
    expect(decisions.map((decision) => decision.result.allow)).toEqual(
      names.map((name) => name.endsWith('.txt')),
    );
  });

  test('ping gives the revision that is loaded', async () => {
    expect(await engine.ping()).toEqual({ revision });
  });

  test('another bundle than expected means waiting, not deciding', async () => {
    const strict = new OpaEngine({ socketPath, timeoutMs: 5000, epoch: only('0'.repeat(64)) });
    await expect(strict.admit(admission)).rejects.toMatchObject({
      code: 'policy_unavailable',
      retryable: true,
    });
    await expect(strict.ping()).rejects.toMatchObject({ code: 'policy_unavailable' });
    strict.close();
  });

  test('an OPA that is gone and returns', async () => {
    await stop(opa);
    await expect(engine.admit(admission)).rejects.toMatchObject({ code: 'policy_unavailable', exitCode: 5 });
    await expect(engine.ping()).rejects.toMatchObject({ code: 'policy_unavailable' });
    rmSync(socketPath, { force: true });
    opa = await startOpa(join(folder, 'bundle.tar.gz'), socketPath);
    expect((await engine.admit(admission)).result.allow).toBe(true);
  });
});
