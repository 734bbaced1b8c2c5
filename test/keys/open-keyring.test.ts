import { createHook } from 'node:async_hooks';
import { beforeAll, expect, it } from 'vitest';
import { rootDocument } from '../../src/keys/create-keyring.ts';
import type { KeyringDocument } from '../../src/keys/keyring-files.ts';
import { mostRootsTried, openKeyring, requireCurrent } from '../../src/keys/open-keyring.ts';
import { drawRecoveryKey } from '../../src/keys/recovery-key.ts';
import { RepositoryKeys } from '../../src/keys/repository-keys.ts';
import { refusalOf } from '../sealed/samples.ts';
import { damaged, keyringWithHistory, passwords, replanted, repositoryId } from './keyrings.ts';

let made: Awaited<ReturnType<typeof keyringWithHistory>>;
let all: KeyringDocument[];
beforeAll(async () => {
  made = await keyringWithHistory();
  all = [...Object.values(made.documents), ...Object.values(made.scopes)];
});

const codeOf = (
  documents: readonly KeyringDocument[],
  password: Buffer,
  id: string | undefined = repositoryId,
) => refusalOf(() => openKeyring(documents, id, password));

it('opens the newest of the holder, with every key of every scope', async () => {
  const keyring = await openKeyring(all.toReversed(), undefined, passwords.second);
  expect(keyring).toMatchObject({
    holder: 'owner',
    openedGeneration: 4,
    newestGeneration: 4,
    standing: 'current',
  });
  expect(keyring.problems).toEqual([]);
  expect(keyring.scopes.get('default')?.map(({ number }) => number)).toEqual([1, 2, 3]);
  const keys = new RepositoryKeys(requireCurrent(keyring));
  const ids = keyring.scopes.get('default')?.map(({ key }) => key.id) ?? [];
  expect(keys.sealingKey('default').id).toEqual(ids[2]);
  expect(ids.map((id) => keys.scopeOf(id))).toEqual(['default', 'default', 'default']);
  expect(await refusalOf(() => keys.sealingKey('finance'))).toBe('unknown_scope');
});

it('an older password reads what it covers, says so, and must not seal', async () => {
  const keyring = await openKeyring(all, repositoryId, passwords.first);
  expect(keyring).toMatchObject({ openedGeneration: 1, newestGeneration: 4, standing: 'superseded' });
  expect(keyring.scopes.get('default')?.map(({ number }) => number)).toEqual([1, 2]);
  expect(keyring.problems).toMatchObject([{ name: made.scopes.default3.name, kind: 'newer' }]);
  expect(await refusalOf(() => requireCurrent(keyring))).toBe('password_superseded');
});

it('a holder from before a rotation reads what it covers, and must not seal', async () => {
  const keyring = await openKeyring(all, repositoryId, passwords.officer);
  expect(keyring).toMatchObject({ holder: 'officer', openedGeneration: 3, standing: 'outdated' });
  expect(await refusalOf(() => requireCurrent(keyring))).toBe('holder_outdated');
  const before = all.filter(
    ({ name }) => name !== made.documents.four.name && name !== made.scopes.default3.name,
  );
  const current = await openKeyring(before, repositoryId, passwords.officer);
  expect(requireCurrent(current).standing).toBe('current');
});

it('takes the recovery key as people type it, and tells a slip from a wrong one', async () => {
  const { shown, password } = drawRecoveryKey();
  const kit = await rootDocument({ ...made.roots.first, generation: 5, holder: 'recovery-kit' }, password);
  const typed = Buffer.from(` ${shown.toLowerCase().replaceAll('-', ' ')}`);
  expect(await openKeyring([kit, made.scopes.own], undefined, typed)).toMatchObject({
    holder: 'recovery-kit',
  });
  const other = shown.startsWith('7') ? '8' : '7';
  expect(await codeOf([kit], Buffer.from(other + shown.slice(1)))).toBe('recovery_key_mistyped');
  expect(await codeOf([kit], Buffer.from(drawRecoveryKey().shown))).toBe('wrong_password');
});

it('wrong password, damage and foreign documents are told apart', async () => {
  const { one, four } = made.documents;
  const wrong = Buffer.from('another password');
  expect(await codeOf([one], wrong)).toBe('wrong_password');
  expect(await codeOf([damaged(one)], wrong)).toBe('corrupted_keyring');
  // The password may be that of the damaged one: "wrong password" would send people looking in the wrong place.
  expect(await codeOf([one, damaged(four)], passwords.second)).toBe('corrupted_keyring');
  expect(await codeOf([one], passwords.first, 'e'.repeat(32))).toBe('corrupted_keyring');
  expect(await codeOf([{ ...one, name: 'keys/root/00000002' }], passwords.first)).toBe('corrupted_keyring');
  expect(await codeOf([made.scopes.own], passwords.first)).toBe('keyring_missing');
  expect(await codeOf([], passwords.first)).toBe('keyring_missing');
});

it('a damaged document beside good ones is reported, and must not be sealed with', async () => {
  const { one, four } = made.documents;
  const keyring = await openKeyring([one, damaged(four), made.scopes.own], repositoryId, passwords.first);
  expect(keyring.openedGeneration).toBe(1);
  expect(keyring.problems).toMatchObject([
    { name: four.name, kind: 'refused', failure: { code: 'corrupted_keyring' } },
  ]);
  expect(await refusalOf(() => requireCurrent(keyring))).toBe('corrupted_keyring');
});

it('garbage under a scope key’s name does not hide the key', async () => {
  const { one } = made.documents;
  const { own, default1, default2 } = made.scopes;
  const garbage = [
    { name: own.name, bytes: Buffer.from('garbage') },
    damaged(own),
    { name: own.name, bytes: default1.bytes },
    own,
    own,
  ];
  const keyring = await openKeyring([one, ...garbage, default2], repositoryId, passwords.first);
  expect([...keyring.scopes].map(([scope, keys]) => [scope, keys.length])).toEqual([
    ['holdfast', 1],
    ['default', 1],
  ]);
  expect(keyring.problems.map(({ kind }) => kind)).toEqual(['refused', 'refused', 'refused']);
});

it('documents of several repositories need to be told apart', async () => {
  const foreign = await rootDocument(
    { ...made.roots.first, repositoryId: 'e'.repeat(32), generation: 9 },
    passwords.first,
  );
  const documents = [made.documents.one, foreign];
  expect(await refusalOf(() => openKeyring(documents, undefined, passwords.first))).toBe('mixed_keyrings');
  const keyring = await openKeyring(documents, repositoryId, passwords.first);
  expect(keyring.openedGeneration).toBe(1);
  expect(keyring.problems).toMatchObject([{ name: foreign.name, kind: 'refused' }]);
});

it('planted root documents cost a bounded number of derivations', async () => {
  const planted = Array.from({ length: 200 }, (_, i) =>
    replanted(made.documents.one, 1_000 + i, `planted-${i}`),
  );
  let derivations = 0;
  const hook = createHook({ init: (_, type) => void (type === 'PBKDF2REQUEST' && derivations++) }).enable();
  expect(await openKeyring([...planted, made.documents.one], repositoryId, passwords.first)).toMatchObject({
    openedGeneration: 1,
  });
  expect(derivations).toBe(1);
  expect(await codeOf(planted, passwords.first)).toBe('too_many_keyrings');
  hook.disable();
  expect(derivations).toBe(1 + mostRootsTried);
}, 60_000);
