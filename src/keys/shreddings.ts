import type { Catalog } from '../catalog/catalog.ts';
import type { Id } from '../domain/records.ts';

/** A scope whose keys are to go, or are gone. */
export interface Shredding {
  readonly scopeId: Id;
  readonly scope: string;
  readonly requestedAt: Date;
  readonly requestedBy: string;
  /** When the last lock on one of its documents ends, as known when it was asked for. */
  readonly pendingUntil: Date;
  readonly state: 'pending' | 'done';
}

/** Those that were not taken back, oldest first. */
export function shreddings(catalog: Catalog): Promise<Shredding[]> {
  return catalog.rows<Shredding>(
    `select scope_id as "scopeId", scope, requested_at as "requestedAt", requested_by as "requestedBy",
            pending_until as "pendingUntil", state
     from scope_shreddings where state <> 'cancelled' order by requested_at`,
  );
}

/** Ids of the scopes whose documents are not renewed any more. */
export async function shreddingScopes(catalog: Catalog): Promise<ReadonlySet<Id>> {
  return new Set((await shreddings(catalog)).map(({ scopeId }) => scopeId));
}
