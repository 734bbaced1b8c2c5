import {
  type HeadRow,
  hasEventsAfter,
  insertHead,
  newestHead,
  nextLeaves,
  settledEvents,
} from '../catalog/audit-query.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Rows } from '../catalog/database.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { openHead, signHead } from './head.ts';
import type { AuditPublicKey, AuditSigner } from './keys.ts';
import { GrowingTree, leafHash, treeRoot } from './merkle.ts';

/** Any constant of ours: one sequencer at a time per database. */
const sequencerLock = 7_203_115;
/**
 * Events under one head, and what else is in the row of the last one: what a proof has to read again, and 14 or 15 hashes in it.
 */
const mostLeaves = 16_384;

export interface SequencerDeps {
  readonly catalog: Catalog;
  readonly repository: Id;
  readonly signer: AuditSigner;
  /** Keys that may have signed the heads before. */
  readonly keys: readonly AuditPublicKey[];
  /** Number of the first head where the catalog has none: after the highest that any bucket has. */
  readonly firstNumber: () => Promise<number>;
}

/**
 * Puts all events that were written under signed heads; gives how many events. Called every few seconds by every worker; one
 * at a time does the work. An event's place is its number: nothing of it is copied, and none comes late, because a head
 * reaches only to where no number is still to come. Failure `audit_mismatch`: the newest head is not one of ours.
 */
export async function sequenceAudit(deps: SequencerDeps): Promise<number> {
  let covered = 0;
  for (;;) {
    const size = await deps.catalog.withLock(sequencerLock, (rows) => addHead(deps, rows), 0);
    covered += size;
    if (size < mostLeaves) return covered;
  }
}

/** Adds one head, if there is anything to cover; gives how many events it covers. */
async function addHead(deps: SequencerDeps, rows: Rows): Promise<number> {
  const { catalog, repository, signer, firstNumber } = deps;
  const before = await newestHead(rows);
  // Only where there is something to cover are writers kept waiting for a moment.
  if (!(await hasEventsAfter(rows, before?.lastEvent))) return 0;
  const upTo = await settledEvents(catalog);
  if (upTo === undefined) return 0;
  const batch = await nextLeaves(rows, { after: before?.lastEvent, upTo, most: mostLeaves });
  if (batch === undefined) return 0;
  const { number, first, history } =
    before === undefined ? await beginning(firstNumber) : following(deps, before);
  const at = new Date();
  const { head, bytes, signature } = signHead(signer, {
    repository,
    number,
    first,
    at: at.toISOString(),
    last: batch.last,
    size: batch.leaves.length,
    root: treeRoot(batch.leaves).toString('hex'),
    history: history.root().toString('hex'),
  });
  history.append(leafHash(bytes));
  await insertHead(rows, {
    number: head.number,
    lastEvent: head.last,
    head: bytes,
    signature,
    peaks: history.peaks,
    at,
  });
  return batch.leaves.length;
}

interface Place {
  readonly number: number;
  readonly first: number;
  /** Over all heads before it. */
  readonly history: GrowingTree;
}

async function beginning(firstNumber: SequencerDeps['firstNumber']): Promise<Place> {
  const number = await firstNumber();
  return { number, first: number, history: new GrowingTree() };
}

/** Nothing is signed on top of what was not: anyone who may write events may also write a row that looks like a head. */
function following({ repository, keys }: SequencerDeps, before: HeadRow): Place {
  const signed = openHead(before.head, before.signature, repository, keys);
  if (signed?.head.number !== before.number || signed.head.last !== before.lastEvent)
    throw new Failure('audit_mismatch', {
      detail: `head ${before.number} was not signed by this repository`,
    });
  const { number, first } = signed.head;
  return {
    number: number + 1,
    first,
    history: new GrowingTree(number + 1 - first, before.peaks),
  };
}
