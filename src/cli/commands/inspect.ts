import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { type Config, readConfig } from '../../config.ts';
import { Failure, isFailure } from '../../domain/failures.ts';
import { type KeyringDocument, keyringDocuments } from '../../keys/keyring-files.ts';
import { RepositoryKeys } from '../../keys/repository-keys.ts';
import { openAnyKeyring } from '../../recovery/keyring.ts';
import { prefixed } from '../../sealed/names.ts';
import type { ByteSource } from '../../sealed/open.ts';
import type { ListedVersion, ObjectStore } from '../../storage/object-store.ts';
import { openS3Store } from '../../storage/s3-store.ts';
import { say } from '../../text/voice.ts';
import {
  type Inspected,
  type InspectOptions as InspectionOptions,
  inspect,
  inspectMember,
  type KeyById,
} from '../../verify/inspect.ts';
import { type BucketOptions, bucketStore, plainPrefix } from '../bucket-options.ts';
import { bytes, localTime, printable, table } from '../output.ts';
import { readPassword } from '../password.ts';
import { pathFields } from '../rows.ts';
import { locate, type Session } from '../session.ts';

export interface InspectOptions extends Omit<BucketOptions, 'bucket'> {
  readonly bucket?: string;
  readonly destination?: string;
  readonly versionId?: string;
  /** Number of a file in a pack, as typed. */
  readonly member?: string;
}

/** Tells what an object, or a file with an object's bytes, is. Exit code 4 or 6 where a key did not vouch for it. */
export async function runInspect(session: Session, target: string, options: InspectOptions): Promise<number> {
  const isInBucket = options.bucket ?? options.destination ?? options.versionId;
  const member = memberNumber(options.member);
  if (isInBucket === undefined && existsSync(target)) return inspectFile(session, target, member);
  const place = await openPlace(session, options);
  try {
    return await inspectObject(session, place, target, options.versionId, member);
  } finally {
    place.store.close();
  }
}

function memberNumber(typed: string | undefined): number | undefined {
  if (typed === undefined) return undefined;
  if (!/^[1-9]\d{0,3}$/.test(typed)) {
    throw new Failure('usage', {
      detail: say('look', 'member_takes'),
    });
  }
  return Number(typed);
}

async function inspectFile(session: Session, path: string, member: number | undefined): Promise<number> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw new Failure('secret_unreadable', { file: path }, { cause: error });
  });
  try {
    const { size: lengthBytes } = await file.stat();
    const source: ByteSource = {
      lengthBytes,
      async read(offset, length) {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
        return buffer.subarray(0, bytesRead);
      },
    };
    const keys = await openKeys(session, async () => {
      try {
        return await keyringDocuments(session.paths.home);
      } catch (error) {
        if (isFailure(error, 'keyring_missing')) return [];
        throw error;
      }
    });
    const inspected = await inspectWhole(source, keys === undefined ? {} : { keys }, member);
    return report(session, inspected, { file: path });
  } finally {
    await file.close();
  }
}

/** A bucket of the configuration, or one that was named. */
interface Place {
  readonly store: ObjectStore;
  readonly prefix: string;
}

async function openPlace(session: Session, options: InspectOptions): Promise<Place> {
  const { bucket, destination: wanted } = options;
  if (bucket !== undefined) {
    const store = await openS3Store(bucketStore({ ...options, bucket }, session.env));
    return { store, prefix: plainPrefix(options.prefix) };
  }
  const config = readConfig(session.configPath);
  const found = config.destinations.find(({ name }) => wanted === undefined || name === wanted);
  if (found === undefined) {
    const names = config.destinations.map(({ name }) => name).join(', ');
    throw new Failure('usage', { detail: say('look', 'no_destination', { name: wanted ?? '', names }) });
  }
  const where = await locate(session);
  return { store: await openS3Store(where.s3(found, 'agent')), prefix: found.prefix };
}

async function inspectObject(
  session: Session,
  { store, prefix }: Place,
  target: string,
  wanted: string | undefined,
  member: number | undefined,
): Promise<number> {
  const below = prefixed(prefix, '');
  // As `show` and `verify` print it, or without the prefix.
  const key = target.startsWith(below) ? target : prefixed(prefix, target);
  const versions = (await store.versionsOf(key)).filter((version) => !version.isDeleteMarker);
  const version = wanted === undefined ? versions[0] : versions.find(({ versionId }) => versionId === wanted);
  if (version === undefined) throw new Failure('object_unknown', { destination: store.name });
  const { versionId, lengthBytes } = version;
  const source: ByteSource = {
    lengthBytes,
    read: (offset, length) => store.get({ key, versionId, range: { offset, length } }),
  };
  const keys = await openKeys(session, () => documentsIn(store, prefix));
  const name = key.slice(below.length);
  const inspected = await inspectWhole(source, { name, ...(keys === undefined ? {} : { keys }) }, member);
  return report(session, inspected, { key, version, versions: versions.length });
}

