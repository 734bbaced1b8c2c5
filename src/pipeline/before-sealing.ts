import type { OpenIntent } from '../catalog/catalog.ts';
import type { Destination, PipelineContext } from './context.ts';
import type { ScannedVersion } from './policy-input.ts';

/** Why policy wants a human to look at content that could not be scanned; undefined if it may go on. */
export function heldByVerdict({ verdict, admission }: ScannedVersion): string | undefined {
  if (verdict.state !== 'not_scanned' || verdict.reason === undefined) return undefined;
  if (verdict.reason === 'not_required') return undefined;
  return admission.scan.notScanned[verdict.reason] === 'allow' ? undefined : `not_scanned_${verdict.reason}`;
}

/** The newest intent of this version for the destination, and the generation a next sealing gets. */
export interface LastIntent {
  readonly open: OpenIntent | undefined;
  /** An IV that may have covered other bytes is never used again. */
  readonly nextGeneration: number;
}

export async function lastIntent(
  context: PipelineContext,
  version: ScannedVersion,
  destination: Destination,
): Promise<LastIntent> {
  const last = await context.catalog.intentOf(version.id, destination.config.name);
  return {
    open: last?.state === 'open' ? last : undefined,
    nextGeneration: last === undefined ? 0 : last.generation + 1,
  };
}
