import type { Catalog } from '../catalog/catalog.ts';
import { catalogNow } from '../catalog/retention-query.ts';
import { Failure, isFailure } from '../domain/failures.ts';
import { mostClockSkewMs } from '../domain/retention.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** The clocks that count. */
export interface Clocks {
  /** The catalog's: versions are dated by it. */
  readonly catalog: Date;
  /** By destination, those that answer: locks are counted by them. */
  readonly destinations: ReadonlyMap<string, Date>;
}

/**
 * Asks every clock that retention goes by, and refuses to go on unless they agree with this machine's: with a wrong one,
 * what must stay would count as old. A destination that is down is left out; where all are, `s3_unavailable`.
 * Failure `clock_skew`.
 */
export async function agreeingClocks(
  catalog: Catalog,
  destinations: ReadonlyMap<string, { readonly store: Pick<ObjectStore, 'facts'> }>,
): Promise<Clocks> {
  const found = new Map<string, Date>();
  let down: unknown;
  for (const [name, { store }] of destinations) {
    try {
      const { serverTime, clockSkewMs } = await store.facts();
      requireAgreement(name, serverTime, clockSkewMs);
      found.set(name, serverTime);
    } catch (error) {
      if (!isFailure(error, 's3_unavailable')) throw error;
      down = error;
    }
  }
  if (found.size === 0 && down !== undefined) throw down;
  const now = await catalogNow(catalog);
  requireAgreement('the catalog (Postgres)', now, now.getTime() - Date.now());
  return { catalog: now, destinations: found };
}

function requireAgreement(name: string, theirs: Date, skewMs: number): void {
  if (Math.abs(skewMs) <= mostClockSkewMs) return;
  const here = new Date(theirs.getTime() - skewMs);
  throw new Failure('clock_skew', { name, theirs: theirs.toISOString(), here: here.toISOString() });
}
