import { expect, test } from 'vitest';
import { type FileRow, listRows, standingRows } from '../../src/cli/rows.ts';
import { makeWorld, protectOnce, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();

async function list(world: World, filter: Partial<Parameters<typeof listRows>[1]> = {}): Promise<FileRow[]> {
  const found: FileRow[] = [];
  for await (const row of listRows(world.catalog, { deleted: false, ...filter })) found.push(row);
  return found;
}

async function protect(world: World, path: string | Buffer, content = 'hello') {
  world.write(path, content);
  return protectOnce(world.context, await world.entry(path));
}

test('an uploaded file as scripts see it', async () => {
  const world = await makeWorld(postgres());
  await protect(world, 'letter.txt');
  const [row] = await list(world);
  expect(Object.keys(row ?? {})).toEqual([
    'source',
    'path',
    'kind',
    'outcome',
    'reason',
    'versionId',
    'workflowId',
    'objectKey',
    'placements',
    'unchanged',
  ]);
  expect(JSON.parse(JSON.stringify(row))).toEqual({
    source: 'docs',
    path: 'letter.txt',
    kind: 'file',
    outcome: 'uploaded',
    reason: null,
    versionId: expect.stringMatching(/^[0-9a-f]{32}$/),
    workflowId: 'protect:test',
    objectKey: expect.stringMatching(/^backup\/objects\/[0-9a-f]{128}-[0-9a-f]{32}$/),
    placements: [
      {
        destination: 'primary',
        state: 'committed',
        s3VersionId: expect.any(String),
        lockMode: 'GOVERNANCE',
        retainUntil: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      },
    ],
    unchanged: false,
  });
});

test('a name that is not UTF-8 is shown with U+FFFD and given in bytes', async () => {
  const world = await makeWorld(postgres());
  const name = Buffer.from('caf\xe9', 'latin1');
  await protect(world, name);
  await protect(world, 'caf\ufffd');
  const rows = await list(world);
  expect(rows.map(({ path, pathBytes }) => ({ path, pathBytes }))).toEqual(
    [
      { path: 'caf\ufffd', pathBytes: name.toString('base64') },
      { path: 'caf\ufffd', pathBytes: undefined },
    ]
      .toSorted((a, b) => (a.pathBytes ? 1 : 0) - (b.pathBytes ? 1 : 0) || 0)
      .toReversed(),
  );
});

test('what was refused has its reason and no object', async () => {
  const world = await makeWorld(postgres());
  world.knobs.release = { allow: false, reasons: [{ id: 'wrong_place', text: '' }] };
  await protect(world, 'a');
  expect(await list(world)).toMatchObject([
    {
      outcome: 'held',
      reason: 'wrong_place',
      objectKey: null,
      placements: [{ state: 'held', s3VersionId: null, lockMode: null, retainUntil: null }],
    },
  ]);
});

test('rows can be chosen by path, outcome and source; deleted ones only when asked for', async () => {
  const world = await makeWorld(postgres());
  for (const name of ['a', 'ab', 'b']) await protect(world, name, name);
  world.remove('b');
  await protectOnce(world.context, await world.entry('b'));
  const paths = async (filter: Partial<Parameters<typeof listRows>[1]>): Promise<string[]> =>
    (await list(world, filter)).map((row) => row.path);
  expect(await paths({})).toEqual(['a', 'ab']);
  expect(await paths({ deleted: true })).toEqual(['a', 'ab', 'b']);
  expect(await paths({ under: Buffer.from('a') })).toEqual(['a']);
  expect(await paths({ outcome: 'deleted', deleted: true })).toEqual(['b']);
  expect(await paths({ source: 'other' })).toEqual([]);
});

test('a run sees what it did itself as changed, and all else as unchanged', async () => {
  const world = await makeWorld(postgres());
  await protect(world, 'a');
  const { id } = await world.entry('a');
  expect((await standingRows(world.catalog, [id], 'run')).get(id)?.unchanged).toBe(false);
  expect((await standingRows(world.catalog, [id], 'other run')).get(id)?.unchanged).toBe(true);
});
