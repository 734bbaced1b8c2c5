import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { catalogIndex } from '../../src/catalog/restore-query.ts';
import { Failure } from '../../src/domain/failures.ts';
import type { SessionKeyFinder } from '../../src/openpgp/open-message.ts';
import { openRecipients } from '../../src/openpgp/recipients.ts';
import { sealMessage } from '../../src/openpgp/seal-message.ts';
import { openMessageKeys } from '../../src/openpgp/session-keys.ts';
import { type RestoreDeps, restoreTree } from '../../src/restore/restore.ts';
import type { RestoredItem } from '../../src/restore/restored-item.ts';
import { makeWorld, noise, protectOnce, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { useGpg } from './gpg.ts';

const postgres = usePostgres();
const gpg = useGpg();
const ana = gpg.makeKey('ana');
const ben = gpg.makeKey('ben');
const mebibyte = 1024 * 1024;
const files = { small: Buffer.from('a letter'), empty: Buffer.alloc(0), big: noise(11 * mebibyte) };

/** A source with three files, each of them a message to Ana, or with a passphrase. */
async function protectedWorld(passphrase?: string): Promise<World> {
  const world = await makeWorld(postgres());
  const { admission } = world.knobs;
  if (typeof admission === 'function') throw new Error('unreachable');
  world.knobs.admission = { ...admission, format: 'openpgp' };
  const recipients = await openRecipients(
    passphrase === undefined ? { recipients: [ana.publicFile] } : { recipients: [], passphrase },
    Buffer.alloc(64, 3),
  );
  const context = world.another({ recipients });
  for (const [name, content] of Object.entries(files)) {
    world.write(name, content);
    expect(await protectOnce(context, await world.entry(name))).toMatchObject({ outcome: 'uploaded' });
  }
  return world;
}

async function restore(
  world: World,
  messageKeys: SessionKeyFinder | undefined,
  to = mkdtempSync(join(tmpdir(), 'holdfast-restored-')),
): Promise<{ to: string; items: RestoredItem[] }> {
  onTestFinished(() => rmSync(to, { recursive: true, force: true }));
  const deps: RestoreDeps = {
    index: catalogIndex(world.catalog),
    keys: world.context.keys,
    stores: new Map([['primary', world.store]]),
    messageKeys,
    retryPausesMs: [1, 1, 1],
  };
  const items: RestoredItem[] = [];
  for await (const item of restoreTree(deps, { source: 'docs', to })) items.push(item);
  return { to, items };
}

const isWhole = (to: string): boolean =>
  Object.entries(files).every(([name, content]) => readFileSync(join(to, 'docs', name)).equals(content));

const outcomes = (items: readonly RestoredItem[]): string => JSON.stringify(items);

describe('restoring OpenPGP content', () => {
  test('with the private key, past resets in the middle; without it, or with another one, nothing is written', async () => {
    const world = await protectedWorld();
    const finder = await openMessageKeys({ keyFile: ana.privateFile });
    let gets = 0;
    world.knobs.fault = ({ operation, moment }) => {
      if (operation === 'get' && moment === 'before' && gets++ % 3 === 1) {
        throw new Failure('s3_unavailable', { destination: 'primary', reason: 'ECONNRESET' });
      }
    };
    const whole = await restore(world, finder);
    expect(isWhole(whole.to)).toBe(true);
    expect(gets).toBeGreaterThan(6);
    world.knobs.fault = () => {};
    for (const [keys, code] of [
      [undefined, 'openpgp_key_missing'],
      [await openMessageKeys({ keyFile: ben.privateFile }), 'openpgp_key_wrong'],
    ] as const) {
      const { to, items } = await restore(world, keys);
      expect(outcomes(items)).toContain(code);
      for (const name of Object.keys(files))
        expect(() => readFileSync(join(to, 'docs', name))).toThrow(/ENOENT/);
    }
  });

  test('with the passphrase', async () => {
    const world = await protectedWorld('word');
    expect(isWhole((await restore(world, await openMessageKeys({ passphrase: 'word' }))).to)).toBe(true);
  });

  test('sealed bytes other than the recorded ones are refused before anything is decrypted', async () => {
    const world = await protectedWorld();
    let opened = 0;
    const finder = await openMessageKeys({ keyFile: ana.privateFile });
    const counted: SessionKeyFinder = (...told) => {
      opened += 1;
      return finder(...told);
    };
    // A valid message to the same key, as whoever can write to the bucket can make one; and one flipped bit.
    const forger = await openRecipients({ recipients: [ana.publicFile] }, Buffer.alloc(64));
    const forged = await buffer(
      sealMessage(await forger.newSessionKey(), 0, Readable.from([Buffer.from('a better')])),
    );
    const get = world.store.get.bind(world.store);
    world.store.get = async (object) => {
      const bytes = await get(object);
      return bytes.length === forged.length ? forged : flipped(bytes);
    };
    const { to, items } = await restore(world, counted);
    expect(items.filter((item) => outcomes([item]).includes('tampered'))).toHaveLength(3);
    expect(opened).toBe(0);
    for (const name of Object.keys(files))
      expect(() => readFileSync(join(to, 'docs', name))).toThrow(/ENOENT/);
  });
});

function flipped(bytes: Buffer): Buffer {
  const other = Buffer.from(bytes);
  other[other.length >> 1] = (other[other.length >> 1] as number) ^ 1;
  return other;
}
