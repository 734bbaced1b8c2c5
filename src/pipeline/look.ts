import type { BigIntStats } from 'node:fs';
import { auditEvent } from '../audit/event.ts';
import type { EntryRef, KnownVersion } from '../catalog/catalog.ts';
import type { Change, ContentRow, StatFacts, VersionRow } from '../catalog/rows.ts';
import {
  type Attributes,
  noAttributes,
  type RecordedAttributes,
  sameAttributes,
} from '../domain/attributes.ts';
import type { Id, Outcome } from '../domain/records.ts';
import type { Fingerprint } from '../files/fingerprint.ts';
import { undefinedAnswer } from '../policy/engine.ts';
import { type PipelineContext, versionEvent } from './context.ts';
import { sameMetadata, statFacts } from './file.ts';
import { exceptionRule } from './quarantine.ts';
import { versionRow } from './settle.ts';

/** One look at an entry: what is told about it is written under this number. */
export interface LookedAt {
  readonly entry: EntryRef;
  /** The observation number drawn for it. */
  readonly number: number;
  /** What the look answers. */
  readonly hint: number;
  readonly runId: Id;
  readonly workflowId: string;
  /** When the oldest event came that it answers; only batches, whose versions nobody reads back, carry it. */
  readonly noticedAt?: Date;
  /** The entry's newest settled version. */
  readonly head?: KnownVersion;
}

/** What an entry is now, besides its stat. */
export interface State {
  readonly sha512?: Buffer | undefined;
  readonly linkTarget?: Buffer | undefined;
  readonly attributes: Attributes;
}

/** What is recorded of an entry that is never opened, besides its stat. */
export interface Unopened {
  readonly linkTarget?: Buffer;
  readonly attributes?: RecordedAttributes;
}

/** Whether the entry's newest version tells exactly this state already. */
export function isKnown(
  head: KnownVersion | undefined,
  stat: StatFacts,
  { sha512, linkTarget, attributes }: State,
): boolean {
  if (head === undefined || !standsAgain(head)) return false;
  return (
    sameBytes(head.sha512, sha512) &&
    sameBytes(head.linkTarget, linkTarget) &&
    sameAttributes(head.xattrs ?? {}, attributes) &&
    sameMetadata(head, stat)
  );
}

/** Whether a file's newest version was judged by one of these bundles. */
export const isJudgedBy = (revisions: ReadonlySet<string>, head: KnownVersion | undefined): boolean =>
  head?.bundleRevision !== undefined && revisions.has(head.bundleRevision);

/** Whether a file that was one of several names is so still, and one that was alone is so still. */
export function isLinkedAsBefore(head: KnownVersion | undefined, { nlink, ino }: BigIntStats): boolean {
  if (nlink === 1n) return head?.hardlink === undefined;
  // A rebuilt catalog knows no inodes: 0.
  return head?.inode === ino || head?.inode === 0n;
}

/** The version that a look makes of a file, and what it writes: steps 1 and 2. */
export function fileLook(
  context: PipelineContext,
  look: LookedAt,
  print: Fingerprint,
  hardlink?: Id,
): Change & { readonly version: VersionRow; readonly content: ContentRow } {
  const { sizeBytes, sha512, sha256, mediaType, attributes } = print;
  const content = {
    sha512: Buffer.from(sha512, 'hex'),
    sha256: Buffer.from(sha256, 'hex'),
    sizeBytes,
    mediaType,
  };
  const version = versionRow(context, look, statFacts('file', print.stat), {
    sha512: content.sha512,
    segmentSize: print.segmentSize,
    segmentHashes: print.segmentHashes,
    hardlink: hardlink ?? null,
    ...attributeColumns(attributes),
  });
  return {
    content,
    version,
    events: [
      lookEvent(context, look, version, 'fingerprint', {
        ...attributeFacts(attributes),
        kind: 'file',
        mediaType,
        sha256,
        sha512,
        sizeBytes,
      }),
      lookEvent(context, look, version, 'duplicate_check', { known: false }),
    ],
  };
}

/** What a look writes that gives the entry its outcome right away: nothing of it leaves the host. */
export function settledLook(
  context: PipelineContext,
  look: LookedAt,
  { outcome, reason }: { readonly outcome: Outcome; readonly reason: string | null },
  stat?: StatFacts,
  { linkTarget, attributes = noAttributes }: Unopened = {},
): Change & { readonly version: VersionRow } {
  const version = versionRow(context, look, stat, {
    linkTarget: linkTarget ?? null,
    ...attributeColumns(attributes),
  });
  return {
    version,
    settle: {
      versionId: version.id,
      entryId: look.entry.id,
      observation: look.number,
      hint: look.hint,
      runId: look.runId,
      outcome,
      reason,
    },
    events: [
      lookEvent(context, look, version, stepOf(outcome), {
        kind: version.kind,
        outcome,
        ...(reason === null ? {} : { reason, rule: reason }),
        ...attributeFacts(attributes),
      }),
    ],
  };
}

/** What a look writes that found nothing new. `among` tells it apart from other looks of the run. */
export function unchangedLook(
  context: PipelineContext,
  { entry, hint, head, runId, workflowId }: LookedAt,
  among: string,
  stat?: StatFacts,
): Change {
  return {
    unchanged: { entryId: entry.id, hint },
    ...(head && stat
      ? { restat: { versionId: head.id, ctimeNs: stat.ctimeNs, inode: stat.inode, device: stat.device } }
      : {}),
    events: [
      auditEvent(context.ids, {
        subject: runId,
        step: 'skip',
        among,
        run: runId,
        host: context.hostId,
        workflow: workflowId,
        source: entry.sourceId,
        entry: entry.id,
        version: head?.id,
        facts: { outcome: head?.outcome ?? 'vanished', reason: 'unchanged', rule: 'duplicate_check' },
      }),
    ],
  };
}

function stepOf(outcome: Outcome): Parameters<typeof lookEvent>[3] {
  if (outcome === 'failed') return 'fail';
  if (outcome === 'deleted') return 'tombstone';
  return outcome === 'ignored' ? 'skip' : 'fingerprint';
}

function lookEvent(
  context: PipelineContext,
  { entry, runId, workflowId }: LookedAt,
  version: VersionRow,
  step: Parameters<typeof versionEvent>[2]['step'],
  facts: Record<string, unknown>,
) {
  return versionEvent(context, { id: version.id, runId, entry, workflowId }, { step, facts });
}

function sameBytes(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b);
}

function attributeColumns({
  kept,
  dropped,
}: RecordedAttributes): Pick<VersionRow, 'xattrs' | 'xattrsDropped'> {
  return {
    xattrs: Object.keys(kept).length === 0 ? null : kept,
    xattrsDropped: dropped === 0 ? null : dropped,
  };
}

/** How many, for the audit trail; their names and values are nobody's business there. */
function attributeFacts({ kept, dropped }: RecordedAttributes): Record<string, number> {
  const count = Object.keys(kept).length;
  return {
    ...(count === 0 ? {} : { attributes: count }),
    ...(dropped === 0 ? {} : { attributesDropped: dropped }),
  };
}

/** Whether the outcome holds for an equal state too; a failure, or content found infected since, is always tried again. */
function standsAgain({ outcome, reason, lateSignature }: KnownVersion): boolean {
  // What is infected, and lies there all the same, is scanned again: by other signatures it may be found harmless.
  if (lateSignature !== undefined || outcome === 'quarantined' || reason === exceptionRule) return false;
  if (reason === undefinedAnswer) return false;
  return outcome !== 'failed' && outcome !== 'deleted' && outcome !== 'vanished';
}
