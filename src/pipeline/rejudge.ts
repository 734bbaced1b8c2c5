import type { EntryRef, VersionFacts } from '../catalog/catalog.ts';
import {
  admissionsAsked,
  headsOfOtherEpochs,
  type StandingPlacement,
  standingPlacements,
} from '../catalog/policy-query.ts';
import type { Change } from '../catalog/rows.ts';
import type { AdmissionResult, Decision, Id, PolicyReason } from '../domain/records.ts';
import { undefinedAnswer } from '../policy/engine.ts';
import { type Admitted, type AskedAdmission, admissionChanges, askAdmission } from './admit.ts';
import type { Destination, PipelineContext, StepRun } from './context.ts';
import { type JudgedVersion, judged, type ScannedVersion } from './policy-input.ts';
import { type AskedRelease, askRelease, releasedAll, type ToAsk } from './release.ts';
import { statedSealing } from './sealing.ts';
import { towards } from './several.ts';
import { troubleOf } from './trouble.ts';

/** How many versions are judged with one question to each gate. */
const pageVersions = 500;

/**
 * Judges anew, after a switch of the policy, what stands of a source: from stored facts, without looking at a file. Gives the
 * entries that policy now wants otherwise, page by page: they need a look of their own. What is denied now stays where it is,
 * and its next change is not taken. May be cut off and run again.
 */
export async function* rejudgeSource(
  context: PipelineContext,
  { sourceId, runId }: { readonly sourceId: Id; readonly runId: Id },
  run: Pick<StepRun, 'heartbeat' | 'signal'>,
): AsyncGenerator<DueFile[]> {
  for (let after = ''; ; ) {
    run.signal.throwIfAborted();
    run.heartbeat();
    const revisions = await context.judgedAlike(sourceId);
    const page = await headsOfOtherEpochs(context.catalog, {
      sourceId,
      revisions,
      after,
      most: pageVersions,
    });
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.entryId;
    yield await rejudge(
      context,
      page.map(({ versionId }) => versionId),
      runId,
    );
  }
}

/** The same for up to {@link pageVersions} versions that are their entries' heads. */
async function rejudge(context: PipelineContext, versionIds: readonly Id[], runId: Id): Promise<DueFile[]> {
  const { catalog } = context;
  const known = [...(await catalog.versions(versionIds)).values()].filter(isWhole);
  // Events tell of the run that asked, not of the one that made the version.
  const versions = known.map((version) => judged({ ...version, runId }));
  const asked = await admissionsAsked(catalog, versionIds);
  const placements = Map.groupBy(await standingPlacements(catalog, versionIds), ({ versionId }) => versionId);
  const due: DueFile[] = [];
  const asIs: AskedAdmission[] = [];
  for (const answer of await askAdmission(context, versions)) {
    const { version, decision } = answer;
    // An answer that cannot be understood changes nothing; the next sweep asks again.
    if (isUndefined(decision)) continue;
    if (wantsLook(version, decision.result, placements.get(version.id) ?? [])) due.push(dueFile(version));
    else asIs.push({ ...answer, ordinal: asked.get(version.id) ?? 0 });
  }
  const changes = await admissionChanges(context, asIs);
  const standing = asIs.map(({ version, decision }, index): Standing => {
    const { change } = changes[index] as Admitted;
    // What else admission looks at, whether it fits into an object, was settled when it was stored.
    const events = change.events.slice(0, 1);
    return {
      ...{ version, decision, stands: placements.get(version.id) ?? [] },
      change: { ...change, admission: kept(version, decision), events },
    };
  });
  return [...due, ...(await rerelease(context, standing))];
}

/** A file that needs a look of its own. */
export interface DueFile {
  readonly entry: EntryRef;
  readonly kind: 'file';
  readonly sizeBytes: number;
}

const dueFile = ({ entry, content }: JudgedVersion): DueFile => ({
  entry,
  kind: 'file',
  sizeBytes: content.sizeBytes,
});

const isUndefined = ({ result }: Decision<{ readonly reasons: readonly PolicyReason[] }>): boolean =>
  result.reasons.some(({ id }) => id === undefinedAnswer);

