import { expect, onTestFinished, test } from 'vitest';
import { openPool } from '../../src/catalog/database.ts';
import { usePostgres } from '../support/postgres.ts';

const server = usePostgres();

test('statements are planned for rows that are looked up, not for disks that turn', async () => {
  const pool = await openPool({ uri: (await server().database()).writerUri });
  onTestFinished(() => pool.end());
  expect((await pool.query('show random_page_cost')).rows).toEqual([{ random_page_cost: '1.1' }]);
});
