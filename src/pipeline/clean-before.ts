import { cleanScans } from '../catalog/clean-scans.ts';
import type { Id, ScannerFacts } from '../domain/records.ts';
import { isSameScanner } from '../scanner/scanner.ts';
import type { PipelineContext } from './context.ts';

export interface CleanBefore {
  readonly scanner: ScannerFacts;
  /** The scan that found a content clean, by SHA-512 in hex. */
  readonly scans: ReadonlyMap<string, Id>;
}

/**
 * Which of the contents the very signatures that are loaded now found clean before: none of these need be scanned again.
 * Scanners remember for seconds what is loaded, and new signatures may know what they said is clean: so it is asked again.
 */
export async function cleanBefore(
  { catalog, scanner }: Pick<PipelineContext, 'catalog' | 'scanner'>,
  contents: readonly Buffer[],
): Promise<CleanBefore> {
  const remembered = await scanner.facts();
  const scans = await cleanScans(catalog, remembered, contents);
  if (scans.size === 0) return { scanner: remembered, scans };
  const loaded = await scanner.currentFacts();
  const holds = isSameScanner(remembered, loaded) && !scanner.isStale(loaded);
  return { scanner: loaded, scans: holds ? scans : new Map() };
}