/** A version that policy wants no otherwise than it is, as far as admission goes. */
interface Standing {
  readonly version: JudgedVersion;
  readonly decision: Decision<AdmissionResult>;
  readonly change: Change;
  readonly stands: readonly StandingPlacement[];
}

function isWhole({ content, admission }: VersionFacts): boolean {
  return content !== undefined && admission !== undefined;
}

/** Whether what is there is not what policy wants: it is not protected, or not so, or not there. */
function wantsLook(
  { admission: was, outcome }: JudgedVersion,
  now: AdmissionResult,
  stands: readonly StandingPlacement[],
): boolean {
  if (!now.allow || was === undefined || outcome === 'quarantined') return false;
  if (!was.allow) return true;
  const there = new Set(stands.map(({ destination }) => destination));
  return (
    was.scope !== now.scope ||
    was.format !== now.format ||
    (was.retention.mode !== now.retention.mode && now.retention.mode === 'COMPLIANCE') ||
    now.destinations.some((name) => !there.has(name))
  );
}

/**
 * What stands of admission from now on. What was taken in stays under the terms it was taken in by where it is denied now, so
 * that nothing of it is lost early.
 */
function kept(
  { id, admission }: JudgedVersion,
  { result, bundleRevision }: Decision<AdmissionResult>,
): NonNullable<Change['admission']> {
  const isTaken = admission?.allow === true && !result.allow;
  return { versionId: id, admission: isTaken ? admission : result, bundleRevision };
}

/** Asks release about what rests somewhere, waits to, or was kept from it, and records all; gives what may go only now. */
async function rerelease(context: PipelineContext, standing: readonly Standing[]): Promise<DueFile[]> {
  const wanted: (ToAsk & { readonly of: Standing; readonly placement: StandingPlacement })[] = [];
  const unanswered = new Set<Standing>();
  for (const of of standing) {
    for (const placement of of.stands) {
      const destination = context.destinations.get(placement.destination);
      const version = askedAs(of, destination);
      if (version === undefined || destination === undefined) continue;
      const sealing = statedSealing(context, version, 'existing-object', placement.keyId);
      const ordinal = placement.releasesAsked;
      // What rests in a destination that is away is asked about by a later sweep.
      if (!(await answers(destination))) unanswered.add(of);
      else wanted.push({ of, placement, version, destination, sealing, ordinal });
    }
  }
  const answered = Map.groupBy(await askRelease(context, wanted), ({ of }) => of);
  const due: DueFile[] = [];
  const told: AskedRelease[] = [];
  const recorded: Standing[] = [];
  for (const of of standing) {
    const own = answered.get(of) ?? [];
    if (own.some(({ placement, decision }) => placement.state !== 'committed' && decision.result.allow)) {
      due.push(dueFile(of.version));
      continue;
    }
    if (unanswered.has(of) || own.some(({ decision }) => isUndefined(decision))) continue;
    recorded.push(of);
    told.push(...own);
  }
  const released = Map.groupBy(await releasedAll(context, told), ({ row }) => row.versionId);
  const changes = recorded.map(({ version, change }): Change => {
    const own = released.get(version.id) ?? [];
    return {
      ...change,
      decisions: [...(change.decisions ?? []), ...own.map(({ row }) => row)],
      events: [...change.events, ...own.map(({ event }) => event)],
    };
  });
  await Promise.all(changes.map((change) => context.catalog.write(change)));
  return due;
}

async function answers(destination: Destination): Promise<boolean> {
  try {
    await destination.facts();
    return true;
  } catch (error) {
    if (troubleOf(error) === undefined) throw error;
    return false;
  }
}

/** As release is asked about it: by its new terms where it is admitted. Undefined where nothing was ever scanned. */
function askedAs(
  { version, decision }: Standing,
  destination: Destination | undefined,
): ScannedVersion | undefined {
  if (version.verdict === undefined || destination === undefined) return undefined;
  const admission = decision.result.allow ? decision.result : version.admission;
  if (admission === undefined) return undefined;
  return towards({ ...version, verdict: version.verdict, admission }, destination);
}
