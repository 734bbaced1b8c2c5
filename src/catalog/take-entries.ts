import type { Id } from '../domain/records.ts';
import type { Rows } from './database.ts';

/**
 * Takes entries in the order that every writer takes them in, until the transaction ends, so that none waits for the other.
 * In a statement of its own: one that takes rows and changes them looks for those of before it waited, and takes them a
 * second time; two of these can wait for each other.
 */
export async function takeEntries(rows: Rows, ids: readonly Id[]): Promise<void> {
  await rows('select 1 from entries where id = any($1) order by id for no key update', [ids]);
}
