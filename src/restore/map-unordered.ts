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
  let running = 0;
  const results: Result[] = [];
  let failed: { readonly error: unknown } | undefined;
  let wake = (): void => {};
  const begin = (item: Item): void => {
    running++;
    work(item)
      .then(
        (result) => results.push(result),
        (error: unknown) => {
          failed ??= { error };
        },
      )
      .finally(() => {
        running--;
        wake();
      });
  };
  const oneMoreDone = (): Promise<void> => new Promise((resolve) => (wake = resolve));
  try {
    for await (const item of items) {
      begin(item);
      while (running >= limit && !failed) await oneMoreDone();
      if (failed) throw failed.error;
      yield* results.splice(0);
    }
    while (running > 0 && !failed) {
      await oneMoreDone();
      yield* results.splice(0);
    }
    if (failed) throw failed.error;
    yield* results;
  } finally {
    if (running > 0) stop();
    while (running > 0) await oneMoreDone();
  }
}

/** Yields the items of an iteration that is kept going meanwhile, up to `limit` items ahead of whoever takes them. */
export async function* readAhead<Item>(items: AsyncIterable<Item>, limit: number): AsyncGenerator<Item> {
  const ready: Item[] = [];
  let ended: { readonly error?: unknown } | undefined;
  let isStopped = false;
  let wakeTaker = (): void => {};
  let wakeReader = (): void => {};
  const reading = (async () => {
    for await (const item of items) {
      ready.push(item);
      wakeTaker();
      while (ready.length >= limit && !isStopped)
        await new Promise<void>((resolve) => (wakeReader = resolve));
      if (isStopped) return;
    }
  })().then(
    () => (ended = {}),
    (error: unknown) => (ended = { error }),
  );
  reading.then(() => wakeTaker());
  try {
    for (;;) {
      const items = ready.splice(0);
      wakeReader();
      yield* items;
      if (ready.length > 0) continue;
      if (ended !== undefined) break;
      await new Promise<void>((resolve) => (wakeTaker = resolve));
    }
    if ('error' in ended) throw ended.error;
  } finally {
    isStopped = true;
    wakeReader();
    await reading;
  }
}
