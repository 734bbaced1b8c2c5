import { setTimeout as sleep } from 'node:timers/promises';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { approveUpdate, rejectUpdate, resealUpdate } from '../../../workflows/messages.ts';
import type { stagingHold } from '../../../workflows/staging-hold.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { HoldAttemptRow } from '../../catalog/rows.ts';
import { Failure } from '../../domain/failures.ts';
import type { HoldAnswer } from '../../domain/holds.ts';
import { newRunId } from '../../domain/ids.ts';
import type { Id } from '../../domain/records.ts';
import { type ApproverKey, readApproverKey } from '../../holds/approver-key.ts';
import type { HeldFile } from '../../holds/held.ts';
import { attemptEvent } from '../../holds/judge-attempt.ts';
import { signStatement, statementOf, termsOf } from '../../holds/statement.ts';
import { groupOf, type Installation } from '../../installation.ts';
import { filesQueue, holdWorkflowId, hostQueue } from '../../temporal/names.ts';
import { confirm } from '../confirm.ts';
import { approvalTerms, chosenHolds, type HoldChoice, heldRow, heldTable, namedHold } from '../held-rows.ts';
import { printable } from '../output.ts';
import { type KeyPasswordSources, readKeyPassword } from '../password.ts';
import { pathFields } from '../rows.ts';
import { type Session, unlock, withCatalog, withTemporal } from '../session.ts';

export interface DecideOptions extends HoldChoice, KeyPasswordSources {
  readonly key: string;
  readonly approver?: string;
  readonly reason?: string;
  readonly all?: boolean;
  readonly yes?: boolean;
}

type Verdict = 'approve' | 'reject';

/** A signature that is not used by then does not count. */
const validForMs = 7 * 86_400_000;
/** Holds that are decided at once. */
const atOnce = 16;
/** How long a hold's workflow is waited for before it is left to go on by itself. */
const patienceMs = 60_000;

/** What became of one hold; names in this shape are promises. */
interface DecidedRow {
  readonly hold: Id;
  readonly source: string;
  readonly path: string;
  readonly pathBytes?: string;
  readonly destination: string;
  readonly result: Result;
  /** Why it is refused, or still held. */
  readonly reason?: string;
  readonly outcome?: string;
  readonly approvals?: number;
  readonly needed?: number;
}

type Result = HoldAnswer['next'] | 'rejected' | 'under_way' | 'not_delivered';

/** Not what was asked for. */
const failed: readonly Result[] = ['refused', 'held', 'ended', 'not_delivered'];

/**
 * Signs a decision about each hold and brings it to the hold's workflow, many at once. Exit code 3 when one of several did
 * not come out as asked; the failure itself for a single one.
 */
export async function runHoldDecide(
  session: Session,
  verdict: Verdict,
  ids: readonly string[],
  options: DecideOptions,
): Promise<number> {
  requireChoice(ids, options);
  const key = await readApproverKey(options.key, () => readKeyPassword(options));
  const approver = options.approver ?? key.name;
  if (approver === undefined)
    throw new Failure('usage', { detail: 'The key file does not say whose it is: give --approver.' });
  const installation = await unlock(session);
  return withCatalog(session, (catalog, where) =>
    withTemporal(installation, where, async (client) => {
      const wanted =
        ids.length > 0
          ? await named(catalog, ids)
          : await listed(session, catalog, installation, approvalTerms(where), options, verdict);
      const runId = newRunId();
      const send = (held: HeldFile) => async (): Promise<HoldAnswer> => {
        const attemptId = newRunId();
        const attempt = signed(installation, held, {
          id: attemptId,
          runId,
          verdict,
          approver,
          key,
          options,
          actor: session.actor,
        });
        const about = { ids: installation.ids, hostId: installation.config.host.id };
        await catalog.write({
          holdAttempt: attempt,
          events: [attemptEvent(about, held, { ...attempt, notAfter: new Date(attempt.notAfter) }, 'asked')],
        });
        const update = verdict === 'approve' ? approveUpdate : rejectUpdate;
        return delivered(installation, held, (operation) =>
          client.workflow.startUpdateWithStart(update, {
            ...{ startWorkflowOperation: operation, args: [{ attemptId }], updateId: attemptId },
            waitForStage: 'ACCEPTED',
          }),
        );
      };
      return decideAll(
        session,
        catalog,
        installation,
        { runId, kind: `hold ${verdict}`, verdict, approver },
        wanted,
        send,
      );
    }),
  );
}

