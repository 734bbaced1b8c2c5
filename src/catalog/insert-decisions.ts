import type { Rows } from './database.ts';
import { insertRows } from './insert-rows.ts';
import type { DecisionRow } from './rows.ts';

/**
 * Adds decisions that are not there, and what proves them. Evidence of which no decision is new is left out: a step that ran
 * twice asked again, and its first answers stand.
 */
export async function insertDecisions(query: Rows, decisions: readonly DecisionRow[]): Promise<void> {
  const rows = decisions.map(({ evidence, ...row }) => ({ ...row, evidenceId: evidence.id }));
  const end = 'on conflict do nothing returning evidence_id';
  const added = (await insertRows(query, 'decisions', rows, end, 'distinct evidence_id as id')) as {
    id: string;
  }[];
  const wanted = new Set(added.map(({ id }) => id));
  const evidence = new Map(decisions.map((row) => [row.evidence.id, row.evidence]));
  await insertRows(
    query,
    'evidence',
    [...evidence.values()].filter(({ id }) => wanted.has(id)),
  );
}
