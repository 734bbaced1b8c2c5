import type { Change } from '../catalog/rows.ts';
import type { AdmissionInput, AdmissionResult, Decision } from '../domain/records.ts';
import type { AdmitAnswer, VersionStep } from '../domain/steps.ts';
import { sealedLengthBound } from '../sealed/seal.ts';
import { destinationOf, type PipelineContext, versionEvent } from './context.ts';
import { decisionRow, evidenceFacts } from './evidence.ts';
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
  const input = admissionInput(version);
  const { allow, fits, reason, change } = await admissionChange(
    context,
    version,
    input,
    await context.policy.admit(input),
  );
  if (!allow) return settle(context, version, 'ignored', reason, change);
  if (!fits) return settle(context, version, tooLarge.outcome, tooLarge.reason, change);
  await context.catalog.write(change);
  context.failPoints.reach('after-admission');
  return { next: 'scan' };
}

/**
 * What step 3 writes. `reason`: the rule that denied; `fits`: the version's destination can store it as one object.
 *
 * @param ordinal how often admission was asked before about this version
 */
export async function admissionChange(
  context: PipelineContext,
  version: JudgedVersion,
  input: AdmissionInput,
  decision: Decision<AdmissionResult>,
  ordinal = 0,
): Promise<{
  readonly allow: boolean;
  readonly fits: boolean;
  readonly reason: string;
  readonly change: Change;
}> {
  const { result } = decision;
  const versionId = version.id;
  const about = { versionId, gate: 'admission' as const, destination: '', scope: result.scope, ordinal };
  const fits = !result.allow || fitsDestinations(context, { ...version, admission: result });
  const row = await decisionRow(context, about, input, decision);
  const change = {
    admission: { versionId, admission: result, bundleRevision: decision.bundleRevision },
    decisions: [row],
    events: [
      versionEvent(context, version, {
        step: 'admission',
        ordinal,
        facts: {
          allow: result.allow,
          reasons: result.reasons.map((reason) => reason.id),
          classification: result.classification,
          retention: result.retention.class,
          bundle: decision.bundleRevision,
          ...evidenceFacts(row),
        },
      }),
      ...(fits ? [] : [versionEvent(context, version, { step: 'fail', facts: tooLarge })]),
    ],
  };
  return { allow: result.allow, fits, reason: result.reasons[0]?.id ?? 'denied', change };
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
