/** Where a trail begins anew after its catalog was lost and rebuilt: docs/audit.md section 8. */
import { z } from 'zod';
import type { Catalog } from '../catalog/catalog.ts';
import { readFact, type Statements, writeFact } from '../catalog/installation-fact.ts';
import { canonical } from '../domain/canonical.ts';
import { isFailure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { type AnchorPlace, numberAfterAnchors } from './found-anchors.ts';
import { type AuditPublicKey, type AuditSigner, isSigned } from './keys.ts';

const id = z.string().regex(/^[0-9a-f]{32}$/);
const beginningSchema = z.strictObject({
  v: z.literal(1),
  repository: id,
  /** Number of the first head that is held against its anchors. */
  begin: z.int().min(1),
  /** ISO 8601 UTC with milliseconds. */
  at: z.iso.datetime({ precision: 3 }),
  /** The run that rebuilt the catalog. */
  run: id,
  /** The key that signs it. */
  key: id,
  signature: z.string(),
});

export type Beginning = z.infer<typeof beginningSchema>;

const factName = 'audit_beginning';
const context = 'holdfast/1/audit beginning';

/**
 * Signs and records where the trail of a rebuilt catalog begins: with the head it begins with already, else after the
 * highest that is anchored. A destination that does not answer is left out; anchors that only it has are found `lost`.
 */
export async function recordBeginning(
  catalog: Catalog,
  signer: AuditSigner,
  places: readonly AnchorPlace[],
  { repository, run }: { readonly repository: Id; readonly run: Id },
): Promise<Beginning> {
  const begin = (await firstHead(catalog)) ?? (await numberAfterReachable(places));
  const told = { v: 1, repository, begin, at: new Date().toISOString(), run, key: signer.id } as const;
  const signature = signer.sign(context, canonical(told)).toString('base64url');
  const beginning = { ...told, signature };
  await writeFact(catalog, factName, beginning);
  return beginning;
}

/** Undefined where none was recorded, or none that a key of the repository has signed: the database's owner has none. */
export async function readBeginning(
  catalog: Statements,
  repository: Id,
  keys: readonly AuditPublicKey[],
): Promise<Beginning | undefined> {
  const found = beginningSchema.safeParse((await readFact(catalog, factName))?.value).data;
  if (found === undefined || found.repository !== repository) return undefined;
  const { signature, ...told } = found;
  const key = keys.find((known) => known.id === told.key);
  const isOurs =
    key !== undefined && isSigned(key, context, canonical(told), Buffer.from(signature, 'base64url'));
  return isOurs ? found : undefined;
}

async function firstHead(catalog: Catalog): Promise<number | undefined> {
  const [row] = await catalog.rows<{ number: number | null }>(
    'select min(number) as number from audit_heads',
  );
  return row?.number ?? undefined;
}

async function numberAfterReachable(places: readonly AnchorPlace[]): Promise<number> {
  let highest = 1;
  for (const place of places) {
    try {
      highest = Math.max(highest, await numberAfterAnchors([place]));
    } catch (error) {
      if (!isFailure(error, 's3_unavailable')) throw error;
    }
  }
  return highest;
}
