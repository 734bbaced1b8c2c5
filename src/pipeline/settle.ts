import type { KnownVersion, VersionFacts } from '../catalog/catalog.ts';
import type { Change, StatFacts, VersionRow } from '../catalog/rows.ts';
import type { Outcome } from '../domain/records.ts';
import type { Changed, Settled } from '../domain/steps.ts';
import { type PipelineContext, versionEvent } from './context.ts';
import type { LookedAt } from './look.ts';

/** The settled answer of a version that has its outcome already: a step that ran before runs into it. */
export async function settledAs(context: PipelineContext, version: KnownVersion): Promise<Settled | Changed> {
  const { outcome, reason, id } = version;
  if (outcome === undefined) throw new TypeError('version is not settled');
  if (outcome === 'cancelled') return { next: 'changed' };
  const hold = outcome === 'held' ? await context.catalog.holdOf(id) : undefined;
  return {
    next: 'settled',
    outcome,
    versionId: id,
    ...(reason === undefined ? {} : { reason }),
    ...(hold === undefined ? {} : { holdId: hold.id }),
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

export function settling(
  version: Pick<VersionFacts, 'id' | 'entry' | 'observation' | 'hint' | 'runId'>,
  outcome: Outcome,
  reason: string | null,
): Pick<Change, 'settle' | 'reservationEnded'> {
  return {
    settle: {
      versionId: version.id,
      entryId: version.entry.id,
      observation: version.observation,
      hint: version.hint,
      runId: version.runId,
      outcome,
      reason,
    },
    reservationEnded: { versionId: version.id },
  };
}

export function settledAnswer(version: { id: string }, outcome: Outcome, reason: string | null): Settled {
  return { next: 'settled', outcome, versionId: version.id, ...(reason === null ? {} : { reason }) };
}

/** The file moved on while its version was in work: the version ends, another look follows. */
export async function abandon(
  context: PipelineContext,
  version: VersionFacts,
  change: Partial<Change> = {},
): Promise<Changed> {
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
