import { arrayParameter } from '../catalog/array-parameter.ts';
import type { Catalog, StoredObject } from '../catalog/catalog.ts';
import type { Id, LockMode } from '../domain/records.ts';

/** What keeps sealed files of one content apart that cannot stand in for each other. */
export interface Wanted {
  readonly sha512: Buffer;
  readonly scope: string;
  readonly format: string;
  readonly destination: string;
  readonly lockMode: LockMode;
}

export const wantedKey = ({ sha512, scope, format, destination, lockMode }: Wanted): string =>
  JSON.stringify([sha512.toString('hex'), scope, format, destination, lockMode]);

/** For each of what is wanted the live object that is locked longest, where there is one; by {@link wantedKey}, with others of these contents. */
export async function objectsOf(
  catalog: Catalog,
  wanted: readonly Wanted[],
): Promise<Map<string, StoredObject>> {
  if (wanted.length === 0) return new Map();
  const found = await catalog.rows<StoredObject & { sha512: Buffer }>(
    `select distinct on (f.sha512, o.scope, o.format, o.destination, o.lock_mode) f.sha512,
            o.id, o.destination, o.key, o.s3_version_id as "s3VersionId", f.byte_offset as offset, f.length,
            f.sealing_id as "sealingId", s.key_id as "keyId", o.scope, o.format, o.lock_mode as "lockMode",
            o.retain_until as "retainUntil"
     from (select o.id, o.sealing_id, o.sha512, 0::bigint as byte_offset, o.length from objects o
           where o.sha512 = any($1) and o.pack_id is null
           union all
           select o.id, m.sealing_id, m.sha512, m.byte_offset, m.length
           from pack_members m join objects o on o.pack_id = m.pack_id where m.sha512 = any($1)) f
     join objects o on o.id = f.id join sealings s on s.id = f.sealing_id
     where o.state = 'live' and coalesce(o.check_result, 'ok') = 'ok'
     order by f.sha512, o.scope, o.format, o.destination, o.lock_mode, o.retain_until desc`,
    [
      arrayParameter(
        'bytea',
        wanted.map(({ sha512 }) => sha512),
      ),
    ],
  );
  return new Map(found.map((object) => [wantedKey(object), object]));
}

/** Claims the making of each for 15 minutes; gives those that nobody else is making now, by {@link wantedKey}. */
export async function reserveAll(
  catalog: Catalog,
  claims: readonly (Wanted & { readonly versionId: Id })[],
): Promise<Set<string>> {
  if (claims.length === 0) return new Set();
  const found = await catalog.rows<{ position: number }>(
    `with claims as (
       select * from unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[]) with ordinality
         as c(sha512, scope, format, destination, version_id, position)
     ), made as (
       insert into reservations as r (sha512, scope, format, destination, version_id, expires_at)
       select distinct on (sha512, scope, format, destination) sha512, scope, format, destination, version_id,
              now() + interval '15 minutes'
       from claims order by sha512, scope, format, destination
       on conflict (sha512, scope, format, destination) do update
         set version_id = excluded.version_id, expires_at = excluded.expires_at
         where r.expires_at < now() or r.version_id = excluded.version_id
       returning r.version_id, r.destination
     )
     select c.position from claims c join made using (version_id, destination)`,
    [
      arrayParameter(
        'bytea',
        claims.map(({ sha512 }) => sha512),
      ),
      ...(['scope', 'format', 'destination', 'versionId'] as const).map((member) =>
        arrayParameter(
          'text',
          claims.map((claim) => claim[member]),
        ),
      ),
    ],
  );
  return new Set(
    found.flatMap(({ position }) => {
      const claim = claims[position - 1];
      return claim === undefined ? [] : [wantedKey(claim)];
    }),
  );
}

/** What earlier tries have used up of versions: the next generation of a sealing, and how often release was asked. */
export interface UsedUp {
  readonly generation: number;
  readonly asked: number;
}

/** By version id; of those that were never sealed nothing. Staged bytes have generations of their own, from a million on. */
export async function usedUp(catalog: Catalog, versionIds: readonly Id[]): Promise<Map<Id, UsedUp>> {
  if (versionIds.length === 0) return new Map();
  const found = await catalog.rows<UsedUp & { id: Id }>(
    `select v.id, coalesce((select max(s.generation) + 1 from sealings s where s.version_id = v.id and s.generation < 1000000), 0) as generation,
            (select count(*) from decisions d where d.version_id = v.id and d.gate = 'release') as asked
     from unnest($1::text[]) as v(id)`,
    [versionIds],
  );
  return new Map(found.map((row) => [row.id, row]));
}
