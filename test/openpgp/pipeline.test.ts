import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../src/domain/failures.ts';
import { openRecipients } from '../../src/openpgp/recipients.ts';
import { scanned } from '../../src/pipeline/policy-input.ts';
import { stageMessage } from '../../src/pipeline/stage-message.ts';
import { sweepStaging } from '../../src/pipeline/sweep-staging.ts';
import {
  denied,
  makeWorld,
  noise,
  protectOnce,
  stepRun,
  untilScanned,
  untilUploaded,
  type World,
} from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { useGpg } from './gpg.ts';

const postgres = usePostgres();
const gpg = useGpg();
const naming = Buffer.alloc(64, 3);
const ana = gpg.makeKey('ana');
const ben = gpg.makeKey('ben');
const mebibyte = 1024 * 1024;
const crash = (): never => {
  throw new Failure('s3_unavailable', { destination: 'primary', reason: 'test' });
};

async function newWorld(files = [ana.publicFile]): Promise<World> {
  const world = await makeWorld(postgres());
  const recipients = await openRecipients({ recipients: files }, naming);
  const { admission } = world.knobs;
  if (typeof admission === 'function') throw new Error('unreachable');
  world.knobs.admission = { ...admission, format: 'openpgp' };
  return { ...world, context: world.another({ recipients }) };
}

const staged = (world: World): string[] =>
  existsSync(world.stagingDir) ? readdirSync(world.stagingDir) : [];

const objects = (world: World) =>
  world.catalog.rows<{ format: string; scope: string; sealedSha256: Buffer; length: number; key: string }>(
    'select format, scope, sealed_sha256 as "sealedSha256", length, key from objects order by added_at',
  );

const intents = (world: World) =>
  world.catalog.rows<{ generation: number; state: string; key: string; reason: string | null }>(
    `select s.generation, i.state, i.object_key as key, i.closed_reason as reason
     from intents i join sealings s on s.id = i.sealing_id order by s.generation`,
  );

/** Ends the try where the store is asked for `operation`, `moment` it is done. */
async function cutOff(
  world: World,
  scanned: { versionId: string; large: boolean },
  operation: string,
  moment: 'before' | 'after',
  after = 0,
): Promise<void> {
  let seen = 0;
  world.knobs.fault = (call) => {
    if (call.operation === operation && call.moment === moment && seen++ >= after) crash();
  };
  await expect(untilUploaded(world.context, scanned)).rejects.toMatchObject({ code: 's3_unavailable' });
  world.knobs.fault = () => {};
}

async function scannedFile(world: World, name: string, content: Buffer | string) {
  world.write(name, content);
  const answer = await untilScanned(world.context, await world.entry(name));
  if ('next' in answer) throw new Error('unreachable');
  return answer;
}

