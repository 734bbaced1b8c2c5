import type { Catalog } from '../catalog/catalog.ts';
import {
  type KeptFiles,
  keptFiles,
  type StoredMonth,
  type StoredObjects,
  storedMonths,
  storedObjects,
  type UnneededObjects,
  unneededBySource,
} from '../catalog/usage-query.ts';
import type { Id } from '../domain/records.ts';

/** What a source has in one destination. Bytes are sealed ones. */
export interface PlacedUsage extends Omit<StoredMonth, 'source' | 'month' | 'lockedUntil'> {
  /** When the last of the locks ends; null where nothing is needed any more. */
  readonly lockedUntil: Date | null;
  /** Of objects that nothing needs any more: retention frees them when their locks end. */
  readonly unneededBytes: number;
  /** Of these, those whose locks have ended: the next run of retention frees them. */
  readonly freedNextBytes: number;
  /** How much is locked until when, by month. */
  readonly months: readonly { readonly month: string; readonly storedBytes: number }[];
}

export interface SourceUsage extends KeptFiles {
  /** By name. Empty where nothing is stored. */
  readonly destinations: readonly PlacedUsage[];
}

export interface Usage {
  /** By name. */
  readonly sources: readonly SourceUsage[];
  /** All sources together, what they share counted once; empty where one source was asked for. */
  readonly destinations: readonly StoredObjects[];
}

/** What is kept, where, and until when it is locked; of one source where its id is given. */
export async function readUsage(catalog: Catalog, sourceId: Id | undefined): Promise<Usage> {
  const [kept, months, unneeded, destinations] = [
    await keptFiles(catalog, sourceId),
    await storedMonths(catalog, sourceId),
    await unneededBySource(catalog, sourceId),
    sourceId === undefined ? await storedObjects(catalog) : [],
  ];
  return {
    sources: kept.map((files) => {
      const of = <Row extends { readonly source: string }>(rows: readonly Row[]): Row[] =>
        rows.filter(({ source }) => source === files.source);
      return { ...files, destinations: placedUsage(of(months), of(unneeded)) };
    }),
    destinations,
  };
}

function placedUsage(
  months: readonly StoredMonth[],
  unneeded: readonly UnneededObjects[],
): readonly PlacedUsage[] {
  const names = new Set([...months, ...unneeded].map(({ destination }) => destination));
  return [...names].sort().map((destination) => {
    const rows = months.filter((row) => row.destination === destination);
    const gone = unneeded.find((row) => row.destination === destination);
    const sum = (count: (row: StoredMonth) => number): number =>
      rows.reduce((total, row) => total + count(row), 0);
    return {
      destination,
      versions: sum((row) => row.versions),
      sharedVersions: sum((row) => row.sharedVersions),
      packedVersions: sum((row) => row.packedVersions),
      storedBytes: sum((row) => row.storedBytes),
      savedBytes: sum((row) => row.savedBytes),
      olderBytes: sum((row) => row.olderBytes),
      lockedUntil: rows.reduce<Date | null>(
        (latest, row) => (latest === null || row.lockedUntil > latest ? row.lockedUntil : latest),
        null,
      ),
      unneededBytes: gone?.bytes ?? 0,
      freedNextBytes: gone?.unlockedBytes ?? 0,
      months: rows.map(({ month, storedBytes }) => ({ month, storedBytes })),
    };
  });
}
