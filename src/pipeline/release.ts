import type { AuditRow, DecisionRow } from '../catalog/rows.ts';
import type { Decision, PolicyReason, ReleaseInput, ReleaseResult } from '../domain/records.ts';
import { type Destination, type PipelineContext, versionEvent } from './context.ts';
import { decisionRows, evidenceFacts } from './evidence.ts';
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
  const ordinal = await context.catalog.releasesAsked({
    versionId: version.id,
    destination: destination.config.name,
  });
  const asked = await askRelease(context, [{ version, destination, sealing, ordinal }]);
  const [answer] = await releasedAll(context, asked);
  if (answer === undefined) throw new TypeError('a question without its answer');
  return answer;
}

/** What release is to judge. */
export interface ToAsk {
  readonly version: ScannedVersion;
  readonly destination: Destination;
  readonly sealing: ReleaseInput['sealing'];
  /** How often release was asked before about this version and destination. */
  readonly ordinal: number;
}

/** Asks release about versions and destinations, with one question, as of one moment; in the order given. */
export async function askRelease<Asking extends ToAsk>(
  context: PipelineContext,
  wanted: readonly Asking[],
): Promise<(Asking & AskedRelease)[]> {
  const at = new Date();
  const inputs: ReleaseInput[] = [];
  for (const { version, destination, sealing } of wanted) {
    const asked = { name: destination.config.name, facts: await destination.facts() };
    inputs.push(releaseInput(version, asked, sealing, at));
  }
  const decisions = await context.policy.releaseMany(inputs);
  return wanted.map((one, index) => ({
    ...one,
    input: inputs[index] as ReleaseInput,
    decision: decisions[index] as Decision<ReleaseResult>,
  }));
}

/** A question to release, and its answer. */
export interface AskedRelease extends Pick<ToAsk, 'version' | 'ordinal'> {
  readonly input: ReleaseInput;
  readonly decision: Decision<ReleaseResult>;
}

/** What questions that were asked together, and their answers, leave in the trail; in the order given. */
export async function releasedAll(
  context: PipelineContext,
  asked: readonly AskedRelease[],
): Promise<Released[]> {
  const rows = await decisionRows(
    context,
    asked.map(({ version, input, decision, ordinal }) => ({
      ...{ versionId: version.id, gate: 'release', destination: input.destination.name },
      ...{ scope: version.admission.scope, ordinal, input, decision },
    })),
  );
  return rows.map((row, index) => released(context, asked[index] as AskedRelease, row));
}

function released(
  context: PipelineContext,
  { version, input, decision, ordinal }: AskedRelease,
  row: DecisionRow,
): Released {
  const { allow, reasons, approvals, transferAuthorisation } = decision.result;
  return {
    allow,
    reasons,
    row,
    event: versionEvent(context, version, {
      step: 'release',
      destination: input.destination.name,
      ordinal,
      facts: {
        allow,
        ...(version.held === undefined ? {} : { approvals }),
        basis: input.sealing.basis,
        bundle: decision.bundleRevision,
        ...evidenceFacts(row),
        reasons: reasons.map((reason) => reason.id),
        ...(transferAuthorisation === undefined ? {} : { transferAuthorisation }),
      },
    }),
  };
}
