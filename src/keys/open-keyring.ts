import { Failure, isFailure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import {
  openRoot,
  openScopeKey,
  type RootHeader,
  type RootKeys,
  readRootHeader,
  type ScopeKey,
} from '../sealed/keyring.ts';
import { rootObjectKey, scopeObjectKey } from '../sealed/names.ts';
import type { KeyringDocument } from './keyring-files.ts';
import { readRecoveryKey } from './recovery-key.ts';

/** Holder of the password an installation runs with. */
export const ownerHolder = 'owner';
/** Holder of the recovery key. */
export const kitHolder = 'recovery-kit';

/** How many root documents a password is tried on: whoever can write to the bucket can plant any number of them. */
export const mostRootsTried = 24;

/** A document that could not be used. */
export interface KeyringProblem {
  readonly name: string;
  /**
   * `newer`: wrapped under a keyring newer than the one that was opened. `refused`: damaged, hostile, of another version
   * or repository, or lying under the name of another.
   */
  readonly kind: 'newer' | 'refused';
  readonly failure: Failure;
}

/** What a password opens. */
export interface Keyring {
  readonly root: RootKeys;
  /** Every key of each scope, by scope name; the last one seals. */
  readonly scopes: ReadonlyMap<string, readonly ScopeKey[]>;
  /** Whose password it was. */
  readonly holder: string;
  readonly openedGeneration: number;
  /** Of the newest root document that can be read, whoever holds it. */
  readonly newestGeneration: number;
  /**
   * `superseded`: the holder has a newer document, so this is an old password. `outdated`: it is the holder's newest,
   * but another holder's newer one wraps further keys.
   */
  readonly standing: 'current' | 'superseded' | 'outdated';
  /** Documents that were left out, each with its reason. */
  readonly problems: readonly KeyringProblem[];
}

interface RootDocument extends RootHeader {
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * Opens the keyring with a password, or with the recovery key in any of the ways people type it. Documents may come from
 * anywhere, several of one name included; what cannot be read is reported beside what can.
 *
 * The password is tried on at most {@link mostRootsTried} root documents: each holder's newest first, the owner's before all, then the older
 * generations.
 *
 * Failures, all exit code 6: `keyring_missing`, `mixed_keyrings`, `wrong_password`, `recovery_key_mistyped`, `too_many_keyrings`,
 * and where no root document can be read, or the password may be that of a damaged one, `corrupted_keyring`, `hostile_keyring`
 * or `unsupported_format`.
 *
 * @param repositoryId undefined: the one the documents are of
 */
export async function openKeyring(
  documents: readonly KeyringDocument[],
  repositoryId: Id | undefined,
  password: Buffer,
): Promise<Keyring> {
  const { roots, problems } = readRoots(documents, repositoryId);
  const root = await openFirst(roots, problems, password);
  const scopes = openScopes(root, documents, problems);
  return {
    root,
    scopes,
    holder: root.holder,
    openedGeneration: root.generation,
    newestGeneration: Math.max(...roots.map(({ generation }) => generation)),
    standing: standingOf(root, roots),
    problems,
  };
}

/**
 * The keyring itself where new content may be sealed with it. Failures: `password_superseded`, `holder_outdated`, and that of a
 * document that was refused.
 */
export function requireCurrent(keyring: Keyring): Keyring {
  const { standing, holder, openedGeneration: opened } = keyring;
  const refused = keyring.problems.find(({ kind }) => kind === 'refused');
  if (refused !== undefined) throw refused.failure;
  if (standing === 'superseded') throw new Failure('password_superseded', { opened });
  const newer = keyring.problems.find(({ kind }) => kind === 'newer');
  if (standing === 'outdated' || newer !== undefined) throw new Failure('holder_outdated', { holder });
  return keyring;
}

function readRoots(
  documents: readonly KeyringDocument[],
  repositoryId: Id | undefined,
): { roots: RootDocument[]; problems: KeyringProblem[] } {
  const found = documents.filter(({ name }) => name.startsWith('keys/root/'));
  if (found.length === 0) throw new Failure('keyring_missing', { folder: 'keys/root' });
  const problems: KeyringProblem[] = [];
  const read: RootDocument[] = [];
  for (const { name, bytes } of found) {
    const header = attempt(name, problems, () => readRootHeader(bytes));
    if (header === undefined) continue;
    if (name !== rootObjectKey(header.generation))
      refuse(problems, name, 'it lies under the name of another');
    else if (repositoryId !== undefined && header.repositoryId !== repositoryId)
      refuse(problems, name, 'it belongs to another repository');
    else read.push({ name, bytes, ...header });
  }
  const repositories = new Set(read.map((root) => root.repositoryId));
  if (repositories.size > 1)
    throw new Failure('mixed_keyrings', { repositories: [...repositories].join(', ') });
  return { roots: read, problems };
}

async function openFirst(
  roots: readonly RootDocument[],
  problems: readonly KeyringProblem[],
  typed: Buffer,
): Promise<RootKeys> {
  const recoveryKey = readRecoveryKey(typed.toString('utf8'));
  const isRecoveryKey = recoveryKey instanceof Buffer;
  const password = isRecoveryKey ? recoveryKey : typed;
  const order = inOrder(roots, isRecoveryKey ? kitHolder : ownerHolder);
  for (const root of order.slice(0, mostRootsTried)) {
    try {
      return await openRoot(root.bytes, password);
    } catch (error) {
      if (!isFailure(error, 'wrong_password')) throw error;
    }
  }
  if (order.length > mostRootsTried)
    throw new Failure('too_many_keyrings', { count: order.length, tried: mostRootsTried });
  if (recoveryKey === 'mistyped') throw new Failure('recovery_key_mistyped');
  const [damaged] = problems;
  if (damaged !== undefined) throw damaged.failure;
  throw new Failure('wrong_password');
}

/** Each holder's newest first, the preferred holder's before all, the recovery kit's last; then older ones, newest first. */
function inOrder(roots: readonly RootDocument[], preferred: string): RootDocument[] {
  const rank = (root: RootDocument): number => {
    if (!isNewestOfHolder(root, roots)) return 3;
    if (root.holder === preferred) return 0;
    return root.holder === kitHolder ? 2 : 1;
  };
  return [...roots].sort((a, b) => rank(a) - rank(b) || b.generation - a.generation);
}

const isNewestOfHolder = (root: RootHeader | RootKeys, roots: readonly RootHeader[]): boolean =>
  !roots.some(({ holder, generation }) => holder === root.holder && generation > root.generation);

function standingOf(opened: RootKeys, roots: readonly RootDocument[]): Keyring['standing'] {
  if (!isNewestOfHolder(opened, roots)) return 'superseded';
  const newest = roots.reduce((a, b) => (b.generation > a.generation ? b : a));
  const known = new Set(opened.masters.map(({ id }) => id.toString('hex')));
  const isCurrent = newest.generation <= opened.generation || known.has(newest.keyId);
  return isCurrent ? 'current' : 'outdated';
}

function openScopes(
  root: RootKeys,
  documents: readonly KeyringDocument[],
  problems: KeyringProblem[],
): Map<string, ScopeKey[]> {
  const byName = new Map<string, ScopeKey>();
  for (const { name, bytes } of documents.filter((document) => document.name.startsWith('keys/scope/'))) {
    const scope = attempt(name, problems, () => openScopeKey(root, bytes));
    if (scope === undefined) continue;
    if (scope === 'newer') {
      problems.push({ name, kind: 'newer', failure: new Failure('newer_keyring', { document: name }) });
    } else if (name !== scopeObjectKey(scope.scopeId, scope.key.id)) {
      refuse(problems, name, 'it lies under the name of another');
    } else byName.set(name, scope);
  }
  const scopes = new Map<string, ScopeKey[]>();
  for (const scope of byName.values()) scopes.set(scope.name, [...(scopes.get(scope.name) ?? []), scope]);
  for (const keys of scopes.values()) {
    keys.sort((a, b) => a.number - b.number || Buffer.compare(a.key.id, b.key.id));
  }
  return scopes;
}

/** What `read` gives; where it refuses the document, that is recorded. */
function attempt<T>(name: string, problems: KeyringProblem[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!isFailure(error)) throw error;
    problems.push({ name, kind: 'refused', failure: located(error, name) });
    return undefined;
  }
}

function refuse(problems: KeyringProblem[], name: string, detail: string): void {
  problems.push({
    name,
    kind: 'refused',
    failure: located(new Failure('corrupted_keyring', { detail }), name),
  });
}

/** Names of keyring documents hold numbers and ids only, so they may be told. */
function located(failure: Failure, name: string): Failure {
  const { detail, ...facts } = failure.facts;
  const more = detail === undefined ? {} : { detail: `${detail} (${name})` };
  return new Failure(failure.code, { ...facts, ...more });
}
