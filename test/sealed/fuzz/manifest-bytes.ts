import { hash } from 'node:crypto';
import type { OpenedManifest } from '../../../src/manifest/decode.ts';
import { manifestName } from '../../../src/manifest/names.ts';
import type { Purpose, SealingKey } from '../../../src/sealed/keys.ts';
import { footerBytes, ivBytes, magic } from '../../../src/sealed/layout.ts';
import { layMembers, packBytes } from '../../../src/sealed/pack.ts';
import { sealWhole } from '../../../src/sealed/seal.ts';
import { mebibyte } from '../samples.ts';
import { readVectors } from '../vectors.ts';
import { alter, writeNumber } from './altered.ts';
import { hostileMembers, hostileValue, jsonText, type Members, membersOf } from './hostile-json.ts';
import { broke } from './judge.ts';
import type { Random } from './random.ts';

/** A manifest's bytes under the name of an object. */
export interface NamedManifest {
  readonly objectName: string;
  readonly bytes: Buffer;
}

const readable = readVectors('manifest').filter(
  (vector) =>
    vector.expect === 'success' &&
    (JSON.parse(vector.field('sections')) as { rows: unknown }[]).every(({ rows }) => rows !== null),
);

export const manifests: readonly NamedManifest[] = readable.map((vector) => ({
  objectName: vector.field('object'),
  bytes: vector.body,
}));

const scopeKeys = ['holdfast', 'default', 'restricted'].map((scope, n) => ({
  scope,
  key: { id: Buffer.alloc(16, 0xa0 + n), secret: Buffer.alloc(64, n) },
}));

const secrets = new Map<string, Buffer>([
  ...readable.flatMap((vector) =>
    vector
      .field('keys')
      .split(',')
      .map((pair) => pair.split('='))
      .map(([id = '', secret = '']) => [id, Buffer.from(secret, 'hex')] as const),
  ),
  ...scopeKeys.map(({ key }) => [key.id.toString('hex'), key.secret] as const),
]);

export function keyById(id: Buffer): SealingKey | undefined {
  const secret = secrets.get(id.toString('hex'));
  return secret && { id, secret };
}

/** What somebody without the keys makes of manifests: altered bytes, parts exchanged, or a genuine one under another's name. */
export function alteredManifest(random: Random): NamedManifest {
  const { objectName, bytes } = random.pick(manifests);
  switch (random.below(5)) {
    case 0:
      return { objectName: random.pick(manifests).objectName, bytes };
    case 1:
      return { objectName, bytes: exchanged(bytes, random.pick(manifests).bytes, random) };
    case 2: {
      const copy = Buffer.from(bytes);
      writeNumber(copy, [copy.length - 8, 8], random);
      return { objectName, bytes: copy };
    }
    default:
      return { objectName, bytes: alter(bytes, random, () => random.pick(manifests).bytes) };
  }
}

/** Whole sealed files of both, in any order, and a length at the end. */
function exchanged(one: Buffer, two: Buffer, random: Random): Buffer {
  const parts = [...sealedFilesOf(one), ...sealedFilesOf(two)];
  const chosen = Array.from({ length: 1 + random.below(4) }, () => random.pick(parts));
  return packBytes(chosen.slice(0, -1), chosen.at(-1) ?? Buffer.alloc(0));
}

function sealedFilesOf(pack: Buffer): Buffer[] {
  const files: Buffer[] = [];
  let start = 0;
  for (let footer = pack.indexOf(magic); footer >= 0; footer = pack.indexOf(magic, start)) {
    files.push(pack.subarray(start, footer + footerBytes));
    start = footer + footerBytes;
  }
  return files;
}

const source = 'ab'.repeat(16);
const at = '2026-01-02T03:04:05.006Z';
const id = (byte: string): string => byte.repeat(16);

const head = membersOf({
  v: 1,
  source,
  name: 'documents',
  number: 7,
  kind: 'checkpoint',
  part: 2,
  last: true,
  previousSha256: 'ef'.repeat(32),
  createdAt: at,
});

const placement = membersOf({
  destination: 'main',
  object: 'objects/x',
  s3VersionId: '1',
  offset: 0,
  length: 150,
  format: 'sealed-v1',
  key: id('11'),
  generation: 0,
  iv: id('22'),
  madeFor: id('33'),
  lockMode: 'GOVERNANCE',
  retainUntil: at,
});

const verdict = membersOf({
  state: 'clean',
  engine: 'e',
  signatureRevision: '1',
  signaturesAt: at,
  signatureSet: 'official',
});

