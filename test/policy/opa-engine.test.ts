import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assembleBundle, writeBundle } from '../../src/policy/bundle.ts';
import { only } from '../../src/policy/epoch.ts';
import { OpaEngine } from '../../src/policy/opa-engine.ts';
import { stopProcess } from '../support/stop-process.ts';
import { startOpa, stop } from './opa.ts';
import { admission, config, release } from './questions.ts';

const policiesDir = join(import.meta.dirname, '../../policies');
let folder: string;
let socketPath: string;
let revision: string;
let opa: ChildProcess;
let engine: OpaEngine;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-opa-'));
  socketPath = join(folder, 'opa.sock');
  const outFile = join(folder, 'bundle.tar.gz');
  const bundle = await assembleBundle({ policiesDir, config });
  await writeBundle(bundle, outFile);
  revision = bundle.revision;
  opa = await startOpa(outFile, socketPath);
  engine = new OpaEngine({ socketPath, timeoutMs: 20_000, epoch: only(revision) });
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
    expect(await engine.ping()).toEqual({ revision, version: expect.stringMatching(/^1\.\d+\.\d+/) });
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

  test('a stopped OPA allows nothing, and answers again when it goes on', async () => {
    const impatient = new OpaEngine({ socketPath, timeoutMs: 300, epoch: only(revision) });
    await stopProcess(opa.pid as number);
    await expect(impatient.admit(admission)).rejects.toMatchObject({ code: 'policy_unavailable' });
    await expect(impatient.release(release)).rejects.toMatchObject({ code: 'policy_unavailable' });
    await expect(impatient.admitMany([admission])).rejects.toMatchObject({ code: 'policy_unavailable' });
    opa.kill('SIGCONT');
    expect((await engine.admit(admission)).result.allow).toBe(true);
    impatient.close();
  });

  test('a running one takes another bundle, whole or not at all, and its answers count once the epoch has moved', async () => {
    const file = join(folder, 'watched.tar.gz');
    const watchedSocket = join(folder, 'watched.sock');
    const bundleOf = (days: number) =>
      assembleBundle({ policiesDir, config: { ...config, lock: { mode: 'GOVERNANCE', days } } });
    const [first, second] = await Promise.all([bundleOf(1), bundleOf(2)]);
    await writeBundle(first, file);
    const watching = await startOpa(file, watchedSocket, '--watch');
    try {
      let epoch = only(first.revision);
      const moving = {
        get revision() {
          return epoch.revision;
        },
        accepts: (other: string) => epoch.accepts(other),
      };
      const watched = new OpaEngine({ socketPath: watchedSocket, timeoutMs: 5_000, epoch: moving });
      const loaded = new OpaEngine({ socketPath: watchedSocket, timeoutMs: 5_000 });
      // A cut one, and one with a rule that does not compile: the one before stays.
      writeFileSync(`${file}.new`, readFileSync(file).subarray(0, 2_000));
      renameSync(`${file}.new`, file);
      const broken = { name: 'broken.rego', content: Buffer.from('package holdfast.broken\n\nnonsense') };
      await writeBundle({ ...second, files: [...second.files, broken] }, file);
      await sleep(500);
      expect((await watched.admit(admission)).result.retention.days).toBe(1);
      await writeBundle(second, file);
      await expect.poll(async () => (await loaded.ping()).revision).toBe(second.revision);
      await expect(watched.admit(admission)).rejects.toMatchObject({ code: 'policy_unavailable' });
      epoch = only(second.revision);
      expect((await watched.admit(admission)).result.retention.days).toBe(2);
      watched.close();
      loaded.close();
    } finally {
      await stop(watching);
    }
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
