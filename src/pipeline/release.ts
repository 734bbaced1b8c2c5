import type { AuditRow, DecisionRow } from '../catalog/rows.ts';
import type { Decision, PolicyReason, ReleaseInput, ReleaseResult } from '../domain/records.ts';
import { type Destination, type PipelineContext, versionEvent } from './context.ts';
import { decisionRow, evidenceFacts } from './evidence.ts';
import { releaseInput, type ScannedVersion } from './policy-input.ts';

/** How long a decision is good for until the first byte goes out. */
export const decisionMinutes = 15;

export interface Released {
  readonly allow: boolean;
  readonly reasons: readonly PolicyReason[];
  readonly row: DecisionRow;
  readonly event: AuditRow;
}

/**
 * Step 6: asks policy whether this content may go, sealed like this, to this destination.
 * Each question about a version is numbered, so that none takes the place of another in the trail.
 */
export async function release(
  context: PipelineContext,
  version: ScannedVersion,
  destination: Destination,
  sealing: ReleaseInput['sealing'],
): Promise<Released> {
  const { name } = destination.config;
  const input = releaseInput(version, { name, facts: await destination.facts() }, sealing);
  const ordinal = await context.catalog.releasesAsked({ versionId: version.id, destination: name });
  const decision = await context.policy.release(input);
  return released(context, version, { input, decision, ordinal });
}

/** What a question to release, and its answer, leave in the trail. */
export async function released(
  context: PipelineContext,
  version: ScannedVersion,
  asked: {
    readonly input: ReleaseInput;
    readonly decision: Decision<ReleaseResult>;
    /** How often release was asked before about this version and destination. */
    readonly ordinal: number;
  },
): Promise<Released> {
  const { input, decision, ordinal } = asked;
  const { allow, reasons, approvals, transferAuthorisation } = decision.result;
  const destination = input.destination.name;
  const { scope } = version.admission;
  const about = { versionId: version.id, gate: 'release' as const, destination, scope, ordinal };
  const row = await decisionRow(context, about, input, decision);
  return {
    allow,
    reasons,
    row,
    event: versionEvent(context, version, {
      step: 'release',
      destination,
      ordinal,
      facts: {
        allow,
        reasons: reasons.map((reason) => reason.id),
        basis: input.sealing.basis,
        bundle: decision.bundleRevision,
        ...evidenceFacts(row),
        ...(version.held === undefined ? {} : { approvals }),
        ...(transferAuthorisation === undefined ? {} : { transferAuthorisation }),
      },
    }),
  };
}
