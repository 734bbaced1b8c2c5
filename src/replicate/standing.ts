import type { Catalog } from '../catalog/catalog.ts';
import { type MissingCopies, missingCopies } from '../catalog/replicate-query.ts';
import type { DestinationConfig } from '../config.ts';
import { say } from '../text/voice.ts';

/** What each destination lacks; none where there is only one. */
export async function copiesStanding(
  catalog: Catalog,
  destinations: readonly DestinationConfig[],
): Promise<MissingCopies[]> {
  if (destinations.length < 2) return [];
  return missingCopies(
    catalog,
    destinations.map(({ name }) => name),
  );
}

/** One sentence for each thing a destination lacks, with what to do. */
export function copiesWarnings(standing: readonly MissingCopies[], timeText: (at: Date) => string): string[] {
  return standing.flatMap(({ destination, planned, oldestAt, never }) => {
    const other = standing.find((each) => each.destination !== destination)?.destination ?? '';
    const warnings: string[] = [];
    if (planned > 0) {
      const since = oldestAt === null ? '' : say('warnings', 'oldest_since', { at: timeText(oldestAt) });
      warnings.push(say('warnings', 'copies_planned', { count: planned, destination, since }));
    }
    if (never > 0) {
      warnings.push(say('warnings', 'copies_never', { count: never, destination, other }));
    }
    return warnings;
  });
}