async function inspectWhole(
  source: ByteSource,
  options: InspectionOptions,
  member: number | undefined,
): Promise<Inspected> {
  if (member === undefined) return inspect(source, options);
  const { keys } = options;
  if (keys === undefined) throw new Failure('no_password');
  const inspected = await inspectMember(source, member, { ...options, keys });
  if (inspected === undefined) {
    throw new Failure('usage', { detail: say('look', 'no_member', { number: String(member) }) });
  }
  return inspected;
}

/** Keyring documents are small; whoever can write to the bucket can plant any number. */
const longestDocumentBytes = 65_536;
const mostDocuments = 1_000;

/** The keyring as the bucket has it, the oldest version of each document first. */
async function documentsIn(store: ObjectStore, prefix: string): Promise<KeyringDocument[]> {
  const below = prefixed(prefix, '');
  const found: ListedVersion[] = [];
  for await (const version of store.listVersions(prefixed(prefix, 'keys/'))) {
    if (!version.isDeleteMarker && version.lengthBytes <= longestDocumentBytes) found.push(version);
    if (found.length >= mostDocuments) break;
  }
  const documents = found.reverse().map(async (version) => ({
    name: version.key.slice(below.length),
    bytes: await store.get(version),
  }));
  return Promise.all(documents);
}

/** The keys that a password opens; undefined where there is no password, or no keyring to open. */
async function openKeys(
  session: Session,
  documents: () => Promise<readonly KeyringDocument[]>,
): Promise<KeyById | undefined> {
  const config = configIfAny(session);
  let password: Buffer;
  try {
    password = await readPassword(session, config?.passwordFile);
  } catch (error) {
    if (isFailure(error, 'no_password')) return undefined;
    throw error;
  }
  // Enter alone: without it.
  if (password.length === 0) return undefined;
  const found = await documents();
  if (found.length === 0) return undefined;
  const keys = new RepositoryKeys(await openAnyKeyring(found, undefined, password));
  return (id) => keys.byId(id);
}

function configIfAny(session: Session): Config | undefined {
  try {
    return readConfig(session.configPath);
  } catch (error) {
    if (isFailure(error, 'config_missing')) return undefined;
    throw error;
  }
}

/** Where what was inspected lies. */
interface Where {
  readonly file?: string;
  readonly key?: string;
  readonly version?: ListedVersion;
  /** Versions of the name, delete markers left out. */
  readonly versions?: number;
}

function report({ output }: Session, inspected: Inspected, where: Where): number {
  output.value(asJson(inspected, where));
  output.line(table([...whereRows(where), ...factRows(inspected)]));
  const { problem, authenticated, kind } = inspected;
  if (problem !== undefined) throw problem;
  if (!authenticated && kind !== 'unknown' && kind !== 'keyring document') {
    output.line(
      kind === 'openpgp message' ? say('look', 'not_authenticated') : say('look', 'without_password'),
    );
  }
  return 0;
}

function asJson(inspected: Inspected, { file, key, version, versions }: Where): object {
  const { problem, ...told } = inspected;
  const { frame, path, ...rest } = told as typeof told & { frame?: object; path?: Buffer };
  return {
    ...(file === undefined ? {} : { file }),
    ...(key === undefined ? {} : { key, versionId: version?.versionId, versions }),
    ...rest,
    ...frame,
    ...(path === undefined ? {} : pathFields(path)),
    ...(problem === undefined ? {} : { problem: problem.code }),
  };
}

function whereRows({ file, key, version, versions = 0 }: Where): string[][] {
  if (file !== undefined) return [['file', printable(file)]];
  const others = versions > 1 ? ` ${say('look', 'one_of', { versions })}` : '';
  return [
    ['key', printable(key ?? '')],
    [
      'version',
      say('look', 'version_of', {
        version: version?.versionId ?? '',
        at: localTime(version?.lastModified ?? new Date(0)),
        others,
      }),
    ],
  ];
}

