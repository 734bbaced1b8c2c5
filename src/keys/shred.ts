import type { Catalog } from '../catalog/catalog.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { scopeId } from '../sealed/names.ts';
import type { KeyringPlace } from './change-keyring.ts';
import { type KeyringDocument, removeDocument, repositoryScope } from './keyring-files.ts';
import type { Keyring } from './open-keyring.ts';
import { publishedDocuments, publishKeyring, scopeIdOf } from './publish.ts';
import { type DeletingPlace, type Deletion, deleteAll, isComplete } from './retire.ts';
import { type Shredding, shreddings } from './shreddings.ts';

/** Manifests need these whatever policy says: folders, links and all that names no scope of its own go to `default`. */
const neverShredded: readonly string[] = [repositoryScope, 'default'];

/** What a scope covers in one source. */
export interface ScopeShare {
  readonly source: string;
  readonly files: number;
  readonly versions: number;
  readonly bytes: number;
  /** How many of the files still lie in their source: their names stay known while they do. */
  readonly inSource: number;
}

/** A copy of the keyring that was handed out. */
export interface KeyringCopy {
  readonly kind: string;
  readonly actor: string;
  readonly at: Date;
}

/** What shredding a scope would do. */
export interface ShredPlan {
  readonly scope: string;
  readonly scopeId: Id;
  readonly keys: number;
  /** What becomes unreadable. */
  readonly shares: readonly ScopeShare[];
  /** When the last lock on one of the scope's key documents ends; until then the keys can still be read from a bucket. */
  readonly pendingUntil: Date;
  /** Copies that no deletion reaches. */
  readonly copies: readonly KeyringCopy[];
}

/** Failures: `unknown_scope`, `scope_needed` for one that the repository cannot do without. */
export async function planShredding(
  scope: string,
  o: {
    readonly catalog: Catalog;
    readonly keyring: Keyring;
    readonly documents: readonly KeyringDocument[];
    readonly places: readonly KeyringPlace[];
  },
): Promise<ShredPlan> {
  const keys = o.keyring.scopes.get(scope);
  if (keys === undefined) throw new Failure('unknown_scope', { scope });
  if (neverShredded.includes(scope)) throw new Failure('scope_needed', { scope });
  const id = scopeId(o.keyring.root, scope);
  const documents = documentsOf(o.documents, id);
  const ends = await Promise.all(
    o.places.map(async ({ store, prefix }) =>
      (await publishedDocuments(store, prefix, documents)).map(
        ({ lock }) => lock?.retainUntil.getTime() ?? 0,
      ),
    ),
  );
  return {
    scope,
    scopeId: id,
    keys: keys.length,
    shares: await sharesOf(o.catalog, scope),
    pendingUntil: new Date(Math.max(Date.now(), ...ends.flat())),
    copies: await o.catalog.rows<KeyringCopy>('select kind, actor, at from key_exports order by at'),
  };
}

/** From now on nothing is sealed under the scope and its locks are not renewed. */
export async function requestShredding(catalog: Catalog, plan: ShredPlan, actor: string): Promise<void> {
  await catalog.rows(
    `insert into scope_shreddings (scope_id, scope, requested_by, pending_until, state) values ($1, $2, $3, $4, 'pending')
     on conflict (scope_id) do update set requested_at = now(), requested_by = excluded.requested_by,
       pending_until = excluded.pending_until, state = 'pending' where scope_shreddings.state = 'cancelled'`,
    [plan.scopeId, plan.scope, actor, plan.pendingUntil],
  );
}

/** Takes a shredding back and renews the locks at once. Failure `no_shredding` when none is pending. */
export async function cancelShredding(
  scope: string,
  o: {
    readonly catalog: Catalog;
    readonly documents: readonly KeyringDocument[];
    readonly places: readonly KeyringPlace[];
  },
): Promise<void> {
  const [row] = await o.catalog.rows<{ id: Id }>(
    `update scope_shreddings set state = 'cancelled' where scope = $1 and state = 'pending' returning scope_id as id`,
    [scope],
  );
  if (row === undefined) throw new Failure('no_shredding', { scope });
  const documents = documentsOf(o.documents, row.id);
  for (const { store, prefix, lock } of o.places) await publishKeyring(store, prefix, documents, lock);
}

/** What became of one pending shredding. */
export interface ShredProgress extends Deletion {
  readonly scope: string;
  readonly scopeId: Id;
  readonly isDone: boolean;
}

/**
 * Deletes the key documents of scopes that are to be shredded, as far as their locks have ended, in every destination. Where
 * nothing is left: the documents in the state folder go too, and the catalog forgets what only it knew. Safe to repeat.
 */
export async function shredDue(o: {
  readonly catalog: Catalog;
  readonly home: string;
  readonly documents: readonly KeyringDocument[];
  readonly places: readonly DeletingPlace[];
}): Promise<ShredProgress[]> {
  const progress: ShredProgress[] = [];
  for (const shredding of await shreddings(o.catalog)) {
    if (shredding.state === 'pending') progress.push(await shredOne(o, shredding));
    // Also of those done earlier: names of files that lay in their source then may be forgotten now.
    if (shredding.state === 'done' || progress.at(-1)?.isDone) await forget(o.catalog, shredding.scope);
  }
  return progress;
}

async function shredOne(
  o: Parameters<typeof shredDue>[0],
  { scope, scopeId: id }: Shredding,
): Promise<ShredProgress> {
  const deletion = await deleteAll(o.places, `keys/scope/${id}/`);
  const isDone = isComplete(deletion);
  if (isDone) {
    for (const { name } of documentsOf(o.documents, id)) await removeDocument(o.home, name);
    await o.catalog.rows(`update scope_shreddings set state = 'done' where scope_id = $1`, [id]);
  }
  return { scope, scopeId: id, isDone, ...deletion };
}

async function forget(catalog: Catalog, scope: string): Promise<void> {
  await catalog.rows('select * from forget_scope($1)', [scope]);
}

const documentsOf = (documents: readonly KeyringDocument[], id: Id): KeyringDocument[] =>
  documents.filter(({ name }) => name.startsWith('keys/scope/') && scopeIdOf(name) === id);

/** What rests on objects of the scope, by source. */
async function sharesOf(catalog: Catalog, scope: string): Promise<ScopeShare[]> {
  const rows = await catalog.rows<{
    source: string;
    files: string;
    versions: string;
    bytes: string;
    inSource: string;
  }>(
    `with covered as (
       select distinct v.id, v.entry_id, v.size_bytes from versions v
       join placements p on p.version_id = v.id and p.state = 'committed'
       join objects o on o.id = p.object_id where o.scope = $1)
     select s.name as source, count(distinct c.entry_id) as files, count(*) as versions, sum(c.size_bytes) as bytes,
            count(distinct c.entry_id) filter (where h.outcome not in ('deleted', 'vanished')) as "inSource"
     from covered c join entries e on e.id = c.entry_id join sources s on s.id = e.source_id
     left join versions h on h.id = e.head_version_id
     group by s.name order by s.name`,
    [scope],
  );
  return rows.map(({ source, files, versions, bytes, inSource }) => ({
    source,
    files: Number(files),
    versions: Number(versions),
    bytes: Number(bytes),
    inSource: Number(inSource),
  }));
}
