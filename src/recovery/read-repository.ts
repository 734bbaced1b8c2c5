import type { DatabaseSync } from 'node:sqlite';
import { Failure } from '../domain/failures.ts';
import { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import type { KeyringDocument } from '../keys/keyring-files.ts';
import type { Keyring } from '../keys/open-keyring.ts';
import { RepositoryKeys } from '../keys/repository-keys.ts';
import type { SessionKeyFinder } from '../openpgp/open-message.ts';
import { hostPublicKeys } from '../write-only/host-keys.ts';
import { type Adoption, adoptUnlisted } from './adopt.ts';
import { adoptFromPacks } from './adopt-packs.ts';
import type { Bucket } from './bucket.ts';
import { type ChainGap, type ChainLink, chainGaps } from './chain.ts';
import { type KnownHead, type NotedHeads, type Rollback, rollbackOf } from './heads.ts';
import { openAnyKeyring, readKeyringDocuments } from './keyring.ts';
import { type Listing, listVersions } from './list-versions.ts';
import { locateObjects } from './locate.ts';
import { type FoundHead, type ManifestsRead, newestHead, readManifests } from './read-manifests.ts';
import { type Unreadable, UnreadableCount } from './unreadable.ts';
import { VersionRecorder } from './version-recorder.ts';

/** How far a long reading is; `total` is missing where it is not known beforehand. */
export interface ReadingProgress {
  readonly phase: 'list' | 'keyring' | 'manifests' | 'packs' | 'adopt' | 'locate';
  readonly done: number;
  readonly total?: number;
}

export interface ReadRequest {
  readonly bucket: Bucket;
  /** The bucket's name, for what is said about it. */
  readonly bucketName: string;
  /** Undefined: whichever the password opens. */
  readonly repositoryId?: Id;
  readonly password: Buffer;
  /** What opens OpenPGP messages; undefined where nothing was given that could. */
  readonly messageKeys?: SessionKeyFinder | undefined;
  /** Documents known from elsewhere than the bucket. */
  readonly localDocuments?: readonly KeyringDocument[];
  /** Newest manifests as the caller knows them, by the source's name or id. */
  readonly expectedHeads: ReadonlyMap<string, KnownHead>;
  /** Those that an installation noted down count for its own repository only. */
  readonly notedHeads: NotedHeads;
  readonly onProgress: (progress: ReadingProgress) => void;
}

/** One source as it was found in the bucket. */
export interface FoundSource {
  readonly id: Id;
  /** As its manifests give it; its id where no manifest is there. */
  readonly name: string;
  readonly head: FoundHead | undefined;
  readonly gaps: readonly ChainGap[];
  readonly rollback: Rollback;
  /** Entries that stand, by their newest version. */
  readonly entries: number;
  /** Entries whose newest protected version has lost its object, and an earlier one is there. */
  readonly older: number;
  /** Entries that were protected and of which no version's object is there. */
  readonly lost: number;
}

export interface RepositoryRead {
  readonly keyring: Keyring;
  readonly keys: RepositoryKeys;
  readonly ids: Ids;
  /** Every version of every keyring document in the bucket. */
  readonly documents: readonly KeyringDocument[];
  readonly listing: Listing;
  readonly manifests: ManifestsRead;
  readonly adoption: Adoption;
  readonly unreadable: readonly Unreadable[];
  readonly refusedDocuments: number;
  readonly sources: readonly FoundSource[];
}

/**
 * Reads a whole repository back from its bucket into the scratch database: all that manifests and sealed files say, as far
 * as they authenticate. Failures: the store's, `no_repository`, the keyring's (exit code 6), `interrupted`.
 */
export async function readRepository(db: DatabaseSync, request: ReadRequest): Promise<RepositoryRead> {
  const { bucket, onProgress } = request;
  const at = (phase: ReadingProgress['phase']) => (done: number, total?: number) =>
    onProgress({ phase, done, ...(total === undefined ? {} : { total }) });

  const listing = await listVersions(db, bucket, at('list'));
  at('keyring')(0);
  const { documents, tooLong } = await readKeyringDocuments(db, bucket);
  const all = [...(request.localDocuments ?? []), ...documents];
  if (all.length === 0) throw nothingThere(request, listing);
  const keyring = await openAnyKeyring(all, request.repositoryId, request.password);
  const keys = new RepositoryKeys(keyring);
  const ids = new Ids(keyring.root.pathId);
  const recorder = new VersionRecorder(db, ids);
  const unreadable = new UnreadableCount();
  const keyById = (id: Buffer) => keys.byId(id);
  const hosts = hostPublicKeys(all, keyring.root);

  const manifests = await readManifests({
    db,
    bucket,
    keyById,
    signed: { publicKeyOf: (host) => hosts.get(host), messageKeys: request.messageKeys },
    recorder,
    unreadable,
    onProgress: at('manifests'),
  });
  const adopting = { db, bucket, keys, recorder, unreadable };
  const fromPacks = await adoptFromPacks({ ...adopting, onProgress: at('packs') });
  const adoption = sum(fromPacks, await adoptUnlisted({ ...adopting, onProgress: at('adopt') }));
  await locateObjects({ db, bucket, keys, onProgress: at('locate') });
  return {
    keyring,
    keys,
    ids,
    documents,
    listing,
    manifests,
    adoption,
    unreadable: unreadable.list(),
    refusedDocuments: tooLong + keyring.problems.length,
    sources: sourcesOf(db, ids, knownHeads(request, keyring.root.repositoryId)),
  };
}

const sum = (a: Adoption, b: Adoption): Adoption => ({
  adopted: a.adopted + b.adopted,
  superfluous: a.superfluous + b.superfluous,
  garbage: a.garbage + b.garbage,
  messages: a.messages + b.messages,
});

/** No keyring: says what was looked for, and where one was seen instead. */
function nothingThere({ bucket, bucketName }: ReadRequest, { versions, prefixesSeen }: Listing): Failure {
  const seen =
    prefixesSeen.length === 0 ? '' : ` A keyring was seen under --prefix ${prefixesSeen.join(', ')}.`;
  return new Failure('no_repository', {
    bucket: bucketName,
    looked: bucket.prefix === '' ? 'keys/root/' : `${bucket.prefix}/keys/root/`,
    versions,
    seen,
  });
}

function knownHeads({ expectedHeads, notedHeads }: ReadRequest, repository: Id): Map<string, KnownHead> {
  const noted = notedHeads.repositoryId === repository ? notedHeads.heads : [];
  return new Map([...noted, ...expectedHeads]);
}

/** The sources found, and those that are known from elsewhere and of which nothing was found. */
function sourcesOf(db: DatabaseSync, ids: Ids, knownHeads: ReadonlyMap<string, KnownHead>): FoundSource[] {
  const found = db
    .prepare(
      `select id, name from source
       union all select distinct source, source from entry where source not in (select id from source) order by 2`,
    )
    .all() as unknown as { id: Id; name: string }[];
  const unfound = [...knownHeads.keys()]
    .map((given) => ({ id: /^[0-9a-f]{32}$/.test(given) ? given : ids.source(given), name: given }))
    .filter(({ id }) => !found.some((source) => source.id === id));
  return [...found, ...unfound].map(({ id, name }) => {
    const head = newestHead(db, id);
    const known = knownHeads.get(name) ?? knownHeads.get(id);
    return {
      id,
      name,
      head,
      gaps: gapsOf(db, id),
      rollback: rollbackOf(db, id, head, known),
      ...standing(db, id),
    };
  });
}

function gapsOf(db: DatabaseSync, source: Id): ChainGap[] {
  const links = db
    .prepare(
      `select number, sha256, previous as "previousSha256", kind, part, last from manifest
       where source = ? order by number`,
    )
    .all(source) as unknown as (Omit<ChainLink, 'last'> & { last: 0 | 1 })[];
  return chainGaps(links.map((link) => ({ ...link, last: link.last === 1 })));
}

function standing(db: DatabaseSync, source: Id): Pick<FoundSource, 'entries' | 'older' | 'lost'> {
  const row = db
    .prepare(
      `select count(*) as entries,
              count(*) filter (where g.standing = 0 and there) as older,
              count(*) filter (where g.standing = 0 and not there) as lost
       from (
         select e.id, exists (select 1 from version where entry = e.id and standing = 1) as there
         from entry e
         join version h on h.id = (select id from version where entry = e.id order by observation desc limit 1)
         where e.source = ? and h.outcome <> 'deleted'
       ) e
       left join version g on g.id =
         (select id from version where entry = e.id and standing is not null order by observation desc limit 1)`,
    )
    .get(source);
  return row as unknown as Pick<FoundSource, 'entries' | 'older' | 'lost'>;
}
