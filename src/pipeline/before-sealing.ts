import type { OpenIntent } from '../catalog/catalog.ts';
import { intentElsewhere } from '../catalog/several-query.ts';
import type { Destination, PipelineContext } from './context.ts';
import type { ScannedVersion } from './policy-input.ts';

/** Why policy wants a human to look at content that could not be scanned; undefined if it may go on. */
export function heldByVerdict({ verdict, admission }: ScannedVersion): string | undefined {
  if (verdict.state !== 'not_scanned' || verdict.reason === undefined) return undefined;
  if (verdict.reason === 'not_required') return undefined;
  return admission.scan.notScanned[verdict.reason] === 'allow' ? undefined : `not_scanned_${verdict.reason}`;
}

/** The newest intent of this version for the destination, and the sealing that a next one gets. */
export interface LastIntent {
  readonly open: OpenIntent | undefined;
  /** An IV that may have covered other bytes is never used again. */
  readonly nextGeneration: number;
  /** What the bytes of that generation are, where another destination was told of them already; small content only. */
  readonly sealedSha256?: Buffer | undefined;
}

/** One sealing serves all destinations, unless one of them has done with it. */
export async function lastIntent(
  context: PipelineContext,
  version: ScannedVersion,
  destination: Destination,
): Promise<LastIntent> {
  const { name } = destination.config;
  const last = await context.catalog.intentOf(version.id, name);
  const own = last === undefined ? 0 : last.generation + 1;
  if (last?.state === 'open') return { open: last, nextGeneration: own };
  const other =
    version.elsewhere === undefined ? undefined : await intentElsewhere(context.catalog, version.id, name);
  if (other === undefined || other.generation < own) return { open: undefined, nextGeneration: own };
  // A message comes out otherwise each time: its sealing cannot serve again.
  if (other.state === 'aborted' || version.admission.format === 'openpgp')
    return { open: undefined, nextGeneration: other.generation + 1 };
  const sealedSha256 = other.sealedSha256 ?? undefined;
  return { open: undefined, nextGeneration: other.generation, sealedSha256 };
}
