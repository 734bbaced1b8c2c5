import { describe, expect, test } from 'vitest';
import { makeWorld } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { makeBatch, outcomes } from './batches.ts';

const server = usePostgres();

describe('a batch of small files', () => {
  test('becomes one pack, and each file has its version', async () => {
    const world = await makeWorld(server());
    const paths = Array.from({ length: 20 }, (_, index) => `file-${index}`);
    for (const path of paths) world.write(path, `content of ${path}`);
    const batch = await makeBatch(world, paths);
    await batch.run();
    expect(batch.passedOn).toEqual([]);
    expect(await outcomes(world)).toEqual(Object.fromEntries(paths.map((path) => [path, 'uploaded'])));
    const [object, ...others] = await world.versions();
    expect(others).toEqual([]);
    expect(object?.key).toMatch(/^backup\/packs\/[0-9a-f]{64}$/);
  });
});
