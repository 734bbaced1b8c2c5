import type { Catalog } from '../catalog/catalog.ts';
import { type MissingCopies, missingCopies } from '../catalog/replicate-query.ts';
import type { DestinationConfig } from '../config.ts';

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
      const since = oldestAt === null ? '' : `, the oldest since ${timeText(oldestAt)}`;
      warnings.push(
        `${planned} versions have no copy in ${destination} yet${since}: they get it as soon as it answers. Which: \`holdfast files --lacking ${destination}\``,
      );
    }
    if (never > 0) {
      warnings.push(
        `${never} versions were never meant for ${destination}, or are older than it: \`holdfast replicate ${other} ${destination}\` copies them.`,
      );
    }
    return warnings;
  });
}
