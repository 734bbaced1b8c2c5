import type { Catalog } from '../catalog/catalog.ts';
import type { HoldAttemptRow } from '../catalog/rows.ts';
import type { Refusal } from '../domain/holds.ts';
import type { ApprovalTerms, Approver, Id } from '../domain/records.ts';
import type { HeldFile } from './held.ts';
import { type HoldTerms, isSignedBy, statementOf } from './statement.ts';

/** A signed decision as it was brought. */
export interface Attempt extends Omit<HoldAttemptRow, 'notAfter'> {
  readonly notAfter: Date;
  readonly at: Date;
  /** `counted`, `repeated`, or why it does not count; null while it is not judged. */
  readonly result: string | null;
}

const columns = `id, hold_id as "holdId", run_id as "runId", verdict, approver, decision_id as "decisionId",
  sealed_sha256 as "sealedSha256", not_after as "notAfter", signature, reason, actor, at, result`;

/** Undefined where there is none of that id for the hold. */
export async function attemptOf(catalog: Catalog, holdId: Id, attemptId: Id): Promise<Attempt | undefined> {
  const [found] = await catalog.rows<Attempt>(
    `select ${columns} from hold_attempts where id = $1 and hold_id = $2`,
    [attemptId, holdId],
  );
  return found;
}

/** All of a hold, the oldest first. */
export async function attemptsOf(catalog: Catalog, holdId: Id): Promise<Attempt[]> {
  return catalog.rows<Attempt>(`select ${columns} from hold_attempts where hold_id = $1 order by at, id`, [
    holdId,
  ]);
}

/** What decisions are held against: what the hold is about, and who may decide. */
export interface Register {
  readonly terms: HoldTerms;
  readonly approvers: ApprovalTerms['approvers'];
}

/**
 * Why a signed decision does not count; undefined where it does. The signature comes first: what is said by nobody is
 * neither late nor outdated.
 */
export function refusalOf(
  attempt: Attempt,
  held: Pick<HeldFile, 'decisionId' | 'sealedSha256'>,
  { terms, approvers }: Register,
  now = new Date(),
): Refusal | undefined {
  const approver = approvers.find(({ name }) => name === attempt.approver);
  if (approver === undefined) return 'approver_unknown';
  if (!isSigned(attempt, terms, approver)) return 'approval_invalid';
  if (!approver.classifications.includes(terms.classification)) return 'approver_not_entitled';
  const isAboutThis =
    attempt.decisionId === held.decisionId && attempt.sealedSha256.equals(held.sealedSha256);
  if (!isAboutThis) return 'approval_outdated';
  return attempt.notAfter <= now ? 'approval_expired' : undefined;
}

/** As it was signed: of a hold that was judged or sealed anew since, what it was then. */
function isSigned(attempt: Attempt, terms: HoldTerms, { publicKey }: Approver): boolean {
  const { verdict, approver, notAfter } = attempt;
  const signed = {
    ...terms,
    decision: attempt.decisionId,
    sealedSha256: attempt.sealedSha256.toString('hex'),
  };
  const statement = statementOf(signed, { verdict, approver, notAfter: notAfter.toISOString() });
  return isSignedBy(statement, attempt.signature, publicKey);
}

/**
 * The approvals that count now, one of each person, the earliest. They are verified anew each time: a row in the catalog
 * alone lets nothing leave.
 */
export function validApprovals(
  attempts: readonly Attempt[],
  held: Pick<HeldFile, 'decisionId' | 'sealedSha256'>,
  register: Register,
): Attempt[] {
  const byPerson = new Map<string, Attempt>();
  for (const attempt of attempts) {
    if (attempt.verdict !== 'approve' || attempt.result !== 'counted' || byPerson.has(attempt.approver))
      continue;
    if (refusalOf(attempt, held, register) === undefined) byPerson.set(attempt.approver, attempt);
  }
  return [...byPerson.values()];
}
