import { auditEvent } from '../audit/event.ts';
import { openIncident } from '../audit/incident.ts';
import type { AuditRow, Change } from '../catalog/rows.ts';
import type { AttemptStep, JudgedAttempt, Refusal } from '../domain/holds.ts';
import { destinationOf } from '../pipeline/context.ts';
import { type Attempt, attemptOf, attemptsOf, type Register, refusalOf, validApprovals } from './attempts.ts';
import type { HoldDeps } from './deps.ts';
import { type HeldFile, heldFile } from './held.ts';
import { termsOf } from './statement.ts';

/** Verifies a signed decision, and records what became of it: counted, repeated, refused, or too late. */
export async function judgeAttempt(
  deps: HoldDeps,
  { holdId, attemptId }: AttemptStep,
): Promise<JudgedAttempt> {
  const { context } = deps;
  const attempt = await attemptOf(context.catalog, holdId, attemptId);
  if (attempt === undefined) return { next: 'refused', code: 'hold_unknown' };
  const held = await heldFile(context.catalog, holdId);
  const { register, needed } = await registerOf(deps, held);
  const before = validApprovals(await attemptsOf(context.catalog, holdId), held, register);
  // Judged when it was tried before: the same answer again.
  const result = (attempt.result as Result | null) ?? resultOf(attempt, held, register, before);
  if (attempt.result === null) await record(deps, held, attempt, result, register);
  if (held.state !== 'open') return { next: 'ended', state: held.state };
  if (result !== 'counted' && result !== 'repeated') return { next: 'refused', code: result as Refusal };
  if (attempt.verdict === 'reject') return { next: 'enough' };
  const persons = new Set([...before.map(({ approver }) => approver), attempt.approver]);
  if (persons.size >= needed) return { next: 'enough' };
  return { next: result, approvals: persons.size, needed };
}

/** Who may decide about a held file, what about, and how many of them it takes. */
export async function registerOf(
  { context, repository }: Pick<HoldDeps, 'context' | 'repository'>,
  held: HeldFile,
): Promise<{ readonly register: Register; readonly needed: number }> {
  const { result } = await context.policy.approvalTerms();
  const terms = termsOf(repository, held, destinationOf(context, held.destination).config);
  return {
    register: { terms, approvers: result.approvers },
    needed: result.required[terms.classification],
  };
}

type Result = 'counted' | 'repeated' | 'hold_ended' | Refusal;

function resultOf(attempt: Attempt, held: HeldFile, register: Register, before: readonly Attempt[]): Result {
  const refusal = refusalOf(attempt, held, register);
  // Whoever forges is told nothing else, and is on record as that.
  if (refusal === 'approval_invalid' || refusal === 'approver_unknown') return refusal;
  if (held.state !== 'open') return 'hold_ended';
  if (refusal !== undefined) return refusal;
  const isAgain =
    attempt.verdict === 'approve' && before.some(({ approver }) => approver === attempt.approver);
  return isAgain ? 'repeated' : 'counted';
}

async function record(
  { context }: HoldDeps,
  held: HeldFile,
  attempt: Attempt,
  result: Result,
  register: Register,
): Promise<void> {
  const change: Change = {
    attemptJudged: { id: attempt.id, result },
    events: [attemptEvent(context, held, attempt, result, register)],
  };
  if (result === 'approval_invalid' || result === 'approver_unknown')
    context.log.error(
      { hold: held.id, attempt: attempt.id, result },
      'a decision about a hold was not signed by whom it names',
    );
  await context.catalog.write(
    result === 'approval_invalid' ? withIncident(context, attempt, change) : change,
  );
}

/**
 * The trail has the signature and all that it is about, so that it proves the decision without the catalog. `result`: as
 * judged, or `asked` before.
 */
export function attemptEvent(
  { ids, hostId }: Pick<HoldDeps['context'], 'ids' | 'hostId'>,
  held: HeldFile,
  attempt: Omit<Attempt, 'at' | 'result'>,
  result: string,
  register?: Register,
): AuditRow {
  return auditEvent(ids, {
    ...{ subject: attempt.id, step: 'approval', run: attempt.runId, host: hostId, actor: attempt.actor },
    ...{ version: held.versionId, destination: held.destination, among: result },
    facts: {
      hold: held.id,
      verdict: attempt.verdict,
      approver: attempt.approver,
      result,
      decision: attempt.decisionId,
      sealedSha256: attempt.sealedSha256.toString('hex'),
      notAfter: attempt.notAfter.toISOString(),
      signature: attempt.signature.toString('base64url'),
      ...(register === undefined ? {} : judgedFacts(register, attempt)),
    },
  });
}

/** What the signature is about beside what the attempt says, and whose it has to be. */
function judgedFacts({ terms, approvers }: Register, { approver }: Pick<Attempt, 'approver'>) {
  const { sha512, classification, lock } = terms;
  const publicKey = approvers.find(({ name }) => name === approver)?.publicKey;
  return {
    ...{ sha512, classification, lockMode: lock.mode, lockDays: lock.days },
    ...(publicKey === undefined ? {} : { publicKey }),
  };
}

/** One incident for each command, however many holds it tried. */
function withIncident({ ids, hostId }: HoldDeps['context'], attempt: Attempt, change: Change): Change {
  const { incident, event } = openIncident(ids, {
    ...{ kind: 'policy_bypass', subject: attempt.runId, run: attempt.runId, host: hostId },
    facts: { what: 'approval_invalid', approver: attempt.approver },
  });
  return { ...change, incident, events: [...change.events, event] };
}
