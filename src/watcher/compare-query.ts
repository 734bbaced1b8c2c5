import type { Catalog } from '../catalog/catalog.ts';
import type { StatFacts } from '../catalog/rows.ts';
import type { EntryKind, Id, Outcome } from '../domain/records.ts';
import { undefinedAnswer } from '../policy/engine.ts';

/** An entry that stands, as the catalog knows it: not deleted, not vanished. */
export interface KnownEntry {
  readonly id: Id;
  readonly path: Buffer;
  readonly kind: EntryKind;
  readonly sizeBytes: number;
  readonly outcome: Outcome;
  /** Its newest settled state in the words of {@link stateOf}. */
  readonly state: string;
  /** Whether an equal state means that there is nothing to do. */
  readonly isWell: boolean;
}

/** Outcomes after which there is nothing to do about an equal state. */
const settledWell = `('uploaded', 'duplicate', 'ignored', 'held', 'quarantined')`;

/** What tells of changed bytes or metadata, in one text; a device number may differ after a reboot. As `state` in SQL below. */
export function stateOf({
  kind,
  sizeBytes,
  mode,
  uid,
  gid,
  mtimeNs,
  ctimeNs,
  inode,
}: Omit<StatFacts, 'device'>): string {
  return `${kind} ${sizeBytes} ${mode} ${uid} ${gid} ${mtimeNs} ${ctimeNs} ${inode}`;
}

/** Content found infected since, or denied because policy could not be understood, is looked at again. */
const pageOfKnown = `
select e.id, e.path, v.kind, v.size_bytes as "sizeBytes", v.outcome,
  v.kind || ' ' || v.size_bytes || ' ' || v.mode || ' ' || v.uid || ' ' || v.gid || ' '
    || v.mtime_ns || ' ' || v.ctime_ns || ' ' || v.inode as state,
  v.outcome in ${settledWell} and v.late_signature is null and v.reason is distinct from $5 as "isWell"
from entries e join versions v on v.id = e.head_version_id
where e.source_id = $1 and e.path >= $2 and e.path < $3 and v.outcome not in ('deleted', 'vanished')
order by e.path limit $4`;

const pageEntries = 2_000;

/** Paths from the first (inclusive) to the second (exclusive), in byte order. */
type PathRange = readonly [Buffer, Buffer];

/** Paths that were forgotten with their scope begin with NUL: they stand for nothing. */
const firstPath = Buffer.from([1]);
/** After every path: a name has at most 255 bytes. */
const endOfPaths = Buffer.alloc(256, 0xff);

/**
 * The standing entries of a source in the byte order of their paths, page by page; the next page is asked for while one is
 * worked on. Memory: two pages.
 *
 * @param only these paths and what is below them; undefined: all
 * @param after leave out this path and all before it
 */
export class KnownEntries {
  private readonly catalog: Catalog;
  private readonly sourceId: Id;
  private readonly ranges: PathRange[];
  private page: readonly KnownEntry[] = [];
  private at = 0;
  private coming: Promise<readonly KnownEntry[]> | undefined;

  constructor(catalog: Catalog, sourceId: Id, only: readonly Buffer[] | undefined, after?: Buffer) {
    this.catalog = catalog;
    this.sourceId = sourceId;
    this.ranges = only === undefined ? [[after ? justAfter(after) : firstPath, endOfPaths]] : rangesOf(only);
    this.ask();
  }

  /** Whether {@link before} may have something for this path. */
  mayPrecede(path: Buffer): boolean {
    const next = this.page[this.at];
    return next === undefined ? this.coming !== undefined : next.path.compare(path) < 0;
  }

  /** Takes out the next one if it lies before the path; undefined: none does, and {@link take} may be asked. */
  async before(path: Buffer | undefined): Promise<KnownEntry | undefined> {
    if (this.at === this.page.length) await this.refill();
    const next = this.page[this.at];
    if (next === undefined || (path !== undefined && next.path.compare(path) >= 0)) return undefined;
    this.at++;
    return next;
  }

  /** Takes out the entry with this path, if it is the next one. */
  take(path: Buffer): KnownEntry | undefined {
    const next = this.page[this.at];
    if (!next?.path.equals(path)) return undefined;
    this.at++;
    return next;
  }

  private async refill(): Promise<void> {
    while (this.at === this.page.length && this.coming !== undefined) {
      this.page = await this.coming;
      this.at = 0;
      const [range] = this.ranges;
      const last = this.page.at(-1);
      if (range === undefined || last === undefined || this.page.length < pageEntries) this.ranges.shift();
      else this.ranges[0] = [justAfter(last.path), range[1]];
      this.ask();
    }
  }

  private ask(): void {
    const [range] = this.ranges;
    this.coming =
      range &&
      this.catalog.rows<KnownEntry>(pageOfKnown, [this.sourceId, ...range, pageEntries, undefinedAnswer]);
    // Told to whoever waits for it; a walk that ended early waits no more.
    this.coming?.catch(() => {});
  }
}

/** The standing entries at and below the paths, in order. */
export async function* knownBelow(
  catalog: Catalog,
  sourceId: Id,
  paths: readonly Buffer[],
): AsyncGenerator<KnownEntry> {
  const known = new KnownEntries(catalog, sourceId, paths);
  for (let entry = await known.before(undefined); entry !== undefined; entry = await known.before(undefined))
    yield entry;
}

/** Each path by itself, and apart from that what is below it: `a-b` lies between `a` and `a/x`. */
function rangesOf(paths: readonly Buffer[]): PathRange[] {
  const ranges = paths.flatMap((path): PathRange[] =>
    path.length === 0
      ? [[firstPath, endOfPaths]]
      : [
          [path, justAfter(path)],
          [Buffer.concat([path, Buffer.from('/')]), endOfFolder(path)],
        ],
  );
  ranges.sort(([a], [b]) => a.compare(b));
  // One that lies within another, of a path asked for twice or below another, is that one's.
  let end = Buffer.alloc(0);
  return ranges.filter(([, to]) => {
    if (to.compare(end) <= 0) return false;
    end = to as Buffer<ArrayBuffer>;
    return true;
  });
}

/** The first path that sorts after this one: no path holds a NUL. */
const justAfter = (path: Buffer): Buffer => Buffer.concat([path, Buffer.alloc(1)]);

/** What sorts right after everything below a folder: `0` follows `/`. */
export const endOfFolder = (path: Buffer): Buffer => Buffer.concat([path, Buffer.from('0')]);
