import { mapUnordered } from '../restore/map-unordered.ts';

/** Requests to the store at once. */
const requestsAtOnce = 16;

/** Does `work` for each item, many at once; `onDone` is told how many are done. The first failure ends it. */
export async function inParallel<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  work: (item: Item) => Promise<void>,
  onDone: (done: number) => void = () => {},
): Promise<void> {
  let done = 0;
  for await (const _ of fetchedAhead(items, work)) onDone(++done);
}

/** What `work` makes of the items, as it comes, many at once. */
export function fetchedAhead<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  return mapUnordered(each(items), requestsAtOnce, work, () => {});
}

async function* each<Item>(items: Iterable<Item> | AsyncIterable<Item>): AsyncGenerator<Item> {
  yield* items;
}
