import type { ByteBudget } from './byte-budget.ts';
import type { ContentPlace, RestorableFile, RestoreRow } from './restore-index.ts';

const mebibyte = 1024 * 1024;
/** Sealed files that lie next to each other are read with one request up to this many bytes. */
const togetherBytes = 4 * mebibyte;
/** And up to this many bytes of content, where it compressed well. */
const togetherContentBytes = 8 * mebibyte;
/** What lies between two sealed files costs less to read along than a request of its own, up to this many bytes. */
const gapBytes = 64 * 1024;
/** Rows among which neighbours are looked for. */
const windowRows = 1_000;

/** An entry, and the neighbours that its sealed file is read together with; none where it is read by itself. */
export interface Gathered {
  readonly row: RestoreRow;
  readonly neighbours?: Neighbours;
}

/** Sealed files of one object that are read with one request, for as many rows. */
export class Neighbours {
  private readonly place: ContentPlace;
  /** In the object, bytes. */
  private readonly offset: number;
  private readonly length: number;
  private readonly contentBytes: number;
  private users: number;
  private fetched: Promise<Buffer> | undefined;
  private giveBack = (): void => {};

  /** @param files of one object, at least one */
  constructor(files: readonly RestorableFile[]) {
    const places = files.map(({ place }) => place);
    this.place = places[0] as ContentPlace;
    this.offset = Math.min(...places.map(({ offset }) => offset));
    this.length = Math.max(...places.map(({ offset, length }) => offset + length)) - this.offset;
    this.contentBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    this.users = files.length;
  }

  holds(place: ContentPlace): boolean {
    const end = this.offset + this.length;
    return (
      objectOf(place) === objectOf(this.place) &&
      place.offset >= this.offset &&
      place.offset + place.length <= end
    );
  }

  /**
   * The bytes of a sealed file that it holds. The first who asks fetches for all; what they will need for their contents
   * is taken from `memory` too, so that none of them has to wait for more while the others wait for it.
   */
  async read(
    { offset, length }: ContentPlace,
    memory: Pick<ByteBudget, 'take'>,
    fetch: (offset: number, length: number) => Promise<Buffer>,
  ): Promise<Buffer> {
    this.fetched ??= this.fetch(memory, fetch);
    const start = offset - this.offset;
    return (await this.fetched).subarray(start, start + length);
  }

  /** One of its rows is done, whether it read or not. */
  leave(): void {
    if (--this.users > 0) return;
    this.fetched = undefined;
    this.giveBack();
  }

  private async fetch(
    memory: Pick<ByteBudget, 'take'>,
    fetch: (offset: number, length: number) => Promise<Buffer>,
  ): Promise<Buffer> {
    this.giveBack = await memory.take(this.length + this.contentBytes);
    return fetch(this.offset, this.length);
  }
}

/**
 * The rows with their neighbours, in windows: in each what is no file first, then the files so that neighbours follow each
 * other. So those of few places are in memory at once.
 */
export async function* gathered(rows: AsyncIterable<RestoreRow>): AsyncGenerator<Gathered> {
  let window: RestoreRow[] = [];
  for await (const row of rows) {
    window.push(row);
    if (window.length < windowRows) continue;
    yield* gather(window);
    window = [];
  }
  yield* gather(window);
}

function* gather(rows: readonly RestoreRow[]): Generator<Gathered> {
  const files: FileRow[] = [];
  for (const row of rows) {
    if (isFile(row)) files.push(row);
    else yield { row };
  }
  for (const group of neighbouring(files)) {
    const neighbours = group.length > 1 ? new Neighbours(group.map(({ version }) => version)) : undefined;
    for (const row of group) yield neighbours === undefined ? { row } : { row, neighbours };
  }
}

type FileRow = RestoreRow & { readonly version: RestorableFile };

const isFile = (row: RestoreRow): row is FileRow => row.version?.kind === 'file';

/** The files in groups that are read together, each in the order they lie in; the groups in the order of their first rows. */
function neighbouring(files: readonly FileRow[]): FileRow[][] {
  const groups: FileRow[][] = [];
  for (const inObject of Map.groupBy(files, ({ version }) => objectOf(version.place)).values()) {
    inObject.sort((a, b) => a.version.place.offset - b.version.place.offset);
    groups.push(...split(inObject));
  }
  return groups;
}

function split(inObject: readonly FileRow[]): FileRow[][] {
  const groups: FileRow[][] = [];
  let [start, end, contentBytes] = [0, 0, 0];
  for (const row of inObject) {
    const { place, sizeBytes } = row.version;
    const rowEnd = Math.max(end, place.offset + place.length);
    const group = groups.at(-1);
    const fits =
      group !== undefined &&
      place.offset - end <= gapBytes &&
      rowEnd - start <= togetherBytes &&
      contentBytes + sizeBytes <= togetherContentBytes;
    if (fits) {
      group.push(row);
      [end, contentBytes] = [rowEnd, contentBytes + sizeBytes];
    } else {
      groups.push([row]);
      [start, end, contentBytes] = [place.offset, place.offset + place.length, sizeBytes];
    }
  }
  return groups;
}

const objectOf = ({ destination, key, s3VersionId }: ContentPlace): string =>
  `${destination}\0${key}\0${s3VersionId}`;
