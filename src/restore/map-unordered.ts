interface Done<Result> {
  readonly task: Promise<Done<Result>>;
  readonly result: Result;
}

/**
 * Does `work` for each item, at most `limit` at once, and yields what comes of it as it comes. When one fails, or
 * whoever iterates stops, `stop` is called and the others are waited for before this ends.
 */
export async function* mapUnordered<Item, Result>(
  items: AsyncIterable<Item>,
  limit: number,
  work: (item: Item) => Promise<Result>,
  stop: () => void,
): AsyncGenerator<Result> {
  const running = new Set<Promise<Done<Result>>>();
  const first = async (): Promise<Result> => {
    const { task, result } = await Promise.race(running);
    running.delete(task);
    return result;
  };
  try {
    for await (const item of items) {
      const task: Promise<Done<Result>> = work(item).then((result) => ({ task, result }));
      running.add(task);
      // It is looked at when it is raced; until then its failure must not count as unhandled.
      task.catch(() => {});
      if (running.size >= limit) yield await first();
    }
    while (running.size > 0) yield await first();
  } finally {
    if (running.size > 0) stop();
    await Promise.allSettled(running);
  }
}
