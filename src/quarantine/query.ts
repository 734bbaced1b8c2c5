/** What the catalog knows of quarantined content. */
import type { Catalog } from '../catalog/catalog.ts';
import type { QuarantineAction, QuarantineCopyRow } from '../catalog/rows.ts';
import type { Id } from '../domain/records.ts';

/** The sealed copy that is on record for a quarantine, if there is one. */
export async function copyOf(catalog: Catalog, id: Id): Promise<QuarantineCopyRow | undefined> {
  const [row] = await catalog.rows<QuarantineCopyRow>(
    `select id, version_id as "versionId", host_id as "hostId", sealing_id as "sealingId",
            sealed_length as "sealedLength", sealed_sha256 as "sealedSha256" from quarantine_copies where id = $1`,
    [id],
  );
  return row;
}

export async function actionOf(catalog: Catalog, id: Id): Promise<QuarantineAction | undefined> {
  const [row] = await catalog.rows<{ action: QuarantineAction }>(
    'select action from quarantine where id = $1',
    [id],
  );
  return row?.action;
}

/** The exception under which content is left alone although this signature finds it. */
export async function exceptionOf(
  catalog: Catalog,
  sha512: Buffer,
  signature: string,
): Promise<Id | undefined> {
  const [row] = await catalog.rows<{ id: Id }>(
    `select id from infection_exceptions where sha512 = $1 and signature = $2 and revoked_at is null
     order by granted_at limit 1`,
    [sha512, signature],
  );
  return row?.id;
}

/** Of each copy that is known: the SHA-256 of its sealed bytes, or that a person ended it. */
export async function copyStates(catalog: Catalog, ids: readonly Id[]): Promise<Map<Id, Buffer | 'ended'>> {
  const rows = await catalog.rows<{ id: Id; sealedSha256: Buffer; isEnded: boolean }>(
    `select c.id, c.sealed_sha256 as "sealedSha256", e.id is not null as "isEnded"
     from quarantine_copies c left join quarantine_ends e on e.id = c.id where c.id = any($1)`,
    [ids],
  );
  return new Map(rows.map(({ id, sealedSha256, isEnded }) => [id, isEnded ? 'ended' : sealedSha256]));
}
