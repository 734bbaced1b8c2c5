import type { Id } from '../domain/records.ts';
import type { Selection } from '../restore/restore-index.ts';
import type { Catalog } from './catalog.ts';

/** The values of one statement, in the order of their `$n`. */
export class Values {
  readonly list: unknown[];

  constructor(list: readonly unknown[] = []) {
    this.list = [...list];
  }

  /** Adds a value; gives what stands for it in the text. */
  add(value: unknown): string {
    return `$${this.list.push(value)}`;
  }
}

/** How many entries one statement looks at, so that none takes long however many there are. */
const pageEntries = 1_000;

/** Which entries of a source: those at or below a path, the one of a version, or those of a list. */
export interface Picked extends Pick<Selection, 'sourceId' | 'path' | 'versionId'> {
  readonly entryIds?: readonly Id[];
}

/** The entries of one page: `where` picks them as `e`; a statement adds values of its own to a copy of `values`. */
export interface EntryPage {
  readonly where: string;
  readonly values: readonly unknown[];
}

/** The entries of a selection in pages, by byte order of their paths. Neither bound of a page is part of the next one. */
export async function* entryPages(
  catalog: Catalog,
  picked: Picked,
  direction: 'forwards' | 'backwards',
): AsyncGenerator<EntryPage> {
  const [beyond, upTo, order] = direction === 'forwards' ? ['>', '<=', 'asc'] : ['<', '>=', 'desc'];
  let after: Buffer | undefined;
  for (;;) {
    const values = new Values();
    const begun =
      entriesIn(picked, values) + (after === undefined ? '' : ` and e.path ${beyond} ${values.add(after)}`);
    const [last]: { path: Buffer }[] = await catalog.rows<{ path: Buffer }>(
      `select e.path from entries e where ${begun} order by e.path ${order} limit 1 offset ${pageEntries - 1}`,
      values.list,
    );
    if (last === undefined) {
      yield { where: begun, values: values.list };
      return;
    }
    yield { where: `${begun} and e.path ${upTo} ${values.add(last.path)}`, values: values.list };
    after = last.path;
  }
}

/**
 * Picks a selection's entries as `e`. Each shape of selection has a text of its own: a plan that is kept for all values
 * could not use bounds that are there only sometimes.
 */
export function entriesIn({ sourceId, path, versionId, entryIds }: Picked, values: Values): string {
  const parts = [`e.source_id = ${values.add(sourceId)}`];
  if (path.length > 0) parts.push(atOrBelow(path, values));
  if (entryIds !== undefined) parts.push(`e.id = any(${values.add(entryIds)})`);
  if (versionId !== undefined)
    parts.push(`e.id = (select entry_id from versions where id = ${values.add(versionId)})`);
  return parts.join(' and ');
}

/** One range of the index: what is below a path lies between `path/` and `path0`, and little else between it and `path/`. */
export function atOrBelow(path: Buffer, values: Values): string {
  const self = values.add(path);
  const below = values.add(Buffer.concat([path, Buffer.from('/')]));
  const end = values.add(Buffer.concat([path, Buffer.from('0')]));
  return `e.path >= ${self} and e.path < ${end} and (e.path = ${self} or e.path > ${below})`;
}

/** Which versions were observed by a moment; moments have milliseconds, the catalog's times are finer. */
export function observedBy(at: Date, values: Values, table = 'v'): string {
  return `${table}.observed_at < ${values.add(at)}::timestamptz + interval '1 millisecond'`;
}

/**
 * Joins the version that `e` is judged by, `h`: the newest settled one that was not cancelled, by the moment if there is
 * one; or the version that is asked for.
 */
export function headOf({ at, versionId }: Pick<Selection, 'at' | 'versionId'>, values: Values): string {
  if (versionId !== undefined) return `join versions h on h.id = ${values.add(versionId)}`;
  if (at === undefined) return 'left join versions h on h.id = e.head_version_id';
  return `left join lateral (
    select v.* from versions v
    where v.entry_id = e.id and ${observedBy(at, values)} and v.outcome <> 'cancelled'
    order by v.observation desc limit 1
  ) h on true`;
}

/** Outcomes of versions that may lie somewhere: held and failed ones too, in another destination than the one that did so. */
export const storedOutcomes = `('uploaded', 'duplicate', 'held', 'failed')`;

/** Whether a version `v` is anywhere: as cheap as it can be asked. */
const isPlaced = `select pl.destination from placements pl
  where pl.version_id = v.id and pl.state = 'committed' and pl.object_id is not null limit 1`;

/**
 * The entries of a page with their heads `h` and their newest protected versions `g`: of a file the newest with a
 * committed placement, whose columns it has too. Entries whose head is a tombstone are gone; entries that were seen for
 * the first time after the moment are not there yet.
 *
 * @param placement statement that finds the columns of one placement, with `destination` among them
 */
export function entriesWithVersion(
  selection: Pick<Selection, 'at' | 'versionId'>,
  page: EntryPage,
  placement: string = isPlaced,
): Statement {
  const { at, versionId } = selection;
  const values = new Values(page.values);
  const ofMoment = at === undefined || versionId !== undefined ? '' : `and ${observedBy(at, values)}`;
  const candidates =
    versionId === undefined ? `v.entry_id = e.id ${ofMoment}` : `v.id = ${values.add(versionId)}`;
  const wasSeen =
    ofMoment &&
    `and (h.id is not null or exists (select 1 from versions v where v.entry_id = e.id ${ofMoment}))`;
  const from = `
  from entries e
  ${headOf(selection, values)}
  left join lateral (
    select v.*, p.*
    from versions v left join lateral (${placement}) p on true
    where ${candidates}
      and ((v.kind in ('dir', 'link') and v.outcome = 'uploaded')
        or (v.kind = 'file' and v.outcome in ${storedOutcomes} and v.sha512 is not null and p.destination is not null))
    order by v.observation desc limit 1
  ) g on true
  where ${page.where} and h.outcome is distinct from 'deleted' ${wasSeen}`;
  return { from, values: values.list };
}

/** The second half of a statement, from its `from` on. */
export interface Statement {
  readonly from: string;
  readonly values: unknown[];
}
