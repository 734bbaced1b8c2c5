import type { Change, DecisionRow } from '../catalog/rows.ts';
import type { AdmissionInput, AdmissionResult, Decision } from '../domain/records.ts';
import type { AdmitAnswer, VersionStep } from '../domain/steps.ts';
import { sealedLengthBound } from '../sealed/seal.ts';
import { destinationOf, type PipelineContext, versionEvent } from './context.ts';
import { decisionRows, evidenceFacts } from './evidence.ts';
import { type AdmittedVersion, admissionInput, type JudgedVersion, judged } from './policy-input.ts';
import { unsealedPlan } from './sealing.ts';
import { settle, settledAs } from './settle.ts';

/** Metadata takes at most 1 MiB, the segment table of the largest content 80 MiB. */
const longestOverheadBytes = 128 * 1024 * 1024;

const tooLarge = { outcome: 'failed', reason: 'object_too_large' } as const;

/**
 * Step 3: asks policy whether and how this content may be backed up. Denied: `ignored`, with the rule's id. What one of its
 * destinations could not store as one object is `failed` here, before it is scanned, sealed and sent.
 */
export async function admit(context: PipelineContext, { versionId }: VersionStep): Promise<AdmitAnswer> {
  const version = judged(await context.catalog.version(versionId));
  if (version.outcome !== undefined) return (await settledAs(context, version)) as AdmitAnswer;
  // Admitted already, perhaps under an earlier bundle: its answer got lost, the decision stands.
  if (version.admission !== undefined) return { next: 'scan' };
  const [admitted] = await admissionChanges(context, await askAdmission(context, [version]));
  if (admitted === undefined) throw new TypeError('a question without its answer');
  const { allow, fits, reason, change } = admitted;
  if (!allow) return settle(context, version, 'ignored', reason, change);
  if (!fits) return settle(context, version, tooLarge.outcome, tooLarge.reason, change);
  await context.catalog.write(change);
  context.failPoints.reach('after-admission');
  return { next: 'scan' };
}

/** A question to admission, and its answer. */
export interface AskedAdmission {
  readonly version: JudgedVersion;
  readonly input: AdmissionInput;
  readonly decision: Decision<AdmissionResult>;
  /** How often admission was asked before about this version; absent: never. */
  readonly ordinal?: number;
}

/** Asks admission about versions, with one question; in the order given. */
export async function askAdmission(
  context: PipelineContext,
  versions: readonly JudgedVersion[],
): Promise<AskedAdmission[]> {
  const inputs = versions.map(admissionInput);
  const decisions = await context.policy.admitMany(inputs);
  return versions.map((version, index) => ({
    version,
    input: inputs[index] as AdmissionInput,
    decision: decisions[index] as Decision<AdmissionResult>,
  }));
}

export interface Admitted {
  readonly allow: boolean;
  /** As the decision says, whether it allows or not. */
  readonly version: AdmittedVersion;
  /** The version's destinations can store it as one object. */
  readonly fits: boolean;
  /** The rule that denied. */
  readonly reason: string;
  readonly change: Change;
}

/** What step 3 writes of questions that were asked together; in the order given. */
export async function admissionChanges(
  context: PipelineContext,
  asked: readonly AskedAdmission[],
): Promise<Admitted[]> {
  const rows = await decisionRows(
    context,
    asked.map(({ version, input, decision, ordinal = 0 }) => ({
      ...{ versionId: version.id, gate: 'admission', destination: '' },
      ...{ scope: decision.result.scope, ordinal, input, decision },
    })),
  );
  return rows.map((row, index) => admittedBy(context, asked[index] as AskedAdmission, row));
}

function admittedBy(
  context: PipelineContext,
  { version: judgedVersion, decision: { result, bundleRevision }, ordinal = 0 }: AskedAdmission,
  row: DecisionRow,
): Admitted {
  const version = { ...judgedVersion, admission: result };
  const fits = !result.allow || fitsDestinations(context, version);
  const change = {
    admission: { versionId: version.id, admission: result, bundleRevision },
    decisions: [row],
    events: [
      versionEvent(context, version, {
        step: 'admission',
        ordinal,
        facts: {
          allow: result.allow,
          bundle: bundleRevision,
          classification: result.classification,
          ...evidenceFacts(row),
          reasons: result.reasons.map((reason) => reason.id),
          retention: result.retention.class,
        },
      }),
      ...(fits ? [] : [versionEvent(context, version, { step: 'fail', facts: tooLarge })]),
    ],
  };
  return { allow: result.allow, version, fits, reason: result.reasons[0]?.id ?? 'denied', change };
}

/** By the longest that the sealed file can get: how far it compresses is known only when it is sealed. */
function fitsDestinations(context: PipelineContext, version: AdmittedVersion): boolean {
  const sizes = version.admission.destinations.map(
    (name) => destinationOf(context, name).config.maxObjectSize,
  );
  const smallest = Math.min(...sizes);
  // Metadata is encoded only where it matters: it is most of this step's work.
  return (
    version.content.sizeBytes + longestOverheadBytes <= smallest ||
    sealedLengthBound(unsealedPlan(version)) <= smallest
  );
}
