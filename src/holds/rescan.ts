import { openIncident } from '../audit/incident.ts';
import type { Verdict } from '../domain/records.ts';
import { type PipelineContext, type StepRun, versionEvent } from '../pipeline/context.ts';
import type { ScannedVersion } from '../pipeline/policy-input.ts';
import { accepted, scanChange, scanContent } from '../pipeline/scan.ts';
import { isSameScanner } from '../scanner/scanner.ts';
import type { HeldFile } from './held.ts';
import { stagedContent } from './staged-file.ts';

export type ScannedAgain =
  /** `isAsSeen`: whoever approved knew a verdict that was no better. */
  { readonly version: ScannedVersion; readonly isAsSeen: boolean } | 'unreadable';

/**
 * Scans held content once more where the scanner has other signatures than those of its verdict; from the staged bytes or,
 * of a message, which is sealed to others, from its file. `unreadable`: a message whose file is not what was held any more.
 */
export async function scannedAgain(
  context: PipelineContext,
  version: ScannedVersion,
  held: HeldFile,
  run: StepRun,
): Promise<ScannedAgain> {
  if (!version.admission.scan.required) return { version, isAsSeen: true };
  const { verdict } = version;
  if (isSameScanner(await context.scanner.currentFacts(), verdict)) return { version, isAsSeen: true };
  const found =
    held.format === 'openpgp'
      ? await scanContent(context, version, run, true)
      : await scanStaged(context, version, held, run);
  if (found === 'changed') return 'unreadable';
  const now = accepted(found, version);
  await record(context, version, now);
  return { version: { ...version, verdict: now }, isAsSeen: isNoWorse(now, verdict) };
}

const isNoWorse = (now: Verdict, before: Verdict): boolean =>
  now.state === 'clean' ||
  (now.state === 'not_scanned' && before.state === 'not_scanned' && now.reason === before.reason);

function scanStaged(
  context: PipelineContext,
  version: ScannedVersion,
  held: HeldFile,
  run: StepRun,
): Promise<Verdict> {
  const { sizeBytes } = version.content;
  return context.semaphores.scanner.run(
    () => context.scanner.scan(stagedContent(context, held, run), { sizeBytes, signal: run.signal }),
    run.patienceMs,
  );
}

async function record(context: PipelineContext, version: ScannedVersion, verdict: Verdict): Promise<void> {
  const { scan } = scanChange(context, version, verdict, undefined);
  const { state, reason, signature, engine, signatureRevision, signatureSet } = verdict;
  const facts = {
    ...{ state, engine, signatures: signatureRevision, signatureSet, held: true },
    ...(reason === undefined ? {} : { reason }),
    ...(signature === undefined ? {} : { signature }),
  };
  const event = versionEvent(context, version, {
    step: 'rescan',
    among: `${engine} ${signatureRevision}`,
    facts,
  });
  const isNews = state === 'infected' && version.verdict.state !== 'infected';
  if (!isNews) return context.catalog.write({ scan, events: [event] });
  context.log.error({ version: version.id, signature }, 'held content is infected, as newer signatures know');
  const late = openIncident(context.ids, {
    ...{ kind: 'late_detection', subject: scan.id, run: version.runId, host: context.hostId },
    ...{ source: version.entry.sourceId, version: version.id },
    facts: { signature: signature ?? 'unknown', engine, signatures: signatureRevision },
  });
  return context.catalog.write({ scan, incident: late.incident, events: [event, late.event] });
}