describe('content as an OpenPGP message', () => {
  test.for([
    ['small', Buffer.from('a letter')],
    ['empty', Buffer.alloc(0)],
    ['large', noise(17 * mebibyte)],
  ] as const)('%s: gpg --decrypt gives the object back as it was', async ([, content]) => {
    const world = await newWorld();
    world.write('file', content);
    const settled = await protectOnce(world.context, await world.entry('file'));
    expect(settled).toMatchObject({ outcome: 'uploaded' });
    const [version, ...others] = await world.versions();
    expect(others).toEqual([]);
    const message = await world.store.get(version as never);
    expect(gpg.decrypt(message).equals(content)).toBe(true);
    const [object] = await objects(world);
    expect(object?.key).toContain(object?.sealedSha256.toString('hex', 0, 16));
    expect(object).toMatchObject({ format: 'openpgp', length: message.length });
    expect(staged(world)).toEqual([]);
    expect(world.calls.includes('put')).toBe(content.length < 8 * mebibyte);
    if (settled.next !== 'settled' || settled.versionId === undefined) throw new Error('unreachable');
    const steps = (await world.events(settled.versionId)).map((event) => event.step);
    expect([...new Set(steps)].slice(-5)).toEqual(['seal', 'release', 'upload', 'read_back', 'commit']);
  });

  test('release is told what a reader found in the staged bytes, before the store hears of anything', async () => {
    const world = await newWorld([ana.publicFile, ben.publicFile]);
    let asked = -1;
    world.knobs.fault = ({ operation }) => {
      if (operation === 'put' && asked < 0) asked = world.releaseInputs.length;
    };
    world.write('file', 'content');
    await protectOnce(world.context, await world.entry('file'));
    expect(asked).toBe(1);
    const { recipients } = world.context;
    expect(world.releaseInputs[0]?.sealing).toEqual({
      basis: 'sealed-bytes',
      format: 'openpgp',
      cipher: 'AES-256-CFB',
      authentication: 'SEIPD-1',
      keyId: recipients?.id,
      scope: 'default',
      keyScope: 'default',
      recipients: recipients?.names,
      contentMatches: true,
    });
    expect(recipients?.names).toHaveLength(2);
  });

  test('denied: nothing is sent, the message is held, and only it is staged', async () => {
    const world = await newWorld();
    world.knobs.release = denied('no');
    world.write('file', 'secret');
    const settled = await protectOnce(world.context, await world.entry('file'));
    expect(settled).toMatchObject({ outcome: 'held', reason: 'no' });
    expect(world.calls.filter((call) => call !== 'facts')).toEqual([]);
    const [file, ...others] = staged(world);
    expect(others).toEqual([]);
    const message = readFileSync(join(world.stagingDir, file ?? ''));
    expect(gpg.decrypt(message).toString()).toBe('secret');
    const [held] = await world.catalog.rows<{ format: string; length: number }>(
      'select s.format, h.sealed_length as length from holds h join sealings s on s.id = h.sealing_id',
    );
    expect(held).toEqual({ format: 'openpgp', length: message.length });
  });

  test('two steps that hold the same at once end with the same bytes', async () => {
    const world = await newWorld();
    world.knobs.release = denied('no');
    const answer = await scannedFile(world, 'file', 'secret');
    await Promise.all([untilUploaded(world.context, answer), untilUploaded(world.context, answer)]);
    const [held] = await world.catalog.rows<{ id: string; sha256: Buffer }>(
      'select sealing_id as id, sealed_sha256 as sha256 from holds',
    );
    const there = await world.context.staging.measure(held?.id ?? '');
    expect(there?.sha256.equals(held?.sha256 ?? Buffer.alloc(0))).toBe(true);
  });

  test('without configured recipients it fails and sends nothing', async () => {
    const world = await newWorld();
    const context = world.another({ recipients: undefined });
    world.write('file', 'content');
    await expect(protectOnce(context, await world.entry('file'))).rejects.toMatchObject({
      code: 'openpgp_unconfigured',
    });
    expect(await world.versions()).toEqual([]);
  });

  test('what is staged is compared with the original before release is asked', async () => {
    const world = await newWorld();
    const answer = await scannedFile(world, 'file', 'content');
    const { staging } = world.context;
    const keep = staging.keep.bind(staging);
    // A disk that writes other bytes than it was given.
    staging.keep = async (name, sealed) => {
      const kept = await keep(name, sealed);
      for (const file of staged(world)) {
        const path = join(world.stagingDir, file);
        const bytes = readFileSync(path);
        bytes[bytes.length - 30] = (bytes[bytes.length - 30] as number) ^ 1;
        writeFileSync(path, bytes);
      }
      return kept;
    };
    await expect(untilUploaded(world.context, answer)).rejects.toMatchObject({ code: 'sealing_refused' });
    expect(world.releaseInputs).toEqual([]);
    expect(await world.versions()).toEqual([]);
  });
});

describe('a known content', () => {
  async function shared(world: World, context = world.context) {
    world.write('copy', 'content');
    return protectOnce(context, await world.entry('copy'));
  }

  test('shares the object of the same recipients only', async () => {
    const world = await newWorld();
    world.write('file', 'content');
    await protectOnce(world.context, await world.entry('file'));
    expect(await shared(world)).toMatchObject({ outcome: 'duplicate' });
    world.write('third', 'content');
    const other = world.another({
      recipients: await openRecipients({ recipients: [ben.publicFile] }, naming),
    });
    expect(await protectOnce(other, await world.entry('third'))).toMatchObject({ outcome: 'uploaded' });
    const scopes = (await objects(world)).map(({ scope }) => scope);
    expect(new Set(scopes).size).toBe(2);
  });

  test('never shares with the sealed format', async () => {
    const world = await newWorld();
    world.write('file', 'content');
    await protectOnce(world.context, await world.entry('file'));
    const { admission } = world.knobs;
    if (typeof admission === 'function') throw new Error('unreachable');
    world.knobs.admission = { ...admission, format: 'sealed-v1' };
    expect(await shared(world)).toMatchObject({ outcome: 'uploaded' });
    expect((await objects(world)).map(({ format }) => format)).toEqual(['openpgp', 'sealed-v1']);
  });
});

