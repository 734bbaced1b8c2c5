import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { AnchorWriter } from '../../src/audit/anchors.ts';
import { pipelineSteps } from '../../src/audit/event.ts';
import { auditSigners } from '../../src/audit/keys.ts';
import { type ProveRequest, proveVersion } from '../../src/audit/prove.ts';
import { sequenceAudit } from '../../src/audit/sequencer.ts';
import { isFailure } from '../../src/domain/failures.ts';
import type { Id } from '../../src/domain/records.ts';
import type { Settled } from '../../src/domain/steps.ts';
import { drawSecrets } from '../../src/sealed/keyring.ts';
import { makeBatch } from '../batch/batches.ts';
import { makeWorld, protectOnce, stepRun, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { newEvents, repository } from './trail.ts';

const postgres = usePostgres();
const verifier = fileURLToPath(new URL('../../ops/audit/verify_proof.py', import.meta.url));
const flipper = fileURLToPath(new URL('./flip_proof.py', import.meta.url));

/** A world whose trail is signed and anchored on demand, and a folder for what an outsider is given. */
async function provable() {
  const world: World = await makeWorld(postgres());
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-proof-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [signer] = auditSigners(drawSecrets());
  if (signer === undefined) throw new Error('unreachable');
  const { catalog, context } = world;
  const { destinations, failPoints, log, keys } = context;
  writeFileSync(join(folder, 'audit.pub'), `${signer.text}\n`);
  const anchors = new AnchorWriter({
    ...{ catalog, repository, destinations, failPoints, log },
    ...{ keys: [signer], everyMs: 0 },
  });
  const sign = () =>
    sequenceAudit({ catalog, repository, signer, keys: [signer], firstNumber: async () => 1 });
  return {
    world,
    sign,
    anchor: () => anchors.write('all'),
    async protect(path: string, content: string): Promise<Id> {
      world.write(path, content);
      const settled = await protectOnce(context, await world.entry(path), stepRun());
      await sign();
      return String((settled as Settled).versionId);
    },
    prove: (versionId: Id, request: Partial<ProveRequest> = {}) =>
      proveVersion(
        {
          catalog,
          repository,
          signers: [signer],
          keys,
          destinations: [...destinations.values()].map((d) => d.config),
        },
        { versionId, withholdPath: false, ...request },
      ),
    verify(proof: Buffer, program = [verifier, '--public-key'], env: Record<string, string> = {}) {
      const file = join(folder, 'proof');
      writeFileSync(file, proof);
      const given = { encoding: 'utf8', env: { ...process.env, ...env } } as const;
      return spawnSync('python3', [...program, join(folder, 'audit.pub'), file], given);
    },
  };
}

test('no byte of a proof can change, and whoever signs anew can change nothing but where the anchor is said to lie', async () => {
  const { world, protect, prove, verify, sign, anchor } = await provable();
  const versionId = await protect('letter', 'a letter');
  // Under a later head, which is the one that is anchored.
  await world.catalog.write({ events: newEvents(3) });
  await sign();
  await anchor();
  const proof = await prove(versionId);
  expect(verify(proof)).toMatchObject({ status: 0, stderr: '' });
  const { stdout, stderr } = verify(proof, [flipper, verifier]);
  expect(stderr).toBe('');
  const told = JSON.parse(stdout) as { bytes: number; outsider: number[]; operator: string[] };
  expect({ bytes: told.bytes, outsider: told.outsider }).toEqual({ bytes: proof.length, outsider: [] });
  expect(told.operator.sort()).toEqual(
    ['bucket', 'destination', 'lockMode', 'object', 'retainUntil', 's3VersionId']
      .map((name) => `anchor.${name}`)
      .concat(['madeAt', 'signature']),
  );
}, 120_000);

test('a proof shows the path or withholds it, and says what was asked either way', async () => {
  const { protect, prove, verify, anchor } = await provable();
  const versionId = await protect('letter', 'a letter');
  await anchor();
  const shown = verify(await prove(versionId));
  expect(shown.stdout).toContain('path    letter');
  const proof = await prove(versionId, { withholdPath: true });
  expect(proof.toString()).not.toContain('letter');
  const withheld = verify(proof);
  expect(withheld).toMatchObject({ status: 0, stderr: '' });
  expect(withheld.stdout).toContain('path    withheld');
  expect(withheld.stdout).toMatch(/asked about: .*"classification": "internal"/);
});

test('a name that a console cannot show, or would obey, is shown as its code, and is no reason to refuse a proof', async () => {
  const { protect, prove, verify, anchor } = await provable();
  const versionId = await protect('Ébolowa \u202e\nVERIFIED\u001b[2J', 'a letter');
  await anchor();
  const proof = await prove(versionId);
  const shown = 'bolowa \\u202e\\nVERIFIED\\x1b[2J\n';
  expect(verify(proof)).toMatchObject({ status: 0, stdout: expect.stringContaining(`path    É${shown}`) });
  const elsewhere = { PYTHONIOENCODING: 'ascii', LC_ALL: 'C' };
  expect(verify(proof, undefined, elsewhere)).toMatchObject({
    ...{ status: 0, stderr: '' },
    stdout: expect.stringContaining(`path    \\xc9${shown}`),
  });
});

test('what shares the object of another version is proved with the upload of that one', async () => {
  const { protect, prove, verify, anchor } = await provable();
  await protect('first', 'the same');
  const versionId = await protect('second', 'the same');
  await anchor();
  const { status, stdout } = verify(await prove(versionId));
  expect(status).toBe(0);
  expect(stdout).toMatch(/upload +primary \(of the object it shares\) key=/);
  expect(stdout).toMatch(/commit +primary .*outcome="duplicate"/);
});

test('small files that went together are proved one by one: no file shows anything of another', async () => {
  const { world, sign, anchor, prove, verify } = await provable();
  world.write('mine', 'what is mine');
  world.write('other', 'what is not');
  const more = Array.from({ length: 20 }, (_, index) => `file-${index}`);
  for (const path of more) world.write(path, `content of ${path}`);
  await (await makeBatch(world, [...more, 'mine', 'other'])).run();
  await sign();
  await anchor();
  const versions = await world.catalog.rows<{ id: Id; path: Buffer; sha512: Buffer }>(
    `select v.id, e.path, v.sha512 from versions v join entries e on e.id = v.entry_id where e.path in ('mine', 'other') order by e.path`,
  );
  const [mine, other] = versions;
  if (mine === undefined || other === undefined) throw new Error('unreachable');
  const proof = await prove(mine.id);
  const { status, stdout, stderr } = verify(proof);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('path    mine');
  for (const step of pipelineSteps) expect(stdout).toContain(`Z  ${step}`);
  // What went together is told in rows of many events.
  expect(await world.catalog.rows('select 1 from audit_events where event is not null')).toEqual([]);
  for (const told of [other.id, other.sha512.toString('hex'), '"other"'])
    expect(proof.toString()).not.toContain(told);
});

test('there is no proof before an anchor covers it, nor of what somebody changed', async () => {
  const { world, protect, prove, anchor } = await provable();
  const versionId = await protect('letter', 'a letter');
  const refusal = await prove(versionId).catch((error: unknown) => error);
  expect(isFailure(refusal, 'proof_not_anchored')).toBe(true);
  await anchor();
  await world.asOwner(`update audit_events set event = event || '{"actor":"nobody"}' where number = 1`);
  const isRefused = async () =>
    isFailure(await prove(versionId).catch((error: unknown) => error), 'audit_mismatch');
  expect(await isRefused()).toBe(true);
  await world.asOwner(`update audit_events set event = event || '{"actor":"holdfast"}' where number = 1`);
  expect(await isRefused()).toBe(false);
  // Whoever owns the tables can put anything there.
  for (const head of [`'{'`, `decode(repeat('5b', 9000), 'hex')`, `''`]) {
    await world.asOwner(`update audit_heads set head = ${head}`);
    expect(await isRefused()).toBe(true);
  }
});

test('the program that verifies is short enough to be read', () => {
  expect(readFileSync(verifier, 'utf8').split('\n').length).toBeLessThan(300);
});
