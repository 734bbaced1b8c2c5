import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Failure } from '../../src/domain/failures.ts';
import {
  applyChange,
  type KeyringPlace,
  newRoot,
  newScopeKeys,
  type OpenKeyring,
  scopesOf,
  withNewMaster,
  withNewPayloadKey,
} from '../../src/keys/change-keyring.ts';
import { createKeyring } from '../../src/keys/create-keyring.ts';
import { exportKeyring, lostByImport, readExport } from '../../src/keys/exported-keyring.ts';
import { keyringDocuments } from '../../src/keys/keyring-files.ts';
import { type Keyring, openKeyring, requireCurrent } from '../../src/keys/open-keyring.ts';
import { publishKeyring } from '../../src/keys/publish.ts';
import { RepositoryKeys } from '../../src/keys/repository-keys.ts';
import { documentsInBucket, verifyKit } from '../../src/keys/verify-kit.ts';
import { rootObjectKey } from '../../src/sealed/names.ts';
import { MemoryStore } from '../../src/storage/memory-store.ts';
import { refusalOf } from '../sealed/samples.ts';
import { passwords, repositoryId } from './keyrings.ts';

let home: string;
let recoveryKey: string;
let stores: MemoryStore[];
/** Name of the store whose writes fail; none if empty. */
let broken: string;

/** A keyring as `init` makes it; each test works on a copy, because deriving keys takes long. */
let template: string;

beforeAll(async () => {
  template = mkdtempSync(join(tmpdir(), 'holdfast-keys-'));
  ({ recoveryKey } = await createKeyring(template, repositoryId, passwords.first));
});
afterAll(() => rmSync(template, { recursive: true, force: true }));

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'holdfast-keys-'));
  cpSync(template, home, { recursive: true });
  broken = '';
  stores = ['one', 'two'].map(
    (name) =>
      new MemoryStore({
        name,
        now: () => new Date(),
        fault: ({ operation }) => {
          if (operation === 'putSmallDocument' && broken === name) throw new Failure('s3_unavailable');
        },
      }),
  );
  const documents = await keyringDocuments(home);
  for (const { store, prefix, lock } of places()) await publishKeyring(store, prefix, documents, lock);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

async function open(password: Buffer): Promise<OpenKeyring> {
  const documents = await keyringDocuments(home);
  return {
    home,
    documents,
    keyring: requireCurrent(await openKeyring(documents, repositoryId, password)),
    places: places(),
  };
}

const places = (): KeyringPlace[] =>
  stores.map((store) => ({ store, prefix: 'p', lock: { mode: 'GOVERNANCE', days: 30 } }));

/** What a machine that has nothing but the bucket opens. */
async function fromBucket(password: Buffer): Promise<Keyring[]> {
  return Promise.all(
    stores.map(async (store) => openKeyring(await documentsInBucket(store, 'p'), repositoryId, password)),
  );
}

async function changePassword(from: Buffer, to: Buffer): Promise<void> {
  const before = await open(from);
  await applyChange(before, await newRoot(before, before.keyring.root, 'owner', to));
}

async function rotateMaster(password: Buffer): Promise<void> {
  const before = await open(password);
  const change = await newRoot(before, withNewMaster(before.keyring.root), 'owner', password);
  await applyChange(before, change);
  await applyChange(before, newScopeKeys(before.keyring, change.root, scopesOf(before.keyring)));
}

describe('rotating', () => {
  it('seals with the new key and still reads with the old one, also from the bucket alone', async () => {
    const before = await open(passwords.first);
    const old = new RepositoryKeys(before.keyring).sealingKey('restricted');
    await applyChange(before, newScopeKeys(before.keyring, before.keyring.root, ['restricted']));
    for (const keyring of [(await open(passwords.first)).keyring, ...(await fromBucket(passwords.first))]) {
      const keys = new RepositoryKeys(keyring);
      expect(keys.sealingKey('restricted').id).not.toEqual(old.id);
      expect(keys.byId(old.id)).toEqual(old);
      expect(keyring.scopes.get('restricted')?.map(({ number }) => number)).toEqual([1, 2]);
      expect(keyring.scopes.get('default')).toHaveLength(1);
    }
  });

  it('changes nothing here while one destination lacks the new key', async () => {
    const before = await open(passwords.first);
    broken = 'two';
    const change = newScopeKeys(before.keyring, before.keyring.root, ['default']);
    expect(await refusalOf(() => applyChange(before, change))).toBe('s3_unavailable');
    expect((await open(passwords.first)).documents).toEqual(before.documents);
    broken = '';
    await applyChange(before, change);
    expect((await open(passwords.first)).keyring.scopes.get('default')).toHaveLength(2);
    for (const keyring of await fromBucket(passwords.first)) expect(keyring.problems).toEqual([]);
  });

  it('the master key: an older holder reads what was, cannot read what comes, and must be added again', async () => {
    await rotateMaster(passwords.first);
    const [kit] = await fromBucket(Buffer.from(recoveryKey));
    expect(kit).toMatchObject({ holder: 'recovery-kit', standing: 'outdated' });
    expect(kit?.scopes.get('default')?.map(({ number }) => number)).toEqual([1]);
    expect(kit?.problems.map(({ kind }) => kind)).toEqual(['newer', 'newer', 'newer']);
    expect(await refusalOf(() => open(Buffer.from(recoveryKey)))).toBe('holder_outdated');
    const now = await open(passwords.first);
    await applyChange(
      now,
      await newRoot(now, now.keyring.root, 'recovery-kit', Buffer.from(recoveryKey.replaceAll('-', ''))),
    );
    expect((await open(Buffer.from(recoveryKey))).keyring).toMatchObject({ standing: 'current' });
  });

  it('a payload key is known to everybody before it encrypts', async () => {
    const before = await open(passwords.first);
    const [old] = before.keyring.root.payload;
    const [known, used] = withNewPayloadKey(before.keyring.root);
    expect(known.payload.at(-1)).toEqual(old);
    expect(used.payload.at(-1)).not.toEqual(old);
    const ids = (keys: typeof known) => new Set(keys.payload.map(({ id }) => id.toString('hex')));
    expect(ids(known)).toEqual(ids(used));
    expect(ids(known).size).toBe(2);
    expect(known.masters.at(-1)).not.toEqual(before.keyring.root.masters.at(-1));
  });
});

