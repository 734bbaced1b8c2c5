import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { canonical } from '../../src/domain/canonical.ts';
import { createApproverKey, readApproverKey } from '../../src/holds/approver-key.ts';
import { isSignedBy, type Statement, signStatement } from '../../src/holds/statement.ts';

interface Vector {
  readonly name: string;
  readonly statement: Statement;
  readonly canonicalSha256: string;
  readonly signature: string;
  readonly publicKey: string;
  readonly isValid: boolean;
}

/** Made by test/holds/make_vectors.py, which shares no code with the program. */
const vectors = JSON.parse(readFileSync(join(import.meta.dirname, 'vectors.json'), 'utf8')) as Vector[];

test.each(vectors.map((vector) => [vector.name, vector] as const))(
  'the signed decision "%s" counts as the format says',
  (_name, { statement, canonicalSha256, signature, publicKey, isValid }) => {
    const bytes = canonical(statement);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(canonicalSha256);
    expect(isSignedBy(statement, Buffer.from(signature, 'base64url'), publicKey)).toBe(isValid);
  },
);

test('there are vectors of both kinds', () => {
  expect(new Set(vectors.map(({ isValid }) => isValid))).toEqual(new Set([true, false]));
});

function keyFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-approver-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'key.pem');
  writeFileSync(file, text);
  return file;
}

const never = async (): Promise<Buffer> => {
  throw new Error('asked for a password');
};

test('a key made signs what its public key verifies; the file says whose it is', async () => {
  const password = Buffer.from('five plain random words');
  for (const given of [undefined, password]) {
    const made = createApproverKey('claire', given);
    const read = await readApproverKey(keyFile(made.pem), given === undefined ? never : async () => password);
    expect(read).toMatchObject({ name: 'claire', publicKey: made.publicKey });
    const [{ statement }] = vectors as [Vector];
    expect(isSignedBy(statement, signStatement(statement, read.key), made.publicKey)).toBe(true);
  }
});

test.each([
  ['a wrong password', () => createApproverKey('claire', Buffer.from('right')).pem],
  ['no key', () => 'hello'],
  [
    'a key of another kind',
    () =>
      generateKeyPairSync('ec', { namedCurve: 'P-256' })
        .privateKey.export({ format: 'pem', type: 'pkcs8' })
        .toString(),
  ],
])('%s is refused', async (_name, text) => {
  const reading = readApproverKey(keyFile(text()), async () => Buffer.from('wrong'));
  await expect(reading).rejects.toMatchObject({ code: 'approver_key_unusable' });
});
