import type { KnownVersion, VersionFacts } from '../catalog/catalog.ts';
import type { Change, StatFacts, VersionRow } from '../catalog/rows.ts';
import { holdsOf, placementStates } from '../catalog/several-query.ts';
import type { Outcome, PlacementState } from '../domain/records.ts';
import type { Changed, Settled } from '../domain/steps.ts';
import { type PipelineContext, versionEvent } from './context.ts';
import type { LookedAt } from './look.ts';
import type { AdmittedVersion } from './policy-input.ts';

/** The settled answer of a version that has its outcome already: a step that ran before runs into it. */
export async function settledAs(context: PipelineContext, version: KnownVersion): Promise<Settled | Changed> {
  const { outcome, reason, id } = version;
  if (outcome === undefined) throw new TypeError('version is not settled');
  if (outcome === 'cancelled') return { next: 'changed' };
  const [holdId, ...otherHoldIds] = outcome === 'held' ? await holdsOf(context.catalog, id) : [];
  return {
    next: 'settled',
    outcome,
    versionId: id,
    ...(reason === undefined ? {} : { reason }),
    ...(holdId === undefined ? {} : { holdId }),
    ...(otherHoldIds.length === 0 ? {} : { otherHoldIds }),
  };
}

/** Gives a fingerprinted version its outcome, together with what else the step writes. */
export async function settle(
  context: PipelineContext,
  version: VersionFacts,
  outcome: Outcome,
  reason: string | null,
  change: Change,
): Promise<Settled> {
  await context.catalog.write({ ...change, ...settling(version, outcome, reason) });
  return settledAnswer(version, outcome, reason);
}

/** A version that has more destinations than the one at hand ends with the last of them. */
export function settling(
  version: Pick<VersionFacts, 'id' | 'entry' | 'observation' | 'hint' | 'runId'> &
    Partial<Pick<VersionFacts, 'mtimeNs' | 'noticedAt'>> &
    Pick<AdmittedVersion, 'elsewhere'>,
  outcome: Outcome,
  reason: string | null,
): Pick<Change, 'settle' | 'reservationEnded'> {
  if (version.elsewhere === 'pending') return { reservationEnded: { versionId: version.id } };
  return {
    settle: {
      versionId: version.id,
      entryId: version.entry.id,
      observation: version.observation,
      hint: version.hint,
      runId: version.runId,
      outcome,
      reason,
      ...dueSince(version),
    },
    reservationEnded: { versionId: version.id },
  };
}

/** A file's own time may lie in the future, or say anything: it counts where it is later than the event, and past. */
function dueSince({ noticedAt, mtimeNs = 0n }: Partial<Pick<VersionFacts, 'mtimeNs' | 'noticedAt'>>): {
  dueSinceMs?: number;
} {
  if (noticedAt === undefined) return {};
  const [noticedMs, changedMs] = [noticedAt.getTime(), Number(mtimeNs / 1_000_000n)];
  return { dueSinceMs: changedMs > noticedMs && changedMs <= Date.now() ? changedMs : noticedMs };
}

export function settledAnswer(version: { id: string }, outcome: Outcome, reason: string | null): Settled {
  return { next: 'settled', outcome, versionId: version.id, ...(reason === null ? {} : { reason }) };
}

/**
 * The file moved on while its version was in work: the version ends, another look follows. What has reached one of several
 * destinations by then is a version like any other, and is copied to the rest from there.
 */
export async function abandon(
  context: PipelineContext,
  version: VersionFacts & Pick<AdmittedVersion, 'elsewhere'>,
  change: Partial<Change> = {},
): Promise<Changed> {
  if (isOnItsWay(version) && (await endWithSome(context, { ...version, hint: 0 }, new Map(), change)))
    return { next: 'changed' };
  await context.catalog.write({
    ...change,
    ...settling({ ...version, hint: 0 }, 'cancelled', 'changed'),
    events: [
      ...(change.events ?? []),
      versionEvent(context, version, { step: 'fail', facts: { outcome: 'cancelled', reason: 'changed' } }),
    ],
  });
  return { next: 'changed' };
}

type OnItsWay = VersionFacts & Pick<AdmittedVersion, 'admission' | 'elsewhere'>;

const isOnItsWay = (version: VersionFacts & Pick<AdmittedVersion, 'elsewhere'>): version is OnItsWay =>
  version.elsewhere !== undefined && version.admission !== undefined;

/**
 * Ends a version by the destinations that have taken it, if any has: the rest waits for copies from there.
 *
 * @param reasons why a destination has not taken it; `source_changed` where nothing is said
 * @returns whether one has
 */
export async function endWithSome(
  context: PipelineContext,
  version: VersionFacts & Pick<AdmittedVersion, 'admission'>,
  reasons: ReadonlyMap<string, string>,
  change: Partial<Change> = {},
): Promise<boolean> {
  const states = await placementStates(context.catalog, version.id);
  const isIn = (name: string, ...wanted: PlacementState[]): boolean =>
    wanted.some((state) => state === states.get(name));
  const names = version.admission.destinations;
  if (!names.some((name) => isIn(name, 'committed', 'held'))) return false;
  const rest = names.filter((name) => !isIn(name, 'committed', 'held', 'denied', 'failed'));
  const reasonOf = (name: string): string => reasons.get(name) ?? 'source_changed';
  await context.catalog.write({
    ...change,
    placements: rest.map((destination) => ({
      ...{ versionId: version.id, destination, objectId: null, byteOffset: 0, length: null },
      ...{ state: 'planned', reason: reasonOf(destination) },
    })),
    ...settling({ ...version, elsewhere: 'done' }, 'uploaded', null),
    events: [
      ...(change.events ?? []),
      ...rest.map((destination) =>
        versionEvent(context, version, {
          ...{ step: 'placement', destination, among: JSON.stringify([destination, reasonOf(destination)]) },
          facts: { state: 'planned', reason: reasonOf(destination) },
        }),
      ),
    ],
  });
  return true;
}

/** The row of a version that this look makes. `stat`: what was seen; undefined where nothing could be. */
export function versionRow(
  context: PipelineContext,
  look: LookedAt,
  stat: StatFacts | undefined,
  more: Partial<VersionRow> = {},
): VersionRow {
  const facts = stat ?? look.head ?? nothing;
  return {
    id: context.ids.version(look.entry.id, look.number),
    entryId: look.entry.id,
    observation: look.number,
    runId: look.runId,
    workflowId: look.workflowId,
    kind: facts.kind,
    sizeBytes: facts.sizeBytes,
    mode: facts.mode,
    uid: facts.uid,
    gid: facts.gid,
    mtimeNs: facts.mtimeNs,
    ctimeNs: facts.ctimeNs,
    device: facts.device,
    inode: facts.inode,
    linkTarget: null,
    hardlink: null,
    xattrs: null,
    xattrsDropped: null,
    sha512: null,
    segmentSize: null,
    segmentHashes: null,
    ...more,
  };
}

const nothing: StatFacts = {
  kind: 'file',
  sizeBytes: 0,
  mode: 0,
  uid: 0n,
  gid: 0n,
  mtimeNs: 0n,
  ctimeNs: 0n,
  device: 0n,
  inode: 0n,
};
