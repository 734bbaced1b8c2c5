import type { ReportRow } from '../../report/rows.ts';
import { say } from '../../text/voice.ts';
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
    const rows = csvRows(usage);
    const lines = new ReportLines(session.output, csv, Object.keys(rows[0] ?? {}));
    for (const row of rows) lines.add(row);
    lines.end('');
  });
}

export function usageText({ sources, destinations }: Usage): string {
  if (sources.length === 0) return say('reports', 'no_source');
  const all = destinations.map(({ destination, objects, bytes: stored, lockedUntil }) =>
    say('reports', 'holds', {
      destination: printable(destination),
      bytes: bytes(stored),
      objects,
      locked: lockedText(lockedUntil),
    }),
  );
  return [...sources.map(sourceText), ...(all.length === 0 ? [] : [all.join('\n')])].join('\n\n');
}

function sourceText({ source, files, versions, readBytes, destinations }: SourceUsage): string {
  return [
    say('reports', 'source', { source: printable(source), files, versions, bytes: bytes(readBytes) }),
    ...destinations.flatMap(placedLines),
    ...(destinations.length === 0 ? [say('reports', 'nothing_stored')] : []),
  ].join('\n  ');
}

function placedLines(placed: PlacedUsage): string[] {
  const { sharedVersions, savedBytes, packedVersions, olderBytes, unneededBytes, freedNextBytes } = placed;
  const lines = [
    say('reports', 'placed', {
      destination: printable(placed.destination),
      bytes: bytes(placed.storedBytes),
      versions: placed.versions,
      locked: lockedText(placed.lockedUntil),
    }),
    `  ${say('reports', 'shared', { shared: sharedVersions, saved: bytes(savedBytes), packed: packedVersions })}`,
    `  ${say('reports', 'older', { bytes: bytes(olderBytes) })}`,
  ];
  if (unneededBytes > 0)
    lines.push(
      `  ${say('reports', 'unneeded', { bytes: bytes(unneededBytes), freed: bytes(freedNextBytes) })}`,
    );
  if (placed.months.length > 1)
    lines.push(
      `  ${say('reports', 'locked_until')}`,
      ...table(
        placed.months.map(({ month, storedBytes }) => [`    ${month}`, bytes(storedBytes)]),
        [1],
      ).split('\n'),
    );
  return lines;
}

const lockedText = (until: Date | null): string =>
  until === null ? '' : say('reports', 'locked_latest', { until: localTime(until) });

function csvRows({ sources }: Usage): ReportRow[] {
  return sources.flatMap(({ destinations, ...files }) =>
    destinations.map(({ months: _, versions: placedVersions, ...placed }) => ({
      ...files,
      ...placed,
      placedVersions,
    })),
  );
}
