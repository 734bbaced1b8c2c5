import type { Logger } from 'pino';
import type { Refusal } from '../audit/refusals.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import type { FailPoints } from '../pipeline/fail-points.ts';
import type { PolicyEngine } from '../policy/engine.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** A destination as whoever writes into it may use it: it locks and holds, it cannot delete. */
export interface RetainedDestination {
  readonly store: ObjectStore;
  /** How long everything in it is locked at least. */
  readonly lockDays: number;
}

/** What retention works with. */
export interface RetentionContext {
  readonly catalog: Catalog;
  readonly ids: Ids;
  readonly hostId: Id;
  readonly policy: Pick<PolicyEngine, 'retentionClasses'>;
  /** By name. */
  readonly destinations: ReadonlyMap<string, RetainedDestination>;
  /** The destinations as the retention role sees them, which deletes and can do nothing else; the caller closes them. */
  openDeleting(): Promise<ReadonlyMap<string, ObjectStore>>;
  /** Puts on record that this process was refused a right that it needs. */
  noteRefusal(refusal: Refusal): void;
  readonly failPoints: FailPoints;
  readonly log: Logger;
}
