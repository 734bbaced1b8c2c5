import type { AdmitAnswer, VersionStep } from '../domain/steps.ts';
import { type PipelineContext, versionEvent } from './context.ts';
import { decisionRow } from './evidence.ts';
import { admissionInput, judged } from './policy-input.ts';
import { settle, settledAs } from './settle.ts';

/** Step 3: asks policy whether and how this content may be backed up. Denied: `ignored`, with the rule's id. */
export async function admit(context: PipelineContext, { versionId }: VersionStep): Promise<AdmitAnswer> {
  const version = judged(await context.catalog.version(versionId));
  if (version.outcome !== undefined) return (await settledAs(context, version)) as AdmitAnswer;
  // Admitted already, perhaps under an earlier bundle: its answer got lost, the decision stands.
  if (version.admission !== undefined) return { next: 'scan' };
  const input = admissionInput(version);
  const decision = await context.policy.admit(input);
  const { result } = decision;
  const about = { versionId, gate: 'admission' as const, destination: '', scope: result.scope };
  const change = {
    admission: { versionId, admission: result, bundleRevision: decision.bundleRevision },
    decisions: [decisionRow(context, about, input, decision)],
    events: [
      versionEvent(context, version, {
        step: 'admission',
        facts: {
          allow: result.allow,
          reasons: result.reasons.map((reason) => reason.id),
          classification: result.classification,
          retention: result.retention.class,
          bundle: decision.bundleRevision,
        },
      }),
    ],
  };
  if (!result.allow) return settle(context, version, 'ignored', result.reasons[0]?.id ?? 'denied', change);
  await context.catalog.write(change);
  context.failPoints.reach('after-admission');
  return { next: 'scan' };
}
