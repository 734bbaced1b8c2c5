import type { FileHandle } from 'node:fs/promises';
import { openIncident } from '../audit/incident.ts';
import type { Change, ScanRow } from '../catalog/rows.ts';
import type { Id, ScannerFacts, Verdict } from '../domain/records.ts';
import { type ScanAnswer, type ScanStep, smallContentBytes } from '../domain/steps.ts';
import { ContentChanged, readSegments } from '../files/segment-reader.ts';
import { exceptionOf } from '../quarantine/query.ts';
import { cleanBefore } from './clean-before.ts';
import { type PipelineContext, type StepRun, versionEvent } from './context.ts';
import { withUnchangedFile } from './file.ts';
import { type AdmittedVersion, admitted, scanned } from './policy-input.ts';
import { quarantine, wasReplaced } from './quarantine.ts';
import { abandon, settledAs } from './settle.ts';

/** Step 4: has the content scanned. Only an explicit OK is clean; infected content goes to quarantine. */
export async function scan(context: PipelineContext, input: ScanStep, run: StepRun): Promise<ScanAnswer> {
  const version = admitted(await context.catalog.version(input.versionId));
  if (version.outcome !== undefined) {
    const isReplaced = version.outcome === 'quarantined' && (await wasReplaced(context, version.id));
    return isReplaced ? { next: 'changed' } : settledAs(context, version);
  }
  if (version.verdict?.state === 'infected') return quarantine(context, scanned(version), run);
  if (version.verdict !== undefined) return { next: 'seal' };

  if (!version.admission.scan.required) return recorded(context, version, notRequired, undefined, run);

  const { sha512 } = version.content;
  const before = await cleanBefore(context, [sha512]);
  const earlier = before.scans.get(sha512.toString('hex'));
  const found = earlier ? clean(before.scanner) : await scanContent(context, version, run, input.again);
  if (found === 'changed') return abandon(context, version);
  const verdict = accepted(found, version);
  if (asksForRetry(verdict, version) && !input.last) {
    return { next: 'scanAgain', reason: verdict.reason ?? '' };
  }
  return recorded(context, version, verdict, earlier, run);
}

function asksForRetry({ reason }: Verdict, { admission }: AdmittedVersion): boolean {
  return reason !== undefined && reason !== 'not_required' && admission.scan.notScanned[reason] === 'retry';
}

/** Policy asks for no scan: no scanner said anything. */
export const notRequired: Verdict = {
  ...{ state: 'not_scanned', reason: 'not_required', engine: 'none' },
  ...{ signatureRevision: 'none', signaturesAt: new Date(0).toISOString(), signatureSet: 'custom' },
};

async function recorded(
  context: PipelineContext,
  version: AdmittedVersion,
  verdict: Verdict,
  earlier: Id | undefined,
  run: StepRun,
): Promise<ScanAnswer> {
  const change = scanChange(context, version, verdict, earlier);
  // Durable before the original is moved: whoever goes on after a crash then knows why it is not there.
  await context.catalog.write(await withIncident(context, version, verdict, change));
  context.failPoints.reach('after-scan');
  if (verdict.state === 'infected') return quarantine(context, { ...version, verdict }, run);
  if (verdict.reason !== undefined)
    context.log.warn({ version: version.id, reason: verdict.reason }, 'content was not scanned');
  return { next: 'seal' };
}

/** An infection is an incident from the moment it is known, whatever becomes of the file; not where a person excepted it. */
async function withIncident(
  context: PipelineContext,
  version: AdmittedVersion,
  { state, signature = 'unknown', engine, signatureRevision }: Verdict,
  change: Change,
): Promise<Change> {
  if (state !== 'infected') return change;
  if ((await exceptionOf(context.catalog, version.content.sha512, signature)) !== undefined) return change;
  const { incident, event } = openIncident(context.ids, {
    ...{ kind: 'infection', subject: version.id, run: version.runId, host: context.hostId },
    ...{ source: version.entry.sourceId, version: version.id },
    facts: { signature, engine, signatures: signatureRevision },
  });
  return { ...change, incident, events: [...change.events, event] };
}

/** What step 4 writes. `earlier`: the scan whose verdict was taken over. */
export function scanChange(
  context: PipelineContext,
  version: AdmittedVersion,
  verdict: Verdict,
  earlier: Id | undefined,
): Change & { readonly scan: ScanRow } {
  return {
    scan: scanRow(context, version, verdict, earlier ?? null),
    events: [
      versionEvent(context, version, {
        step: 'scan',
        facts: {
          engine: verdict.engine,
          ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
          reused: earlier !== undefined,
          ...(verdict.signature === undefined ? {} : { signature: verdict.signature }),
          signatureSet: verdict.signatureSet,
          signatures: verdict.signatureRevision,
          signaturesAt: verdict.signaturesAt,
          state: verdict.state,
        },
      }),
    ],
  };
}

/**
 * `changed`: the file is not what was fingerprinted.
 *
 * @param patient the scanner gets as long as it takes by itself
 */
export async function scanContent(
  context: PipelineContext,
  version: AdmittedVersion,
  run: StepRun,
  patient = false,
): Promise<Verdict | 'changed'> {
  try {
    return await context.semaphores.scanner.run(
      () =>
        withUnchangedFile(context, version, (handle) =>
          context.scanner.scan(beating(handle, version, run), {
            sizeBytes: version.content.sizeBytes,
            signal: run.signal,
            // On a busy machine a second scan of large content would only be more of the same work.
            patient: patient || version.content.sizeBytes > smallContentBytes,
          }),
        ),
      run.patienceMs,
    );
  } catch (error) {
    if (error instanceof ContentChanged) return 'changed';
    throw error;
  }
}

/** The content as fingerprinted, segment by segment, with a heartbeat for each. */
async function* beating(handle: FileHandle, version: AdmittedVersion, run: StepRun): AsyncGenerator<Buffer> {
  const expected = { ...version, sizeBytes: version.content.sizeBytes };
  for await (const segment of readSegments(handle, expected)) {
    run.heartbeat();
    yield segment;
  }
}

/** `clean` by signatures that know only the test file counts only where policy says so. */
export function accepted(verdict: Verdict, version: AdmittedVersion): Verdict {
  const knowsNothing = verdict.state === 'clean' && verdict.signatureSet === 'builtin-test';
  if (!knowsNothing || version.admission.scan.allowTestSignatures) return verdict;
  return { ...verdict, state: 'not_scanned', reason: 'stale_signatures' };
}

/** What an earlier scan by this scanner said of the same content. */
export const clean = (scanner: ScannerFacts): Verdict => ({ ...scanner, state: 'clean' });

function scanRow(
  context: PipelineContext,
  version: AdmittedVersion,
  verdict: Verdict,
  reusedFrom: Id | null,
): ScanRow {
  return {
    id: context.ids.scan(version.id, verdict.signatureRevision),
    versionId: version.id,
    sha512: version.content.sha512,
    state: verdict.state,
    reason: verdict.reason ?? null,
    signature: verdict.signature ?? null,
    engine: verdict.engine,
    signatureRevision: verdict.signatureRevision,
    signaturesAt: verdict.signaturesAt,
    signatureSet: verdict.signatureSet,
    reusedFrom,
  };
}
