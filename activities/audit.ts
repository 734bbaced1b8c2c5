import type { Logger } from 'pino';
import { type RecordedAuditDeps, recordedAuditVerify } from '../src/audit/recorded-run.ts';
import { breaches } from '../src/audit/verify.ts';
import type { AuditVerifyAnswer, AuditVerifyStep } from '../src/domain/steps.ts';
import { postponed } from './edge.ts';
import { beating } from './index.ts';

export function createAuditActivities(deps: RecordedAuditDeps, log: Logger) {
  return {
    /** Holds the whole audit trail against its heads and anchors, and opens an incident for each breach. */
    verifyAuditTrail: (input: AuditVerifyStep): Promise<AuditVerifyAnswer> =>
      beating((run) => verifyAuditTrail(deps, log, input, run.signal)).catch((error: unknown) =>
        postponed<AuditVerifyAnswer>(error, log),
      ),
  };
}

export type AuditActivities = ReturnType<typeof createAuditActivities>;

async function verifyAuditTrail(
  deps: RecordedAuditDeps,
  log: Logger,
  { runId }: AuditVerifyStep,
  signal: AbortSignal,
): Promise<AuditVerifyAnswer> {
  const summary = await recordedAuditVerify(deps, { runId, actor: 'holdfast', signal });
  const found = breaches(summary);
  if (found > 0)
    log.error(
      { run: runId, findings: summary.findings },
      'the audit trail is not as it was signed: run `holdfast audit verify`',
    );
  const { events, heads, anchors } = summary;
  return { next: 'verified', events, heads, anchors, breaches: found };
}
