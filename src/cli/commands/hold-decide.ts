import { approveUpdate, rejectUpdate, resealUpdate } from '../../../workflows/messages.ts';
import type { Catalog, RunResult } from '../../catalog/catalog.ts';
import { Failure } from '../../domain/failures.ts';
import type { HoldEnd } from '../../domain/holds.ts';
import { newRunId } from '../../domain/ids.ts';
import type { Id } from '../../domain/records.ts';
import { readApproverKey } from '../../holds/approver-key.ts';
import { askHold, type HoldPost, type Told } from '../../holds/ask-hold.ts';
import { type HeldFile, heldFile } from '../../holds/held.ts';
import { recordAttempt, recordLate, type Signing, signAttempt } from '../../holds/sign-attempt.ts';
import { groupOf, type Installation } from '../../installation.ts';
import type { Endpoints } from '../../stack/endpoints.ts';
import { filesQueue } from '../../temporal/names.ts';
import { say } from '../../text/voice.ts';
import { confirm } from '../confirm.ts';
import { type DecidedRow, decidedRow, decidedSentence, failureOf, isFailed } from '../decided-rows.ts';
import { approvalTerms, chosenHolds, type HoldChoice, heldRow, heldTable, namedHold } from '../held-rows.ts';
import { type KeyPasswordSources, readKeyPassword } from '../password.ts';
import { type Session, unlock, withCatalog, withTemporal } from '../session.ts';

export interface DecideOptions extends HoldChoice, KeyPasswordSources {
  readonly key: string;
  readonly approver?: string;
  readonly reason?: string;
  readonly all?: boolean;
  readonly yes?: boolean;
}

/** Holds that are decided at once. */
const atOnce = 16;

/** What the commands work with. */
interface Desk {
  readonly session: Session;
  readonly installation: Installation;
  readonly catalog: Catalog;
  readonly where: Endpoints;
  readonly post: HoldPost;
}

/**
 * Signs a decision about each hold and brings it to the hold's workflow, many at once. Exit code 3 when one of several did
 * not come out as asked; the failure itself for a single one.
 */
export async function runHoldDecide(
  session: Session,
  verdict: 'approve' | 'reject',
  ids: readonly string[],
  options: DecideOptions,
): Promise<number> {
  requireChoice(ids, options);
  const { key, name } = await readApproverKey(options.key, () => readKeyPassword(options));
  const approver = options.approver ?? name;
  if (approver === undefined) throw new Failure('usage', { detail: say('holds', 'whose_key') });
  return withDesk(session, async (desk) => {
    const { repository } = desk.installation.config;
    const runId = newRunId();
    const reason = options.reason ?? null;
    const signing = { repository, verdict, approver, key, reason, runId, actor: session.actor };
    const wanted = ids.length > 0 ? await named(desk, ids) : await listed(desk, options, verdict);
    return decideAll(desk, { runId, wish: verdict, approver }, wanted, (held) => decide(desk, held, signing));
  });
}

/** Has held files sealed anew, on whichever host of their group is alive. */
export async function runHoldReseal(session: Session, ids: readonly string[]): Promise<number> {
  return withDesk(session, async (desk) => {
    const runId = newRunId();
    const reseal = (held: HeldFile) => askHold(desk.post, held, resealUpdate, [{ runId }], runId);
    return decideAll(desk, { runId, wish: 'reseal' }, await named(desk, ids), reseal);
  });
}

async function withDesk<T>(session: Session, work: (desk: Desk) => Promise<T>): Promise<T> {
  const installation = await unlock(session);
  return withCatalog(session, (catalog, where) =>
    withTemporal(installation, where, (client) => {
      const queueOf = (source: string): string => filesQueue(groupOf(installation.config, source));
      const post = { client, queueOf };
      return work({ session, installation, catalog, where, post });
    }),
  );
}

