import { activityInfo, Context } from '@temporalio/activity';
import { judgedFacts, judgedInRun, worstOfRun } from '../src/catalog/judged-query.ts';
import type {
  AdmitAnswer,
  Dependency,
  FailStep,
  FingerprintAnswer,
  FingerprintStep,
  JudgedFacts,
  PlanAnswer,
  ScanAnswer,
  ScanStep,
  SealAndUploadAnswer,
  Settled,
  SweepAnswer,
  SweepFailStep,
  SweepStep,
  UploadAnswer,
  VersionStep,
} from '../src/domain/steps.ts';
import type { Lane, PipelineMetrics } from '../src/observability/metrics/pipeline.ts';
import { admit } from '../src/pipeline/admit.ts';
import type { PipelineContext, StepRun } from '../src/pipeline/context.ts';
import { fingerprint } from '../src/pipeline/fingerprint.ts';
import type { Gates } from '../src/pipeline/gates.ts';
import { planAndRelease } from '../src/pipeline/plan-and-release.ts';
import { recordFailure } from '../src/pipeline/record-failure.ts';
import { scan } from '../src/pipeline/scan.ts';
import { sealAndUpload } from '../src/pipeline/seal-and-upload.ts';
import { upload } from '../src/pipeline/upload.ts';
import { failSweep } from '../src/sweep/end.ts';
import { type SweepContext, sweepSource } from '../src/sweep/sweep.ts';
import { failing, postponed } from './edge.ts';

/** A local activity gives its place in the workflow task back soon; a regular one may stand in line. */
const localPatienceMs = 1_000;
const regularPatienceMs = 7 * 86_400_000;

/**
 * The activities, each one call of a pipeline module. What a step is missing comes back as an answer; an error about
 * the file is thrown with its code and without any path.
 */
export function createActivities(
  context: PipelineContext,
  sweeping: SweepContext,
  gates: Gates,
  metrics: Pick<PipelineMetrics, 'stepTook'>,
) {
  /** Runs a step with heartbeats and, where something is missing, answers so. */
  const step =
    <Input, Answer extends { next: string }>(
      work: (context: PipelineContext, input: Input, run: StepRun) => Promise<Answer>,
      name = work.name,
      lane: Lane = 'single',
    ) =>
    async (input: Input): Promise<Answer> => {
      const began = performance.now();
      try {
        const answer = await beating((run) => work(context, input, run));
        if (!isSettled(answer)) return answer;
        const { versionId } = answer;
        return versionId === undefined
          ? answer
          : { ...answer, judged: await judgedFacts(context.catalog, versionId) };
      } catch (error) {
        return postponed<Answer>(error, context.log);
      } finally {
        metrics.stepTook(lane, name, (performance.now() - began) / 1_000);
      }
    };

  return {
    fingerprint: step<FingerprintStep, FingerprintAnswer>(fingerprint),
    admit: step<VersionStep, AdmitAnswer>(admit),
    scan: step<ScanStep, ScanAnswer>(scan),
    sealAndUpload: step<VersionStep, SealAndUploadAnswer>(sealAndUpload),
    planAndRelease: step<VersionStep, PlanAnswer>(planAndRelease),
    upload: step<VersionStep, UploadAnswer>(upload),

    /** One sweep of a source, from the first entry to the last outcome. */
    sweepSource: step<SweepStep, SweepAnswer>(
      async (_, input, run) => {
        const answer = await sweepSource(sweeping, input, run);
        if (answer.next !== 'swept') return answer;
        const outcome = await worstOfRun(context.catalog, input.runId);
        return {
          ...answer,
          policyRevision: context.bundleRevision,
          ...(outcome === undefined ? {} : { outcome }),
        };
      },
      'sweepSource',
      'sweep',
    ),

    /** Records that a sweep ended in an error, so that nobody takes it for one under way. */
    failSweep: (input: SweepFailStep): Promise<void> =>
      beating(() => failSweep(sweeping, input)).catch((error: unknown) => failing(error, context.log)),

    /** Records an error that ended a look, and tells how policy had judged the file. */
    recordFailure: (input: FailStep): Promise<JudgedFacts> =>
      beating(async (run) => {
        await recordFailure(context, input, run);
        return judgedInRun(context.catalog, input.entryId, input.runId);
      }).catch((error: unknown) => failing(error, context.log)),

    /** Waits until a dependency answers again; spends no attempt of the file that needs it. */
    awaitDependency: (dependency: Dependency): Promise<void> =>
      beating((run) => gates.until(dependency, run.heartbeat, run.signal)),
  };
}

const isSettled = (answer: { next: string }): answer is Settled => answer.next === 'settled';

export type Activities = ReturnType<typeof createActivities>;

/** Heartbeats at most so often, however fast a step reports progress. */
const heartbeatEveryMs = 5_000;

/** Runs the work of an activity with heartbeats, until it is cancelled. */
export async function beating<T>(work: (run: StepRun) => Promise<T>): Promise<T> {
  const { isLocal, workflowExecution } = activityInfo();
  const current = Context.current();
  let last = 0;
  const heartbeat = (): void => {
    const now = Date.now();
    if (isLocal || now - last < heartbeatEveryMs) return;
    last = now;
    current.heartbeat();
  };
  // Waiting for a place or a slow server is no sign of death.
  const timer = isLocal ? undefined : setInterval(heartbeat, heartbeatEveryMs);
  try {
    return await work({
      workflowId: workflowExecution?.workflowId ?? '',
      workflowRunId: workflowExecution?.runId ?? '',
      patienceMs: isLocal ? localPatienceMs : regularPatienceMs,
      heartbeat,
      signal: current.cancellationSignal,
    });
  } finally {
    clearInterval(timer);
  }
}
