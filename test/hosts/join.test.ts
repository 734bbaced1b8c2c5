import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { parseConfig } from '../../src/config.ts';
import { installJoined, joinedConfig, requireJoinPassword } from '../../src/hosts/join.ts';
import { type JoinFile, readJoinFile, writeJoinFile } from '../../src/hosts/join-file.ts';
import { createKeyring } from '../../src/keys/create-keyring.ts';
import { keyringDocuments } from '../../src/keys/keyring-files.ts';

const repository = randomBytes(16).toString('hex');
const password = 'correct horse battery staple';
const tls = { ca: 'the authority', certificate: 'mine', key: 'secret', serverName: 'holdfast' };
const join: JoinFile = {
  v: 1,
  kind: 'holdfast host',
  repository,
  host: { id: 'ab'.repeat(16), name: 'bureau2' },
  keyring: [],
  temporal: { address: '10.0.0.1:7443', namespace: 'holdfast', tls },
  postgres: { uri: 'postgres://own:pw@10.0.0.1:7444/holdfast', tls },
  s3: {
    endpoint: 'https://10.0.0.1:7445',
    region: 'us-east-1',
    pathStyle: true,
    credentials: '[default]',
    tls,
  },
  destinations: [
    { settings: { name: 'primary', bucket: 'bucket', lock: { days: 7 } } },
    {
      settings: { name: 'far', bucket: 'far', lock: { mode: 'COMPLIANCE', days: 30 } },
      s3: { region: 'eu-west-3', pathStyle: false, credentials: '[far]', tls: {} },
    },
  ],
  settings: { packs: 'off', policy: { maxSignatureAge: '3d' } },
  policies: { 'admission/admission.rego': 'package a', 'data.json': '{}' },
  policyData: { classify: {} },
};
const own = { sources: [{ name: 'files', path: '/srv/files' }], policy: { allowTestSignatures: true } };

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'holdfast-join-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

test('what a host is handed becomes its configuration: the cluster’s settings, its own credentials, no rights over the schema', async () => {
  const home = folder();
  const config = parseConfig(stringify(joinedConfig(join, home, own)), 'joined');
  expect(config).toMatchObject({
    repository,
    host: { id: join.host.id },
    keeper: false,
    packs: 'off',
    destinations: [
      { name: 'primary' },
      { name: 'far', lock: { mode: 'COMPLIANCE' }, s3: { region: 'eu-west-3' } },
    ],
    policy: { allowTestSignatures: true, maxSignatureAge: 3 * 86_400_000 },
    services: { opa: { mode: 'embedded' }, clamd: { mode: 'embedded' } },
  });
  const { temporal, postgres, s3 } = config.services;
  if (temporal.mode !== 'external' || postgres.mode !== 'external' || s3.mode !== 'external')
    throw new Error('not the cluster’s');
  expect(postgres.ownerUriFile).toBeUndefined();

  await installJoined(join, home);
  const secret = (file = ''): string => {
    expect(statSync(file).mode & 0o777, file).toBe(0o600);
    return readFileSync(file, 'utf8').trim();
  };
  expect(secret(postgres.writerUriFile)).toBe(join.postgres.uri);
  for (const files of [temporal.tls, postgres, s3])
    expect([files?.caFile, files?.certFile, files?.keyFile].map(secret)).toEqual([
      tls.ca,
      tls.certificate,
      tls.key,
    ]);
  expect(secret(s3.credentialsFile)).toBe('[default]');
  expect(secret(config.destinations[1]?.s3?.credentialsFile)).toBe('[far]');
  expect(readFileSync(path.join(home, 'policies', 'admission', 'admission.rego'), 'utf8')).toBe('package a');
  expect(JSON.parse(readFileSync(config.policy.data ?? '', 'utf8'))).toEqual(join.policyData);
});

test('rules are written nowhere but into the policy folder', async () => {
  const home = folder();
  const evil = { ...join, policies: { '../../outside.rego': 'package x' } };
  await expect(installJoined(evil, path.join(home, 'inner'))).rejects.toMatchObject({
    code: 'join_file_invalid',
  });
  expect(existsSync(path.join(home, 'outside.rego'))).toBe(false);
});

test('the keyring comes along, and the password is not in it', async () => {
  const home = folder();
  await createKeyring(home, repository, Buffer.from(password));
  const documents = await keyringDocuments(home);
  const handed = {
    ...join,
    keyring: documents.map(({ name, bytes }) => ({ name, bytes: bytes.toString('base64') })),
  };
  await requireJoinPassword(handed, Buffer.from(password));
  await expect(requireJoinPassword(handed, Buffer.from('another'))).rejects.toMatchObject({ exitCode: 6 });
  const there = folder();
  await installJoined(handed, there);
  expect(await keyringDocuments(there)).toEqual(documents);
});

test('the file is for one user alone, comes back as it was, and takes no other’s place', () => {
  const file = path.join(folder(), 'join.json');
  writeJoinFile(file, join);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readJoinFile(file)).toEqual(join);
  expect(() => writeJoinFile(file, join)).toThrow(/EEXIST/);
});

test.each([
  ['missing', undefined],
  ['no JSON', 'host'],
  ['of another kind', JSON.stringify({ ...join, kind: 'holdfast keyring' })],
  [
    'with a key document of another name',
    JSON.stringify({ ...join, keyring: [{ name: '../x', bytes: '' }] }),
  ],
  ['with something more', JSON.stringify({ ...join, password: 'x' })],
])('a file that is %s is refused', (_, text) => {
  const file = path.join(folder(), 'join.json');
  if (text !== undefined) writeFileSync(file, text);
  expect(() => readJoinFile(file)).toThrow(expect.objectContaining({ code: 'join_file_invalid' }));
});
