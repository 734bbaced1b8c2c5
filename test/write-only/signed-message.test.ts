import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { canonical } from '../../src/domain/canonical.ts';
import { isFailure } from '../../src/domain/failures.ts';
import { exportKeyring, readExport } from '../../src/keys/exported-keyring.ts';
import type { KeyringDocument } from '../../src/keys/keyring-files.ts';
import { joinLines } from '../../src/manifest/encode.ts';
import type { ManifestHead, ManifestRow } from '../../src/manifest/records.ts';
import { openRecipients } from '../../src/openpgp/recipients.ts';
import { openMessageKeys } from '../../src/openpgp/session-keys.ts';
import type { RootKeys } from '../../src/sealed/keyring.ts';
import { createHost, hostPublicKeys, readHostKeys } from '../../src/write-only/host-keys.ts';
import { openWriteOnlyManifest, writeOnlyManifests } from '../../src/write-only/manifests.ts';
import { openSigned, sealSigned } from '../../src/write-only/signed-message.ts';
import { useGpg } from '../openpgp/gpg.ts';

const gpg = useGpg();
const officer = gpg.makeKey('officer');
const masters = [
  { id: Buffer.alloc(16, 1), key: Buffer.alloc(64, 2) },
  { id: Buffer.alloc(16, 3), key: Buffer.alloc(64, 4) },
];
const root: RootKeys = {
  repositoryId: 'a'.repeat(32),
  generation: 2,
  holder: 'owner',
  masters,
  naming: Buffer.alloc(64, 5),
  pathId: Buffer.alloc(64, 6),
  payload: [{ id: Buffer.alloc(16, 7), key: Buffer.alloc(32, 8) }],
};
const recipients = await openRecipients({ recipients: [officer.publicFile] }, root.naming);
const messageKeys = await openMessageKeys({ keyFile: officer.privateFile });

function newHost(name = 'web1') {
  const { file, document } = createHost(root, name);
  return { keys: readHostKeys(gpg.file(`${name}.json`, file)), document };
}

const failureOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'opened',
    (error: unknown) => (isFailure(error) ? error.code : String(error)),
  );

describe('a signed message', () => {
  const { keys, document } = newHost();
  const known = hostPublicKeys([document], root);
  const reading = { publicKeyOf: (host: string) => known.get(host), messageKeys };
  const content = Buffer.from('what the host saw');

  test('opens to its content, with the private key of a recipient only', async () => {
    const sealed = await sealSigned(keys.host, recipients, 'name', content);
    const host = keys.host.id;
    expect(await openSigned(sealed, 'name', 1_000, reading)).toEqual({ host, content });
    expect(await failureOf(openSigned(sealed, 'name', 1_000, { ...reading, messageKeys: undefined }))).toBe(
      'openpgp_key_missing',
    );
  });

  test('is refused under another name, from another host, when too long, and with any bit changed', async () => {
    const sealed = await sealSigned(keys.host, recipients, 'name', content);
    const open = (bytes: Buffer, name = 'name', most = 1_000) =>
      failureOf(openSigned(bytes, name, most, reading));
    expect(await open(sealed, 'other')).toBe('tampered');
    expect(await open(sealed, 'name', 5)).toBe('tampered');
    const stranger = await sealSigned(newHost('web2').keys.host, recipients, 'name', content);
    expect(await open(stranger)).toBe('unknown_key');
    // A stranger who writes our host's id into his message.
    sealed.copy(stranger, 8, 8, 24);
    expect(await open(stranger)).toBe('tampered');
    for (let at = 0; at < sealed.length; at++) {
      const flipped = Buffer.from(sealed);
      flipped[at] = (flipped[at] as number) ^ 1;
      expect([at, await open(flipped)]).toEqual([at, at >= 8 && at < 24 ? 'unknown_key' : 'tampered']);
    }
    for (const length of [0, 95, 96, sealed.length - 1])
      expect(await open(sealed.subarray(0, length))).toBe('tampered');
  });
});

