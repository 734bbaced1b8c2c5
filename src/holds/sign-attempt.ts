import type { KeyObject } from 'node:crypto';
import type { Catalog } from '../catalog/catalog.ts';
import type { HoldAttemptRow } from '../catalog/rows.ts';
import type { DestinationConfig } from '../config.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import type { HeldFile } from './held.ts';
import { attemptEvent } from './judge-attempt.ts';
import { signStatement, statementOf, termsOf } from './statement.ts';

/** A signature that is not used by then does not count. */
const validForMs = 7 * 86_400_000;

/** What somebody decides, and as whom. */
export interface Signing {
  readonly repository: Id;
  readonly verdict: 'approve' | 'reject';
  readonly approver: string;
  readonly key: KeyObject;
  /** The person's own words. */
  readonly reason: string | null;
  /** The command that brings it, and who runs that. */
  readonly runId: Id;
  readonly actor: string;
}

/** Signs a decision about a held file as it stands now. */
export function signAttempt(
  id: Id,
  held: HeldFile,
  destination: DestinationConfig,
  signing: Signing,
): HoldAttemptRow {
  const { repository, verdict, approver, key, reason, runId, actor } = signing;
  const notAfter = new Date(Date.now() + validForMs).toISOString();
  const statement = statementOf(termsOf(repository, held, destination), { verdict, approver, notAfter });
  return {
    ...{ id, holdId: held.id, runId, verdict, approver, decisionId: held.decisionId },
    ...{ sealedSha256: held.sealedSha256, notAfter, signature: signStatement(statement, key), reason, actor },
  };
}

/** Puts a signed decision on record before anybody judges it, so that no try is lost. */
export function recordAttempt(
  catalog: Catalog,
  host: { readonly ids: Ids; readonly hostId: Id },
  held: HeldFile,
  attempt: HoldAttemptRow,
): Promise<void> {
  return catalog.write({ holdAttempt: attempt, events: [eventOf(host, held, attempt, 'asked')] });
}

/** Records that a decision came when its hold had just ended, and nobody judged it. */
export function recordLate(
  catalog: Catalog,
  host: { readonly ids: Ids; readonly hostId: Id },
  held: HeldFile,
  attempt: HoldAttemptRow,
): Promise<void> {
  const result = 'hold_ended';
  return catalog.write({
    attemptJudged: { id: attempt.id, result },
    events: [eventOf(host, held, attempt, result)],
  });
}

const eventOf = (
  host: { readonly ids: Ids; readonly hostId: Id },
  held: HeldFile,
  attempt: HoldAttemptRow,
  result: string,
) => attemptEvent(host, held, { ...attempt, notAfter: new Date(attempt.notAfter) }, result);