function factRows(inspected: Inspected): string[][] {
  const { kind, lengthBytes, authenticated } = inspected;
  const rows = [
    ['kind', kind === 'unknown' ? say('look', 'nothing_ours') : kind],
    ['length', say('look', 'bytes_exact', { bytes: bytes(lengthBytes), count: String(lengthBytes) })],
  ];
  switch (inspected.kind) {
    case 'sealed file':
      return [
        ...rows,
        ...positionRows(inspected.member),
        ...frameRows(inspected.frame, 'content'),
        ['authenticated', authenticated ? 'yes' : 'no'],
        ...metadataRows(inspected),
      ];
    case 'pack':
    case 'manifest':
      return [
        ...rows,
        ...frameRows(inspected.frame, 'index'),
        ['authenticated', authenticated ? 'yes' : 'no'],
        ...packRows(inspected),
      ];
    case 'keyring document': {
      const { repository, purpose, generation, holder, keyId, kdf, iterations } = inspected.document;
      return [
        ...rows,
        ['repository', repository],
        ['purpose', purpose],
        ['generation', String(generation)],
        ...(holder === undefined ? [] : [['holder', holder]]),
        ['key', keyId],
        [say('look', 'wrapped_by'), iterations === 0 ? kdf : say('look', 'iterations', { kdf, iterations })],
      ];
    }
    case 'openpgp message':
      return [...rows, ['encryption', say('look', 'seipd')], ['for', inspected.recipients.join(', ')]];
    case 'unknown':
      return rows;
  }
}

const positionRows = (member: Extract<Inspected, { kind: 'sealed file' }>['member']): string[][] =>
  member === undefined
    ? []
    : [
        [
          say('look', 'in_pack'),
          say('look', 'member', { number: member.number, of: member.count, offset: member.offset }),
        ],
      ];

type Frame = Extract<Inspected, { kind: 'sealed file' }>['frame'];

function frameRows(frame: Frame, what: string): string[][] {
  return [
    ['format', say('look', 'sealed_version', { version: String(frame.formatVersion) })],
    ['iv', frame.iv],
    ['key', frame.keyId],
    [
      what,
      say('look', 'bytes_exact', {
        bytes: bytes(frame.plaintextLength),
        count: String(frame.plaintextLength),
      }),
    ],
    [
      'stored',
      say('look', 'bytes_exact', {
        bytes: bytes(frame.ciphertextLength),
        count: String(frame.ciphertextLength),
      }),
    ],
    ['compression', frame.compression],
    ['segments', say('look', 'segments', { count: frame.segmentCount, size: bytes(frame.segmentSize) })],
  ];
}

function metadataRows({ path, metadata }: Extract<Inspected, { kind: 'sealed file' }>): string[][] {
  if (path === undefined || metadata === undefined) return [];
  const { mode, uid, gid, mtimeNs, xattrs = {} } = metadata;
  const names = Object.keys(xattrs);
  return [
    ['path', printable(path.toString('utf8'))],
    ['mode', mode.toString(8).padStart(4, '0')],
    ['owner', `${uid}:${gid}`],
    [
      'modified',
      say('look', 'mtime', {
        at: localTime(new Date(Number(BigInt(mtimeNs) / 1_000_000n))),
        ns: String(mtimeNs),
      }),
    ],
    ['source', metadata.source],
    ['entry', metadata.entry],
    [
      say('look', 'made_for'),
      say('look', 'made_for_value', { version: metadata.version, observation: String(metadata.observation) }),
    ],
    ['scope', printable(metadata.scope)],
    ['class', printable(metadata.class)],
    ['sha512', metadata.sha512],
    ['sha256', metadata.sha256],
    ...(names.length === 0 ? [] : [['attributes', printable(names.join(', '))]]),
  ];
}

function packRows({
  objectName,
  members,
  head,
}: Extract<Inspected, { kind: 'pack' | 'manifest' }>): string[][] {
  return [
    ...(objectName === undefined ? [] : [['name', printable(objectName)]]),
    ...(head === undefined
      ? []
      : [
          ['source', `${printable(head.name)} (${head.source})`],
          ['number', `${head.number}, ${head.kind}, ${localTime(new Date(head.createdAt))}`],
          ['previous', head.previousSha256 ?? 'none'],
        ]),
    ...(members ?? []).map(({ offset, length, scope, keyId, version }, index) => [
      index === 0 ? 'members' : '',
      say('look', 'pack_row', {
        number: String(index + 1),
        length,
        offset,
        scope: printable(scope),
        key: keyId,
        version: version === undefined ? '' : say('look', 'pack_version', { version }),
      }),
    ]),
  ];
}