describe('a host', () => {
  const { document } = newHost();
  const altered = (change: Record<string, unknown>): KeyringDocument => ({
    ...document,
    bytes: canonical({ ...JSON.parse(document.bytes.toString('utf8')), ...change }),
  });
  const names = (documents: readonly KeyringDocument[], of = root) => [
    ...hostPublicKeys(documents, of).keys(),
  ];

  test('is known to whoever opens the root, also after the master key was rotated', () => {
    expect(names([document])).toHaveLength(1);
    const rotated = { ...root, masters: [...masters, { id: Buffer.alloc(16, 9), key: randomBytes(64) }] };
    expect(names([document], rotated)).toHaveLength(1);
  });

  test.for([
    ['another name', altered({ name: 'web9' })],
    ['another public key', altered({ publicKey: Buffer.alloc(32, 1).toString('base64url') })],
    ['another repository', altered({ repository: 'b'.repeat(32) })],
    ['a further member', altered({ more: 1 })],
    ['another object name', { ...document, name: `keys/host/${'c'.repeat(32)}` }],
    ['no JSON', { ...document, bytes: Buffer.from('{') }],
    ['spaces in it', { ...document, bytes: Buffer.concat([document.bytes, Buffer.from(' ')]) }],
  ] as const)('is not known by a document with %s', ([, planted]) => {
    expect(names([planted])).toEqual([]);
    expect(names([planted, document])).toHaveLength(1);
  });

  test('is not known under another root', () => {
    const other = { ...root, masters: masters.map(({ id }) => ({ id, key: randomBytes(64) })) };
    expect(names([document], other)).toEqual([]);
  });

  test('goes with an exported keyring', () => {
    const exported = { repository: root.repositoryId, documents: [document] };
    expect(readExport('file', exportKeyring(exported))).toEqual(exported);
    const elsewhere = { ...document, name: `keys/host/../${'c'.repeat(29)}` };
    expect(() => readExport('file', exportKeyring({ ...exported, documents: [elsewhere] }))).toThrow(
      /members/,
    );
  });

  test('has a key file with no key that opens anything', () => {
    const { file } = createHost(root, 'web3');
    for (const { key } of masters) expect(file.toString('latin1')).not.toContain(key.toString('base64url'));
    const broken = gpg.file('broken.json', '{}');
    expect(() => readHostKeys(broken)).toThrow(expect.objectContaining({ code: 'host_key_invalid' }));
    writeFileSync(broken, JSON.stringify({ ...JSON.parse(file.toString('utf8')), master: 'x' }));
    expect(() => readHostKeys(broken)).toThrow(expect.objectContaining({ code: 'host_key_invalid' }));
  });
});

describe('a manifest of a write-only host', () => {
  const { keys, document } = newHost();
  const known = hostPublicKeys([document], root);
  const reading = { publicKeyOf: (host: string) => known.get(host), messageKeys };
  const format = writeOnlyManifests((name, content) => sealSigned(keys.host, recipients, name, content));
  const head: ManifestHead = {
    v: 1,
    source: 'd'.repeat(32),
    name: 'www',
    number: 7,
    kind: 'journal',
    last: true,
    previousSha256: null,
    createdAt: '2026-01-31T23:59:59.999Z',
  };
  const row: ManifestRow = {
    entry: 'e'.repeat(32),
    path: Buffer.from('index.html').toString('base64url'),
    version: 'f'.repeat(32),
    observation: 1,
    kind: 'dir',
    outcome: 'uploaded',
    size: 0,
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtimeNs: '0',
    run: 'run',
    observedAt: head.createdAt,
    settledAt: head.createdAt,
  };
  const objectName = `manifests/${head.source}/000000000007`;

  test('gives its head and the rows of all scopes, and cannot be opened where it was made', async () => {
    const sections = new Map([
      ['default', [row]],
      ['restricted', [{ ...row, entry: '1'.repeat(32) }]],
    ]);
    const bytes = await format.seal(head, sections);
    const opened = await openWriteOnlyManifest(bytes, objectName, reading);
    expect(opened.head).toEqual(head);
    expect(opened.sections.map(({ scope, rows }) => [scope, rows])).toEqual([...sections]);
    expect(await format.open(bytes, objectName)).toBeUndefined();
    expect(bytes.includes('index.html')).toBe(false);
  });

  test('is refused in the place of another', async () => {
    const bytes = await format.seal(head, new Map([['default', [row]]]));
    const elsewhere = openWriteOnlyManifest(bytes, `manifests/${head.source}/000000000008`, reading);
    expect(await failureOf(elsewhere)).toBe('tampered');
    const lying = writeOnlyManifests((_, content) => sealSigned(keys.host, recipients, objectName, content));
    const other = await lying.seal({ ...head, number: 8 }, new Map());
    expect(await failureOf(openWriteOnlyManifest(other, objectName, reading))).toBe('tampered');
  });

  test.for([
    ['a row without its section', [row]],
    ['fewer rows than its section says', [{ scope: 'default', rows: 2 }, row]],
    ['a scope twice', [{ scope: 'default', rows: 1 }, row, { scope: 'default', rows: 1 }, row]],
    ['a section without rows', [{ scope: 'default', rows: 0 }]],
  ] as const)('is refused with %s', async ([, lines]) => {
    const bytes = await sealSigned(keys.host, recipients, objectName, joinLines([head, ...lines]));
    expect(await failureOf(openWriteOnlyManifest(bytes, objectName, reading))).toBe('unsupported_format');
  });
});
