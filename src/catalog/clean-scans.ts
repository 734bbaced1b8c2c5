import type { Id, ScannerFacts } from '../domain/records.ts';
import { arrayParameter } from './array-parameter.ts';
import type { Catalog } from './catalog.ts';

/**
 * The newest `clean` of each content by these signatures, by SHA-512 in hex; other verdicts are never taken over, nor is
 * this one of content that anybody ever found infected.
 */
export async function cleanScans(
  catalog: Catalog,
  { signatureRevision, engine }: ScannerFacts,
  contents: readonly Buffer[],
): Promise<Map<string, Id>> {
  const found = await catalog.rows<{ sha512: Buffer; id: Id }>(
    `select c.sha512, s.id from unnest($1::bytea[]) as c(sha512) cross join lateral (
       select id from scans where sha512 = c.sha512 and signature_revision = $2 and engine = $3 and state = 'clean'
       order by at desc limit 1) s
     where not exists (select from scans i where i.sha512 = c.sha512 and i.state = 'infected')`,
    [arrayParameter('bytea', contents), signatureRevision, engine],
  );
  return new Map(found.map(({ sha512, id }) => [sha512.toString('hex'), id]));
}
