import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { catalogIndex } from '../../src/catalog/restore-query.ts';
import { Failure } from '../../src/domain/failures.ts';
import { restoreTree } from '../../src/restore/restore.ts';
import { noise, protectOnce } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { twoDestinations } from './two-destinations.ts';

const postgres = usePostgres();

const contents = { small: Buffer.from('a small file'), large: noise(9 * 1024 * 1024) };

async function stored() {
  const world = await twoDestinations(postgres());
  for (const [name, content] of Object.entries(contents)) {
    world.write(name, content);
    await protectOnce(world.context, await world.entry(name));
  }
  const to = mkdtempSync(join(tmpdir(), 'holdfast-two-'));
  onTestFinished(() => rmSync(to, { recursive: true, force: true }));
  const restore = async () => {
    const items = [];
    const deps = {
      index: catalogIndex(world.catalog),
      keys: world.context.keys,
      stores: new Map([
        ['primary', world.primary],
        ['second', world.second],
      ]),
      retryPausesMs: [1],
    };
    for await (const item of restoreTree(deps, { source: 'docs', to })) items.push(item);
    return items;
  };
  const expectAll = () => {
    for (const [name, content] of Object.entries(contents))
      expect(readFileSync(join(to, 'docs', name)).equals(content)).toBe(true);
  };
  return { world, restore, expectAll };
}

test('a destination that does not answer is passed over for another one', async () => {
  const { world, restore, expectAll } = await stored();
  let asked = 0;
  world.knobs.fault = () => {
    asked += 1;
    throw new Failure('s3_unavailable', { destination: 'primary', reason: 'ECONNREFUSED' });
  };
  await restore();
  expectAll();
  // Each file is asked for at most once with its retry: afterwards the one that is away is left alone.
  expect(asked).toBeLessThan(8);
});

test('damaged and missing objects come from another destination', async () => {
  const { world, restore, expectAll } = await stored();
  for (const version of await Array.fromAsync(world.primary.listVersions(''))) {
    if (version.lengthBytes > 1_000_000)
      world.primary.damage(version, (body) => body.fill(0, 5_000_000, 5_000_100));
    else world.primary.lose(version);
  }
  await restore();
  expectAll();
});
