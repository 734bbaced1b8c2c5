import { hash } from 'node:crypto';
import { canonical } from '../../src/domain/canonical.ts';
import { rootDocument, scopeDocument } from '../../src/keys/create-keyring.ts';
import type { KeyringDocument } from '../../src/keys/keyring-files.ts';
import { drawMaster, drawSecrets, type RootKeys } from '../../src/sealed/keyring.ts';
import { rootObjectKey } from '../../src/sealed/names.ts';

export const repositoryId = 'd'.repeat(32);
export const passwords = {
  first: Buffer.from('the first password'),
  second: Buffer.from('the second password'),
  officer: Buffer.from('the officer’s password'),
};

/** A keyring with a history: owner, password changed, an officer added, master rotated by the owner. */
export async function keyringWithHistory() {
  const first: RootKeys = { repositoryId, generation: 1, holder: 'owner', ...drawSecrets() };
  const changed = { ...first, generation: 2 };
  const officer = { ...first, generation: 3, holder: 'officer' };
  const rotated = { ...first, generation: 4, masters: [...first.masters, drawMaster()] };
  const [one, two, three, four] = await Promise.all([
    rootDocument(first, passwords.first),
    rootDocument(changed, passwords.second),
    rootDocument(officer, passwords.officer),
    rootDocument(rotated, passwords.second),
  ]);
  return {
    roots: { first, changed, officer, rotated },
    documents: { one, two, three, four },
    scopes: {
      own: scopeDocument(first, 'holdfast', 1),
      default1: scopeDocument(first, 'default', 1),
      default2: scopeDocument(changed, 'default', 2),
      default3: scopeDocument(rotated, 'default', 3),
    },
  };
}

/** The same document with one byte of its content altered. */
export function damaged({ name, bytes }: KeyringDocument): KeyringDocument {
  const altered = Buffer.from(bytes);
  const at = altered.indexOf('"wrapped":"') + 20;
  altered.writeUInt8(altered.readUInt8(at) ^ 1, at);
  return { name, bytes: altered };
}

/** What an attacker makes of a document: another generation and holder, with a checksum that fits. */
export function replanted({ bytes }: KeyringDocument, generation: number, holder: string): KeyringDocument {
  const { checksum: _, ...document } = JSON.parse(bytes.toString());
  const unchecked = { ...document, generation, holder };
  const checksum = hash('sha256', canonical(unchecked), 'base64url');
  return { name: rootObjectKey(generation), bytes: canonical({ ...unchecked, checksum }) };
}
