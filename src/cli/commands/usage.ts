import type { ReportRow } from '../../report/rows.ts';
import { type PlacedUsage, readUsage, type SourceUsage, type Usage } from '../../usage/usage.ts';
import { bytes, localTime, printable, table } from '../output.ts';
import { ReportLines } from '../report-lines.ts';
import { type Session, withCatalog } from '../session.ts';
import { requireSource } from '../target.ts';

/** Prints what is kept, where and until when; as text, one JSON object, or CSV with a line for each destination. */
export async function runUsage(
  session: Session,
  source: string | undefined,
  { csv = false }: { readonly csv?: boolean },
): Promise<void> {
  await withCatalog(session, async (catalog) => {
    const sourceId = source === undefined ? undefined : await requireSource(catalog, source);
    const usage = await readUsage(catalog, sourceId);
    if (!csv || session.output.json) return session.output.result(usage, () => usageText(usage));
    const lines = new ReportLines(session.output, csv);
    for (const row of csvRows(usage)) lines.add(row);
    lines.end('');
  });
}

export function usageText({ sources, destinations }: Usage): string {
  if (sources.length === 0) return 'No source was ever looked at.';
  const all = destinations.map(
    ({ destination, objects, bytes: stored, lockedUntil }) =>
      `${printable(destination)} holds ${bytes(stored)} in ${objects} objects${lockedText(lockedUntil)}.`,
  );
  return [...sources.map(sourceText), ...(all.length === 0 ? [] : [all.join('\n')])].join('\n\n');
}

function sourceText({ source, files, versions, readBytes, destinations }: SourceUsage): string {
  return [
    `${printable(source)}: ${files} files, ${versions} versions of ${bytes(readBytes)} in all`,
    ...destinations.flatMap(placedLines),
    ...(destinations.length === 0 ? ['Nothing is stored.'] : []),
  ].join('\n  ');
}

function placedLines(placed: PlacedUsage): string[] {
  const { sharedVersions, savedBytes, packedVersions, olderBytes, unneededBytes, freedNextBytes } = placed;
  const lines = [
    `${printable(placed.destination)}: ${bytes(placed.storedBytes)} for ${placed.versions} versions${lockedText(placed.lockedUntil)}`,
    `  ${sharedVersions} share what is stored, which saves ${bytes(savedBytes)}; ${packedVersions} lie in packs`,
    `  ${bytes(olderBytes)} are of earlier states only: \`holdfast retention plan\` says when they go`,
  ];
  if (unneededBytes > 0)
    lines.push(
      `  nothing needs ${bytes(unneededBytes)} any more: ${bytes(freedNextBytes)} go with the next run of retention, the rest when their locks end`,
    );
  if (placed.months.length > 1)
    lines.push(
      '  locked until',
      ...table(
        placed.months.map(({ month, storedBytes }) => [`    ${month}`, bytes(storedBytes)]),
        [1],
      ).split('\n'),
    );
  return lines;
}

const lockedText = (until: Date | null): string =>
  until === null ? '' : `, locked until ${localTime(until)} at the latest`;

function csvRows({ sources }: Usage): ReportRow[] {
  return sources.flatMap(({ destinations, ...files }) =>
    destinations.map(({ months: _, versions: placedVersions, ...placed }) => ({
      ...files,
      ...placed,
      placedVersions,
    })),
  );
}