describe('another password', () => {
  it('opens here and in the bucket; the old one is refused here and reads what is locked there', async () => {
    await changePassword(passwords.first, passwords.second);
    expect((await open(passwords.second)).keyring).toMatchObject({ openedGeneration: 3, holder: 'owner' });
    expect(await refusalOf(() => open(passwords.first))).toBe('wrong_password');
    for (const keyring of await fromBucket(passwords.second)) expect(keyring.standing).toBe('current');
    for (const keyring of await fromBucket(passwords.first)) {
      expect(keyring).toMatchObject({ openedGeneration: 1, newestGeneration: 3, standing: 'superseded' });
      expect([...keyring.scopes.keys()].sort()).toEqual(['default', 'holdfast', 'restricted']);
    }
  });

  it('with a new master key the old one opens nothing that comes', async () => {
    await changePassword(passwords.first, passwords.second);
    await rotateMaster(passwords.second);
    const newest = (await open(passwords.second)).keyring.scopes.get('default')?.at(-1)?.key.id;
    for (const keyring of await fromBucket(passwords.first)) {
      expect(new RepositoryKeys(keyring).byId(newest ?? Buffer.alloc(0))).toBe(undefined);
    }
  });

  it('takes a name that nobody has planted anything under', async () => {
    stores[1]?.plantVersion(`p/${rootObjectKey(3)}`, Buffer.from('planted'));
    await changePassword(passwords.first, passwords.second);
    expect((await open(passwords.second)).keyring.openedGeneration).toBe(4);
  });
});

describe('an exported keyring', () => {
  const read = async () =>
    exportKeyring({ repository: repositoryId, documents: await keyringDocuments(home) });

  it('comes back as it was, and holds no key in the clear', async () => {
    const bytes = await read();
    expect(readExport('f', bytes)).toEqual({
      repository: repositoryId,
      documents: await keyringDocuments(home),
    });
    const { keyring } = await open(passwords.first);
    const secret = keyring.scopes.get('default')?.[0]?.key.secret ?? Buffer.alloc(1);
    expect(bytes.includes(secret.toString('base64'))).toBe(false);
  });

  it.each(['', '{}', '[]', '{"v":1}'])('%j is refused', async (text) => {
    expect(await refusalOf(async () => readExport('f', Buffer.from(text)))).toBe('keyring_export_invalid');
  });

  it('names that lead elsewhere are refused', async () => {
    const json = JSON.parse((await read()).toString());
    json.documents[0].name = 'keys/root/../../../../etc/cron.d/x';
    const bytes = Buffer.from(JSON.stringify(json));
    expect(await refusalOf(async () => readExport('f', bytes))).toBe('keyring_export_invalid');
  });

  it('replaces what is older, never what is newer', async () => {
    const before = await keyringDocuments(home);
    await changePassword(passwords.first, passwords.second);
    await rotateMaster(passwords.second);
    const after = await keyringDocuments(home);
    expect(lostByImport(before, after)).toBe(undefined);
    expect(lostByImport([], before)).toBe(undefined);
    expect(lostByImport(after, before)?.name).toMatch(/^keys\//);
  });
});

describe('the recovery kit', () => {
  const place = () => ({ name: 'one', store: stores[0] as MemoryStore, prefix: 'p' });
  const verify = async (typed: string) =>
    verifyKit(Buffer.from(typed), (await open(passwords.first)).keyring, place());

  it('is proved on what lies in the bucket, whatever lies on top', async () => {
    stores[0]?.plantVersion(`p/${rootObjectKey(2)}`, Buffer.from('garbage'));
    expect(await verify(recoveryKey.toLowerCase())).toMatchObject({ generation: 2 });
  });

  it('is not proved by the password, by another key, by a slip', async () => {
    expect(await refusalOf(() => verify(passwords.first.toString()))).toBe('wrong_password');
    expect(
      await refusalOf(() => verify(`${recoveryKey.slice(0, -1)}${recoveryKey.endsWith('7') ? '8' : '7'}`)),
    ).toBe('recovery_key_mistyped');
  });

  it('is not proved where the bucket lacks a key', async () => {
    const { documents } = await open(passwords.first);
    const scope = documents.find(({ name }) => name.startsWith('keys/scope/'))?.name ?? '';
    for (const version of (await stores[0]?.versionsOf(`p/${scope}`)) ?? []) stores[0]?.lose(version);
    expect(await refusalOf(() => verify(recoveryKey))).toBe('kit_not_in_bucket');
  });

  it('has to be made anew after the master key was rotated', async () => {
    await rotateMaster(passwords.first);
    expect(await refusalOf(() => verify(recoveryKey))).toBe('holder_outdated');
  });
});
