import type { Id } from '../domain/records.ts';
import type { UpkeepMetrics } from '../observability/metrics/upkeep.ts';
import { destinationOf, type PipelineContext } from '../pipeline/context.ts';
import { type ScannedVersion, scanned } from '../pipeline/policy-input.ts';
import { towards } from '../pipeline/several.ts';
import type { HeldFile } from './held.ts';

/** What looking after holds works with. */
export interface HoldDeps {
  readonly context: PipelineContext;
  readonly repository: Id;
  /** How long a hold waits for a decision. */
  readonly expiresMs: number;
  /** How often whoever approves is reminded. */
  readonly remindEveryMs: number;
  readonly metrics: Pick<UpkeepMetrics, 'holdReminded'>;
}

/** The held version as its destination is to get it. What is written of it answers no hint: it was looked at long ago. */
export async function heldVersion({ context }: HoldDeps, held: HeldFile): Promise<ScannedVersion> {
  const version = scanned(await context.catalog.version(held.versionId));
  return { ...towards(version, destinationOf(context, held.destination)), hint: 0 };
}