/** Has held files sealed anew, on whichever host of their group is alive. */
export async function runHoldReseal(session: Session, ids: readonly string[]): Promise<number> {
  const installation = await unlock(session);
  return withCatalog(session, (catalog, where) =>
    withTemporal(installation, where, async (client) => {
      const wanted = await named(catalog, ids);
      const runId = newRunId();
      const send = (held: HeldFile) => (): Promise<HoldAnswer> =>
        delivered(installation, held, (operation) =>
          client.workflow.startUpdateWithStart(resealUpdate, {
            ...{ startWorkflowOperation: operation, args: [{ runId }], updateId: runId },
            waitForStage: 'ACCEPTED',
          }),
        );
      return decideAll(session, catalog, installation, { runId, kind: 'hold reseal' }, wanted, send);
    }),
  );
}

function requireChoice(ids: readonly string[], options: DecideOptions): void {
  const { source, classification, olderThan, path, all } = options;
  const isChoosing =
    [source, classification, olderThan, path].some((value) => value !== undefined) || all === true;
  if (ids.length > 0 && isChoosing)
    throw new Failure('usage', { detail: 'Name holds, or choose them by options, but not both.' });
  if (ids.length === 0 && !isChoosing)
    throw new Failure('usage', { detail: 'Name a hold, or choose some by options; --all is everything.' });
}

const named = (catalog: Catalog, ids: readonly string[]): Promise<HeldFile[]> =>
  Promise.all([...new Set(ids)].map((id) => namedHold(catalog, id)));

/** What the options choose, listed, and agreed to. Failure `not_confirmed`. */
async function listed(
  { output }: Session,
  catalog: Catalog,
  { config }: Installation,
  terms: ReturnType<typeof approvalTerms>,
  options: DecideOptions,
  verdict: Verdict,
): Promise<HeldFile[]> {
  const chosen: HeldFile[] = [];
  for await (const held of chosenHolds(catalog, options, 'open')) chosen.push(held);
  if (options.yes === true || chosen.length === 0) return chosen;
  const known = await terms;
  const rows = await Promise.all(chosen.map((held) => heldRow(catalog, config, held, known)));
  output.note(heldTable(rows, config));
  const agreed = `${verdict} ${chosen.length}`;
  if (!(await confirm(`Type "${agreed}" to go on: `, agreed)))
    throw new Failure('not_confirmed', { flag: '--yes' });
  return chosen;
}

function signed(
  { config }: Installation,
  held: HeldFile,
  said: {
    readonly id: Id;
    readonly runId: Id;
    readonly verdict: Verdict;
    readonly approver: string;
    readonly key: ApproverKey;
    readonly options: DecideOptions;
    readonly actor: string;
  },
): HoldAttemptRow {
  const destination = config.destinations.find(({ name }) => name === held.destination);
  if (destination === undefined) throw new Failure('destination_unknown', { destination: held.destination });
  const { id, runId, verdict, approver, key, options, actor } = said;
  const notAfter = new Date(Date.now() + validForMs).toISOString();
  const statement = statementOf(termsOf(config.repository, held, destination), {
    verdict,
    approver,
    notAfter,
  });
  return {
    ...{ id, holdId: held.id, runId, verdict, approver, decisionId: held.decisionId },
    ...{ sealedSha256: held.sealedSha256, notAfter, signature: signStatement(statement, key.key) },
    ...{ reason: options.reason ?? null, actor },
  };
}

type Operation = WithStartWorkflowOperation<typeof stagingHold>;
interface Update {
  result(): Promise<HoldAnswer>;
}

class NotYet extends Error {
  readonly wasDelivered: boolean;

  constructor(wasDelivered: boolean) {
    super('not yet');
    this.wasDelivered = wasDelivered;
  }
}

