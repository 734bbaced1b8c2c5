/** Unit in which file systems keep holes, and alignment of ours. Bytes. */
const pageBytes = 4_096;
/** A shorter run of zeros is written: a hole would save little and split the file. Bytes. */
const leastHoleBytes = 64 * 1024;

const zeroPage = Buffer.alloc(pageBytes);

/** Bytes `start` up to `end` of a piece that are to be written. */
export interface DataRun {
  readonly start: number;
  readonly end: number;
}

/**
 * What of `bytes` is to be written, in order; the rest are runs of zeros of at least 64 KiB in whole pages, which a file
 * that is still empty there reads back without holding them. `position` is where the piece lies in the file.
 */
export function dataRuns(bytes: Buffer, position: number): DataRun[] {
  const runs: DataRun[] = [];
  let dataStart = 0;
  let zerosStart: number | undefined;
  const firstPage = (pageBytes - (position % pageBytes)) % pageBytes;
  const endZeros = (at: number): void => {
    if (zerosStart !== undefined && at - zerosStart >= leastHoleBytes) {
      if (zerosStart > dataStart) runs.push({ start: dataStart, end: zerosStart });
      dataStart = at;
    }
    zerosStart = undefined;
  };
  let page = firstPage;
  for (; page + pageBytes <= bytes.length; page += pageBytes) {
    if (isZeroPage(bytes, page)) zerosStart ??= page;
    else endZeros(page);
  }
  endZeros(page);
  if (dataStart < bytes.length) runs.push({ start: dataStart, end: bytes.length });
  return runs;
}

/** Most pages of data show it in their first or last byte. */
function isZeroPage(bytes: Buffer, at: number): boolean {
  return (
    bytes[at] === 0 && bytes[at + pageBytes - 1] === 0 && zeroPage.compare(bytes, at, at + pageBytes) === 0
  );
}
