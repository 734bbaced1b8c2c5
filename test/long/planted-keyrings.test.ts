import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { canonical } from '../../src/domain/canonical.ts';
import { rootDocument, scopeDocument } from '../../src/keys/create-keyring.ts';
import type { KeyringDocument } from '../../src/keys/keyring-files.ts';
import { mostRootsTried, openKeyring } from '../../src/keys/open-keyring.ts';
import { openAnyKeyring } from '../../src/recovery/keyring.ts';
import { drawSecrets } from '../../src/sealed/keyring.ts';
import { rootObjectKey } from '../../src/sealed/names.ts';

/** A document that only trying a password on it tells from a real one. */
function forged({ bytes }: KeyringDocument, generation: number): KeyringDocument {
  const { checksum: _, ...header } = JSON.parse(bytes.toString());
  const altered = { ...header, generation };
  return {
    name: rootObjectKey(generation),
    bytes: canonical({ ...altered, checksum: hash('sha256', canonical(altered), 'base64url') }),
  };
}

test('more planted keyrings than a password is tried on do not keep the real one, which is older, from opening', async () => {
  const password = Buffer.from('five plain random words');
  const root = { repositoryId: 'a'.repeat(32), generation: 1, holder: 'owner', ...drawSecrets() };
  const real = await rootDocument(root, password);
  const planted = Array.from({ length: mostRootsTried }, (_, n) => forged(real, n + 2));
  const documents = [real, scopeDocument(root, 'default', 1), ...planted];
  await expect(openKeyring(documents, undefined, password)).rejects.toMatchObject({
    code: 'too_many_keyrings',
  });
  // One more than fits into a share, so that the oldest are tried apart.
  const { openedGeneration, scopes } = await openAnyKeyring(documents, undefined, password);
  expect(openedGeneration).toBe(1);
  expect([...scopes.keys()]).toEqual(['default']);
});
