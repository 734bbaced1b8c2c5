import { expect, test } from 'vitest';
import { translated } from '../../src/catalog/database.ts';

const failing = (message: string, code?: string) => async () => {
  throw Object.assign(new Error(message), code === undefined ? {} : { code });
};

test.each([
  ['write EPIPE', 'EPIPE'],
  ['read ECONNRESET', 'ECONNRESET'],
  ['connect ECONNREFUSED', 'ECONNREFUSED'],
  ['connect ENOENT', 'ENOENT'],
  ['the database system is starting up', '57P03'],
  ['terminating connection due to unexpected postmaster exit', '57P01'],
  ['could not extend file', '53100'],
  ['Connection terminated unexpectedly', undefined],
  ['Query read timeout', undefined],
])('a database that says "%s" (%s) is away: work waits for it', async (message, code) => {
  await expect(translated(failing(message, code))).rejects.toMatchObject({ code: 'catalog_unavailable' });
});

test.each([
  ['duplicate key value violates unique constraint', '23505'],
  ['syntax error', '42601'],
])('a defect stays what it is: "%s" (%s)', async (message, code) => {
  await expect(translated(failing(message, code))).rejects.toMatchObject({ message, code });
});
