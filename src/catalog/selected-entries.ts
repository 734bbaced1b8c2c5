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

/** The entries of one page: `where` picks them as `e`; a statement adds values of its own to a copy of `values`. */
export interface EntryPage {
  readonly where: string;
  readonly values: readonly unknown[];
}

/** The entries of a selection in pages, by byte order of their paths. Neither bound of a page is part of the next one. */
export async function* entryPages(
  catalog: Catalog,
  selection: Pick<Selection, 'sourceId' | 'path' | 'versionId'>,
  direction: 'forwards' | 'backwards',
): AsyncGenerator<EntryPage> {
  const [beyond, upTo, order] = direction === 'forwards' ? ['>', '<=', 'asc'] : ['<', '>=', 'desc'];
  let after: Buffer | undefined;
  for (;;) {
    const values = new Values();
    const begun =
      entriesIn(selection, values) +
      (after === undefined ? '' : ` and e.path ${beyond} ${values.add(after)}`);
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
export function entriesIn(
  { sourceId, path, versionId }: Pick<Selection, 'sourceId' | 'path' | 'versionId'>,
  values: Values,
): string {
  const parts = [`e.source_id = ${values.add(sourceId)}`];
  if (path.length > 0) parts.push(atOrBelow(path, values));
  if (versionId !== undefined)
    parts.push(`e.id = (select entry_id from versions where id = ${values.add(versionId)})`);
  return parts.join(' and ');
}

/** One range of the index: what is below a path lies between `path/` and `path0`, and little else between it and `path/`. */
function atOrBelow(path: Buffer, values: Values): string {
  const self = values.add(path);
  const below = values.add(Buffer.concat([path, Buffer.from('/')]));
  const end = values.add(Buffer.concat([path, Buffer.from('0')]));
  return `e.path >= ${self} and e.path < ${end} and (e.path = ${self} or e.path > ${below})`;
}

/** Which versions `v` were observed by a moment; moments have milliseconds, the catalog's times are finer. */
export function observedBy(at: Date, values: Values): string {
  return `v.observed_at < ${values.add(at)}::timestamptz + interval '1 millisecond'`;
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