async function decide(
  { installation, catalog, post }: Desk,
  held: HeldFile,
  signing: Signing,
): Promise<Told> {
  const { config, ids } = installation;
  const destination = config.destinations.find(({ name }) => name === held.destination);
  if (destination === undefined) throw new Failure('destination_unknown', { destination: held.destination });
  const attempt = signAttempt(newRunId(), held, destination, signing);
  const host = { ids, hostId: config.host.id };
  await recordAttempt(catalog, host, held, attempt);
  const update = signing.verdict === 'approve' ? approveUpdate : rejectUpdate;
  const told = await askHold(post, held, update, [{ attemptId: attempt.id }], attempt.id);
  if (told.next === 'too_late') await recordLate(catalog, host, held, attempt);
  return told;
}

function requireChoice(ids: readonly string[], options: DecideOptions): void {
  const { source, classification, olderThan, path, all } = options;
  const isChoosing =
    [source, classification, olderThan, path].some((value) => value !== undefined) || all === true;
  if (ids.length > 0 && isChoosing) throw new Failure('usage', { detail: say('holds', 'not_both') });
  if (ids.length === 0 && !isChoosing) throw new Failure('usage', { detail: say('holds', 'name_some') });
}

const named = ({ catalog }: Desk, ids: readonly string[]): Promise<HeldFile[]> =>
  Promise.all([...new Set(ids)].map((id) => namedHold(catalog, id)));

/** What the options choose, listed, and agreed to. Failure `not_confirmed`. */
async function listed(
  { session, installation, catalog, where }: Desk,
  options: DecideOptions,
  verdict: string,
): Promise<HeldFile[]> {
  const chosen: HeldFile[] = [];
  for await (const held of chosenHolds(catalog, options, 'open')) chosen.push(held);
  if (options.yes === true || chosen.length === 0) return chosen;
  const { config } = installation;
  const terms = await approvalTerms(where);
  const rows = await Promise.all(chosen.map((held) => heldRow(catalog, config, held, terms)));
  session.output.note(heldTable(rows, config));
  const agreed = `${verdict} ${chosen.length}`;
  if (!(await confirm(say('holds', 'type_to_go_on', { agreed }), agreed)))
    throw new Failure('not_confirmed', { flag: '--yes' });
  return chosen;
}

interface Run {
  readonly runId: Id;
  readonly wish: 'approve' | 'reject' | 'reseal';
  readonly approver?: string;
}

/** Decides about all of them, some at once, and tells what became of each. */
async function decideAll(
  { session, installation, catalog }: Desk,
  { runId, wish, approver }: Run,
  wanted: readonly HeldFile[],
  ask: (held: HeldFile) => Promise<Told>,
): Promise<number> {
  const { output, signal, actor } = session;
  if (wanted.length === 0) {
    output.line(say('holds', 'no_match'));
    return 0;
  }
  await catalog.startRun({ id: runId, kind: `hold ${wish}`, hostId: installation.config.host.id, actor });
  const rows: DecidedRow[] = [];
  const left = wanted.values();
  const one = async (): Promise<void> => {
    for (const held of left) {
      signal.throwIfAborted();
      const told = await ask(held);
      const row = decidedRow(held, wish, told.next === 'too_late' ? await endOf(catalog, held) : told);
      rows.push(row);
      output.value(row);
      output.line(decidedSentence(row));
      output.progress(say('holds', 'decided', { decided: rows.length, of: wanted.length }));
    }
  };
  let result: RunResult = 'interrupted';
  try {
    await Promise.all(Array.from({ length: Math.min(atOnce, wanted.length) }, one));
    result = rows.some(isFailed) ? 'incomplete' : 'complete';
  } finally {
    await catalog.endRun(runId, result, countResults(rows));
  }
  const refused = rows.find(isFailed);
  if (refused === undefined) return 0;
  if (wanted.length > 1) return 3;
  throw failureOf(refused, approver);
}

async function endOf(catalog: Catalog, { id }: HeldFile): Promise<{ next: 'ended'; state: HoldEnd }> {
  return { next: 'ended', state: (await heldFile(catalog, id)).state as HoldEnd };
}

function countResults(rows: readonly DecidedRow[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { result } of rows) counts[result] = (counts[result] ?? 0) + 1;
  return counts;
}