/** The workflow's answer. Where a hold has none (its cluster was lost) it gets one. */
async function delivered(
  { config }: Installation,
  held: HeldFile,
  start: (operation: Operation) => Promise<Update>,
): Promise<HoldAnswer> {
  const operation = new WithStartWorkflowOperation<typeof stagingHold>('stagingHold', {
    workflowId: holdWorkflowId(held.id),
    taskQueue: filesQueue(groupOf(config)),
    args: [{ holdId: held.id, hostQueue: hostQueue(held.hostId) }],
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  const update = await within(patienceMs, start(operation), new NotYet(false));
  return within(patienceMs, update.result(), new NotYet(true));
}

/** The promise, or the error where it takes longer. */
async function within<T>(ms: number, promise: Promise<T>, late: Error): Promise<T> {
  const stop = new AbortController();
  const timeout = sleep(ms, undefined, { signal: stop.signal }).then(() => Promise.reject(late));
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    stop.abort();
    promise.catch(() => {});
    timeout.catch(() => {});
  }
}

interface Deciding {
  readonly runId: Id;
  readonly kind: string;
  readonly verdict?: Verdict;
  readonly approver?: string;
}

/** Decides about all of them, some at once, and tells what became of each. */
async function decideAll(
  session: Session,
  catalog: Catalog,
  { config }: Installation,
  deciding: Deciding,
  wanted: readonly HeldFile[],
  send: (held: HeldFile) => () => Promise<HoldAnswer>,
): Promise<number> {
  const { output, signal, actor } = session;
  if (wanted.length === 0) {
    output.line('Nothing waits for a decision that matches.');
    return 0;
  }
  const { runId, kind } = deciding;
  await catalog.startRun({ id: runId, kind, hostId: config.host.id, actor });
  const counts: Record<string, number> = {};
  const left = wanted.values();
  let isRefused: { held: HeldFile; row: DecidedRow } | undefined;
  const workers = Array.from({ length: Math.min(atOnce, wanted.length) }, async () => {
    for (const held of left) {
      signal.throwIfAborted();
      const row = rowOf(held, deciding, await send(held)().catch(notYet));
      counts[row.result] = (counts[row.result] ?? 0) + 1;
      if (failed.includes(row.result)) isRefused ??= { held, row };
      output.value(row);
      output.line(sentence(row));
      const done = Object.values(counts).reduce((sum, count) => sum + count, 0);
      output.progress(`${done} of ${wanted.length} decided`);
    }
  });
  let result: 'complete' | 'incomplete' | 'interrupted' = 'interrupted';
  try {
    await Promise.all(workers);
    result = isRefused === undefined ? 'complete' : 'incomplete';
  } finally {
    await catalog.endRun(runId, result, counts);
  }
  if (isRefused === undefined) return 0;
  if (wanted.length > 1) return 3;
  throw (
    failureOf(isRefused.row, deciding) ??
    new Failure('hold_not_decided', {
      hold: isRefused.row.hold,
      reason: isRefused.row.reason ?? isRefused.row.result,
    })
  );
}

function notYet(error: unknown): 'under_way' | 'not_delivered' {
  if (error instanceof NotYet) return error.wasDelivered ? 'under_way' : 'not_delivered';
  throw error;
}

function rowOf(
  held: HeldFile,
  { verdict }: Deciding,
  answer: HoldAnswer | 'under_way' | 'not_delivered',
): DecidedRow {
  const about = {
    hold: held.id,
    source: held.source,
    ...pathFields(held.path),
    destination: held.destination,
  };
  if (typeof answer === 'string') return { ...about, result: answer };
  switch (answer.next) {
    case 'released':
      return { ...about, result: 'released', outcome: answer.outcome };
    case 'ended':
      return verdict === 'reject' && answer.state === 'rejected'
        ? { ...about, result: 'rejected' }
        : { ...about, result: 'ended', reason: answer.state };
    case 'counted':
    case 'repeated':
      return { ...about, result: answer.next, approvals: answer.approvals, needed: answer.needed };
    case 'refused':
      return { ...about, result: 'refused', reason: answer.code };
    case 'held':
      return { ...about, result: 'held', reason: answer.reason };
    default:
      return { ...about, result: answer.next };
  }
}

function sentence(row: DecidedRow): string {
  const told: Record<Result, string> = {
    released: `released: ${row.outcome}`,
    rejected: 'rejected; the file in its source stays as it is',
    counted: `counted: ${row.approvals} of ${row.needed} approvals`,
    repeated: `you approved it before: still ${row.approvals} of ${row.needed} approvals`,
    waiting: 'approved; it goes as soon as its host answers',
    resealed: 'sealed anew; it has to be approved anew too',
    under_way: 'under way; it goes on by itself (`holdfast hold list`)',
    ended: `had ended already: ${row.reason}`,
    held: `still held: ${row.reason}`,
    refused: `refused: ${row.reason}`,
    not_delivered: 'not delivered: is the worker running? (`holdfast status`)',
  };
  return `${printable(`${row.source}:${row.path}`)}  ${told[row.result]}`;
}

/** The failure of a single hold, with the facts that its text names. */
function failureOf({ hold, result, reason }: DecidedRow, { approver = '' }: Deciding): Failure | undefined {
  if (result === 'ended') return new Failure('hold_ended', { hold, state: reason ?? '' });
  const facts = { hold, approver };
  switch (reason) {
    case 'approval_invalid':
    case 'approval_outdated':
    case 'approver_unknown':
    case 'approver_not_entitled':
    case 'hold_source_changed':
    case 'staging_full':
    case 'hold_unknown':
      return new Failure(reason, facts);
    default:
      return undefined;
  }
}