const row = (random?: Random): Members => [
  ...membersOf({
    entry: id('44'),
    path: Buffer.from('folder/file').toString('base64url'),
    version: id('55'),
    observation: 3,
    kind: 'file',
    outcome: 'uploaded',
    size: 5,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeNs: '-1',
    hardlink: id('66'),
    xattrs: { 'user.a': 'AAAA' },
    sha512: '0'.repeat(128),
    sha256: '0'.repeat(64),
    run: 'run',
    observedAt: at,
    settledAt: at,
  }),
  ['placements', `[${jsonText(maybe(placement, random))}]`],
  ['verdict', jsonText(maybe(verdict, random))],
];

const hostilePaths = ['', '.', '..', '../x', '/etc', 'a//b', 'a\0b', 'a/', 'a/../b', 'ok'].map((path) =>
  Buffer.from(path).toString('base64url'),
);

function maybe(members: Members, random: Random | undefined): Members {
  return random?.chance(0.3) ? hostileMembers(members, random) : members;
}

function hostileRow(random: Random): string {
  const members = maybe(row(random), random);
  if (random.chance(0.02)) return hostileValue(random);
  const isPathHostile = random.chance(0.2);
  return jsonText(
    isPathHostile
      ? members.map(([name, text]) => [name, name === 'path' ? `"${random.pick(hostilePaths)}"` : text])
      : members,
  );
}

/** Up to this an index may be long, and more. */
const blanks = Buffer.alloc(17 * mebibyte, ' ');

/** A manifest of somebody who has the keys, with right MACs around hostile content; `honest` where nothing is hostile. */
export function forgedManifest(random: Random): NamedManifest & { readonly honest: boolean } {
  const honest = random.chance(0.1);
  const objectName =
    honest || random.chance(0.9) ? manifestName(source, 7) : random.pick(manifests).objectName;
  const headText = jsonText(honest ? head : maybe(head, random));
  const sections = scopeKeys.slice(1, 2 + random.below(2)).map(({ scope, key }) => {
    const count = 1 + random.below(3);
    const rows = Array.from({ length: count }, () => (honest ? jsonText(row()) : hostileRow(random)));
    const first = honest || random.chance(0.95) ? headText : jsonText(hostileMembers(head, random));
    const end = honest || random.chance(0.98) ? '\n' : '';
    const content = Buffer.from([first, ...rows].join('\n') + end);
    return {
      bytes: sealPart('manifest', { objectName, scope, key, content, random }),
      facts: { scope, keyId: key.id.toString('hex'), rows: count },
    };
  });
  const members = layMembers(sections).map((member) => {
    const text = membersOf(member);
    return jsonText(honest || random.chance(0.9) ? text : hostileMembers(text, random));
  });
  const index: Members = [
    ['v', '1'],
    ['head', headText],
    ['members', `[${members.join(',')}]`],
  ];
  const isBomb = !honest && random.chance(0.005);
  const content = isBomb
    ? blanks.subarray(0, 16 * mebibyte + random.below(mebibyte))
    : Buffer.from(jsonText(honest || random.chance(0.9) ? index : hostileMembers(index, random)));
  const [repository] = scopeKeys;
  if (repository === undefined) throw new Error('no key');
  const sealedIndex = sealPart('pack index', { objectName, ...repository, content, random });
  return {
    objectName,
    honest,
    bytes: packBytes(
      sections.map(({ bytes }) => bytes),
      sealedIndex,
    ),
  };
}

function sealPart(
  purpose: Exclude<Purpose, 'content'>,
  {
    objectName,
    scope,
    key,
    content,
    random,
  }: { objectName: string; scope: string; key: SealingKey; content: Buffer; random: Random },
): Buffer {
  const sums = { sha512: hash('sha512', content, 'hex'), sha256: hash('sha256', content, 'hex') };
  return sealWhole(
    {
      key,
      iv: random.bytes(ivBytes),
      purpose,
      path: Buffer.from(objectName),
      metadata: { v: 1, purpose, size: content.length, ...sums, scope },
      plaintextLength: content.length,
      compression: { algorithm: 'zstd', level: 1 },
    },
    content,
  );
}

/** An Error where what opened could harm whoever acts on it. */
export function checkManifest({ head: opened, sections }: OpenedManifest, objectName: string): void {
  if (manifestName(opened.source, opened.number) !== objectName)
    broke('accepts the head of another manifest');
  for (const { count, rows } of sections) {
    if (rows === undefined) continue;
    if (rows.length !== count) broke('miscounts rows');
    for (const { path, mode, observation, size, placements = [], observedAt } of rows) {
      const parts = Buffer.from(path, 'base64url').toString('latin1').split('/');
      if (parts.some((name) => ['', '.', '..'].includes(name) || name.includes('\0')))
        broke('accepts a path that leads away');
      const numbers = [
        mode,
        observation,
        size,
        ...placements.flatMap(({ offset, length }) => [offset, length]),
      ];
      if (numbers.some((value) => !Number.isSafeInteger(value) || value < 0) || mode > 0o7777)
        broke('accepts a number out of range');
      if (Number.isNaN(Date.parse(observedAt))) broke('accepts another time');
    }
  }
}
