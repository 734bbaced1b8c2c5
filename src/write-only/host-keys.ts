/** The keys of write-only hosts: docs/format.md section 8.5. */
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { canonical } from '../domain/canonical.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import type { KeyringDocument } from '../keys/keyring-files.ts';
import type { Keyring } from '../keys/open-keyring.ts';
import { hex, name } from '../sealed/fields.ts';
import type { MasterKey, PayloadKey, RootKeys } from '../sealed/keyring.ts';
import { expand } from '../sealed/keys.ts';
import type { SigningHost } from './signed-message.ts';

const bytes = (sizeBytes: number) =>
  z
    .string()
    .regex(/^[A-Za-z0-9_-]*$/)
    .transform((text) => Buffer.from(text, 'base64url'))
    .refine((decoded) => decoded.length === sizeBytes);

const keyFileSchema = z.strictObject({
  v: z.literal(1),
  repository: hex(16),
  host: hex(16),
  name,
  naming: bytes(64),
  pathId: bytes(64),
  payload: z.array(z.strictObject({ id: bytes(16), key: bytes(32) })).min(1),
  signing: bytes(32),
});

const documentSchema = z.strictObject({
  v: z.literal(1),
  repository: hex(16),
  host: hex(16),
  name,
  publicKey: bytes(32),
  masterId: hex(16),
  mac: bytes(32),
});

/** What comes before the 32 bytes of an Ed25519 key in PKCS #8: RFC 8410 section 7. */
const ed25519Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** What a write-only host has in place of a keyring. */
export interface HostKeys {
  readonly repositoryId: Id;
  /** What its operators call it. */
  readonly name: string;
  readonly host: SigningHost;
  readonly naming: Buffer;
  readonly pathId: Buffer;
  readonly payload: readonly PayloadKey[];
}

/** Where a write-only host has its key file. */
export const hostKeyFile = (home: string): string => join(home, 'keys', 'host.json');

/** Name of the object that publishes a host's public key, without prefix. */
const hostObjectKey = (host: Id): string => `keys/host/${host}`;

/** A new write-only host: its key file, and the document that makes it known to whoever opens the root. */
export function createHost(root: RootKeys, hostName: string): { file: Buffer; document: KeyringDocument } {
  const host = randomBytes(16).toString('hex');
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const repository = root.repositoryId;
  const file = canonical({
    v: 1,
    repository,
    host,
    name: hostName,
    naming: root.naming.toString('base64url'),
    pathId: root.pathId.toString('base64url'),
    payload: root.payload.map(({ id, key }) => ({
      id: id.toString('base64url'),
      key: key.toString('base64url'),
    })),
    signing: privateKey.export({ format: 'jwk' }).d,
  });
  const master = root.masters.at(-1);
  if (master === undefined) throw new RangeError('a root without a master key');
  const facts = {
    v: 1,
    repository,
    host,
    name: hostName,
    publicKey: publicKey.export({ format: 'jwk' }).x,
    masterId: master.id.toString('hex'),
  };
  const mac = macOf(master, facts).toString('base64url');
  return { file, document: { name: hostObjectKey(host), bytes: canonical({ ...facts, mac }) } };
}

/** Reads a key file. Failure `host_key_invalid`, exit code 6. */
export function readHostKeys(file: string): HostKeys {
  try {
    const read = keyFileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    const key = Buffer.concat([ed25519Prefix, read.signing]);
    const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
    const { repository: repositoryId, naming, pathId, payload } = read;
    return { repositoryId, name: read.name, host: { id: read.host, privateKey }, naming, pathId, payload };
  } catch (error) {
    throw new Failure('host_key_invalid', { file }, { cause: error });
  }
}

/** A keyring that seals nothing and opens nothing: it names objects and entries, and that is all. */
export function writeOnlyKeyring({ repositoryId, name: holder, naming, pathId, payload }: HostKeys): Keyring {
  return {
    root: { repositoryId, generation: 0, holder, masters: [], naming, pathId, payload },
    scopes: new Map(),
    holder,
    openedGeneration: 0,
    newestGeneration: 0,
    standing: 'current',
    problems: [],
  };
}

/** The public keys of the repository's write-only hosts, of documents that anyone may have added to. */
export function hostPublicKeys(documents: readonly KeyringDocument[], root: RootKeys): Map<Id, KeyObject> {
  const found = new Map<Id, KeyObject>();
  for (const document of documents.filter((each) => each.name.startsWith('keys/host/'))) {
    const known = publicKeyOf(document, root);
    if (known !== undefined) found.set(...known);
  }
  return found;
}

function publicKeyOf(document: KeyringDocument, root: RootKeys): [Id, KeyObject] | undefined {
  let given: Record<string, unknown>;
  try {
    given = JSON.parse(document.bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  const parsed = documentSchema.safeParse(given);
  if (!parsed.success || !canonical(given).equals(document.bytes)) return undefined;
  const { repository, host, publicKey, masterId, mac } = parsed.data;
  const master = root.masters.find(({ id }) => id.toString('hex') === masterId);
  if (repository !== root.repositoryId || document.name !== hostObjectKey(host) || master === undefined) {
    return undefined;
  }
  const { mac: _, ...facts } = given;
  if (!timingSafeEqual(macOf(master, facts), mac)) return undefined;
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: publicKey.toString('base64url') };
  return [host, createPublicKey({ key: jwk, format: 'jwk' })];
}

function macOf(master: MasterKey, facts: object): Buffer {
  const key = expand(master.key, Buffer.from('holdfast/1/host', 'latin1'), 32);
  return createHmac('sha256', key).update(canonical(facts)).digest();
}