describe('invariant 5: a crash', () => {
  test.for([
    ['before the PUT', 'put', 'before'],
    ['after the PUT', 'put', 'after'],
    ['before reading back', 'head', 'before'],
  ] as const)('%s sends the staged bytes once', async ([, operation, moment]) => {
    const world = await newWorld();
    const answer = await scannedFile(world, 'file', 'content');
    await cutOff(world, answer, operation, moment);
    expect(staged(world)).toHaveLength(1);
    expect(await untilUploaded(world.context, answer)).toMatchObject({ outcome: 'uploaded' });
    const [version, ...others] = await world.versions();
    expect(others).toEqual([]);
    expect(gpg.decrypt(await world.store.get(version as never)).toString()).toBe('content');
    expect(await intents(world)).toMatchObject([{ generation: 0, state: 'committed' }]);
    expect(staged(world)).toEqual([]);
  });

  test.for([1, 2])('after %i parts sends only the missing ones', async (count) => {
    const world = await newWorld();
    const content = noise(17 * mebibyte);
    const answer = await scannedFile(world, 'big', content);
    await cutOff(world, answer, 'uploadPart', 'before', count);
    const before = world.calls.filter((call) => call === 'uploadPart').length;
    expect(await untilUploaded(world.context, answer)).toMatchObject({ outcome: 'uploaded' });
    expect(world.calls.filter((call) => call === 'uploadPart').length - before).toBe(3 - count);
    const [version, ...others] = await world.versions();
    expect(others).toEqual([]);
    expect(gpg.decrypt(await world.store.get(version as never)).equals(content)).toBe(true);
  });

  test('after Complete, takes what is there', async () => {
    const world = await newWorld();
    const answer = await scannedFile(world, 'big', noise(9 * mebibyte));
    await cutOff(world, answer, 'completeMultipart', 'after');
    expect(await untilUploaded(world.context, answer)).toMatchObject({ outcome: 'uploaded' });
    expect(await world.versions()).toHaveLength(1);
    expect(await intents(world)).toMatchObject([{ generation: 0, state: 'committed' }]);
    expect(staged(world)).toEqual([]);
  });

  test('the original may go meanwhile: what is announced is in staging', async () => {
    const world = await newWorld();
    const answer = await scannedFile(world, 'big', noise(9 * mebibyte));
    await cutOff(world, answer, 'uploadPart', 'before');
    world.remove('big');
    expect(await untilUploaded(world.context, answer)).toMatchObject({ outcome: 'uploaded' });
  });

  test.for(['lost', 'damaged'] as const)(
    'with the staged bytes %s seals anew, under another name',
    async (how) => {
      for (const content of [Buffer.from('content'), noise(9 * mebibyte)]) {
        const world = await newWorld();
        const answer = await scannedFile(world, 'file', content);
        await cutOff(world, answer, answer.large ? 'uploadPart' : 'put', 'before');
        const [file] = staged(world);
        const path = join(world.stagingDir, file ?? '');
        if (how === 'lost') await world.context.staging.drop((file ?? '').replace('.sealed', ''));
        else {
          const bytes = readFileSync(path);
          bytes[100] = (bytes[100] as number) ^ 1;
          writeFileSync(path, bytes);
        }
        expect(await untilUploaded(world.context, answer)).toMatchObject({ outcome: 'uploaded' });
        const [first, second, ...others] = await intents(world);
        expect(others).toEqual([]);
        expect(first).toMatchObject({ generation: 0, state: 'aborted', reason: 'not_reproducible' });
        expect(second).toMatchObject({ generation: 1, state: 'committed' });
        expect(second?.key).not.toBe(first?.key);
        const [version, ...more] = await world.versions();
        expect(more).toEqual([]);
        expect(gpg.decrypt(await world.store.get(version as never)).equals(content)).toBe(true);
        expect(staged(world)).toEqual([]);
      }
    },
  );

  test('release is asked again about the staged packets where the bundle has changed', async () => {
    const world = await newWorld();
    const answer = await scannedFile(world, 'file', 'content');
    await cutOff(world, answer, 'put', 'before');
    world.knobs.bundleRevision = 'c'.repeat(64);
    world.knobs.release = denied('new_rule');
    expect(await untilUploaded(world.context, answer)).toMatchObject({ outcome: 'held', reason: 'new_rule' });
    expect(world.releaseInputs[1]?.sealing).toEqual(world.releaseInputs[0]?.sealing);
    expect(await world.versions()).toEqual([]);
  });
});

test('what a crash left in staging goes after an hour; held and announced bytes stay', async () => {
  const world = await newWorld();
  const announced = await scannedFile(world, 'announced', 'one');
  await cutOff(world, announced, 'put', 'before');
  world.knobs.release = denied('no');
  world.write('held', 'two');
  await protectOnce(world.context, await world.entry('held'));
  const needed = staged(world).sort();
  const version = scanned(await world.catalog.version((await scannedFile(world, 'left', 'three')).versionId));
  await stageMessage(world.context, version, 0, stepRun());
  writeFileSync(join(world.stagingDir, 'half.partial'), randomBytes(10));
  await sweepStaging(world.context);
  expect(staged(world)).toHaveLength(4);
  for (const file of staged(world)) utimesSync(join(world.stagingDir, file), 0, 0);
  await sweepStaging(world.context);
  expect(staged(world).sort()).toEqual(needed);
});
