import type { BigIntStats } from 'node:fs';
import { auditEvent } from '../audit/event.ts';
import type { KnownVersion, Observation } from '../catalog/catalog.ts';
import type { AuditRow, StatFacts, VersionRow } from '../catalog/rows.ts';
import {
  type Attributes,
  noAttributes,
  type RecordedAttributes,
  sameAttributes,
} from '../domain/attributes.ts';
import { Failure } from '../domain/failures.ts';
import type { Id, Outcome } from '../domain/records.ts';
import {
  type FingerprintAnswer,
  type FingerprintStep,
  type Settled,
  smallContentBytes,
} from '../domain/steps.ts';
import { type Fingerprint, fingerprintFile, isSameState } from '../files/fingerprint.ts';
import { attributesInside, kindOf, type OpenResult, readLinkInside } from '../files/open.ts';
import { segmentSizeFor } from '../sealed/layout.ts';
import { allowsDeletion } from '../watcher/deletions.ts';
import { type PipelineContext, type StepRun, versionEvent } from './context.ts';
import { openEntry, sameMetadata, servedSource, statFacts } from './file.ts';
import { settledAnswer, settledAs, versionRow } from './settle.ts';

/**
 * Steps 1 and 2: looks at the entry, hashes what it holds, and says whether this state is known already. What is not a
 * file, or cannot be read, gets its outcome here.
 */
export async function fingerprint(
  context: PipelineContext,
  input: FingerprintStep,
  run: StepRun,
): Promise<FingerprintAnswer> {
  const seen = await context.catalog.observe({
    entryId: input.entryId,
    workflowRun: run.workflowRunId,
    round: input.round,
  });
  if (seen === undefined) throw new Failure('entry_unknown', { entry: input.entryId });
  // Newer than what this look was begun for: it was cut off, and its workflow may not know of that change.
  const toldSince = seen.newestHint > seen.hint;
  if (seen.made?.outcome !== undefined)
    return toldSince ? { next: 'changed' } : settledAs(context, seen.made);
  if (toldSince) await context.catalog.answerHint(seen);
  const look = new Look(context, input, run, { ...seen, hint: seen.newestHint });
  if (input.giveUp) return look.settle('failed', 'changing');
  const opened = await openEntry(context, seen.entry);
  switch (opened.kind) {
    case 'file':
      return look.file(opened).finally(() => opened.handle.close());
    case 'dir':
      return look.folder();
    case 'link':
      return look.link(opened);
    case 'special':
      return look.settle('ignored', 'special_file', statFacts('special', opened.stat));
    case 'left_source':
      return look.settle('failed', 'left_source');
    case 'unreadable':
      return look.unreadable(opened.code);
    case 'gone':
      return look.gone();
  }
}

/** One look at one entry. */
class Look {
  private readonly context: PipelineContext;
  private readonly input: FingerprintStep;
  private readonly run: StepRun;
  private readonly seen: Observation;

  constructor(context: PipelineContext, input: FingerprintStep, run: StepRun, seen: Observation) {
    this.context = context;
    this.input = input;
    this.run = run;
    this.seen = seen;
  }

  async file(opened: OpenResult & { kind: 'file' }): Promise<FingerprintAnswer> {
    const { config } = await servedSource(this.context, this.seen.entry);
    const { maxSize } = config;
    if (maxSize !== undefined && opened.stat.size > maxSize) {
      return this.settle('ignored', 'too_large', statFacts('file', opened.stat));
    }
    if (opened.stat.size > largestObjectBytes(this.context)) {
      return this.settle('failed', 'object_too_large', statFacts('file', opened.stat));
    }
    const large = opened.stat.size > smallContentBytes;
    if (large && !this.input.large) return { next: 'large' };
    const print = await this.context.semaphores.disk
      .run(
        () =>
          fingerprintFile(opened.handle, {
            segmentSizeFor,
            onProgress: this.run.heartbeat,
            signal: this.run.signal,
          }),
        this.run.patienceMs,
      )
      .catch(readError);
    if (print === 'unreadable') return this.settle('failed', 'unreadable', statFacts('file', opened.stat));
    if (print.kind === 'changed') return { next: 'changed' };

    const stat = statFacts('file', print.stat);
    const sha512 = Buffer.from(print.sha512, 'hex');
    const state = { sha512, attributes: print.attributes.kept };
    if (this.isKnown(stat, state) && this.isLinkedAsBefore(print.stat)) return this.unchanged(stat);
    const { made } = this.seen;
    if (made) {
      // A version made by this very look before, from other bytes, is never sealed again under its number.
      return made.sha512?.equals(sha512) ? { next: 'admit', versionId: made.id, large } : this.cancelled();
    }
    const { catalog, semaphores, failPoints } = this.context;
    const versionId =
      print.stat.nlink === 1n
        ? await this.record(stat, print)
        : // One at a time, from the question to what is on record: names looked at together would each be the first.
          await semaphores.hardlink.run(
            async () => this.record(stat, print, await catalog.hardlinkOf(this.seen.entry, stat)),
            this.run.patienceMs,
          );
    failPoints.reach('after-fingerprint');
    return { next: 'admit', versionId, large };
  }

  /** The version this look makes of a file. */
  private async record(stat: StatFacts, print: Fingerprint, hardlink?: Id): Promise<Id> {
    const { sizeBytes, sha512, sha256, mediaType, attributes } = print;
    const content = {
      sha512: Buffer.from(sha512, 'hex'),
      sha256: Buffer.from(sha256, 'hex'),
      sizeBytes,
      mediaType,
    };
    const version = this.row(stat, {
      sha512: content.sha512,
      segmentSize: print.segmentSize,
      segmentHashes: print.segmentHashes,
      hardlink: hardlink ?? null,
      ...attributeColumns(attributes),
    });
    await this.context.catalog.write({
      content,
      version,
      events: [
        this.event(version, 'fingerprint', {
          kind: 'file',
          sizeBytes,
          sha512,
          sha256,
          mediaType,
          ...attributeFacts(attributes),
        }),
        this.event(version, 'duplicate_check', { known: false }),
      ],
    });
    return version.id;
  }

  async folder(): Promise<FingerprintAnswer> {
    const { root } = await servedSource(this.context, this.seen.entry);
    const read = await attributesInside(root, this.seen.entry.path);
    if (read.kind === 'unreadable') return this.unreadable(read.code);
    if (read.kind !== 'attributes' || kindOf(read.stat) !== 'dir') return { next: 'changed' };
    return this.settle('uploaded', null, statFacts('dir', read.stat), { attributes: read.attributes });
  }

  async link(opened: { stat: BigIntStats }): Promise<FingerprintAnswer> {
    const { root } = await servedSource(this.context, this.seen.entry);
    const { path } = this.seen.entry;
    const link = await readLinkInside(root, path);
    const read = await attributesInside(root, path);
    if (read.kind === 'unreadable') return this.unreadable(read.code);
    // The target lies between two equal looks at the link, so it is that one's.
    if (link.kind !== 'link' || read.kind !== 'attributes' || !isSameState(opened.stat, read.stat))
      return { next: 'changed' };
    const { attributes } = read;
    return this.settle('uploaded', null, statFacts('link', read.stat), {
      linkTarget: link.target,
      attributes,
    });
  }

  unreadable(code: string): Promise<FingerprintAnswer> {
    // The whole source is away: that says nothing about this entry.
    if (code.startsWith('source_')) {
      throw new Failure('source_unavailable', { detail: code, source: this.seen.entry.sourceId });
    }
    return this.settle('failed', 'unreadable');
  }

  /** Nothing has the name any more: a tombstone for what was protected, unless too much is going at once. */
  async gone(): Promise<FingerprintAnswer> {
    const { head, entry, made } = this.seen;
    if (made && (await this.context.catalog.version(made.id)).verdict?.state === 'infected') {
      // This very look found it infected and was cut off; it may be in quarantine by now. The scan step settles that.
      return { next: 'admit', versionId: made.id, large: made.sizeBytes > smallContentBytes };
    }
    if (head === undefined) return this.settle('vanished', null);
    if (head.outcome === 'deleted' || head.outcome === 'quarantined') return this.unchanged();
    // One at a time, from the count to the commit: tombstones counted together would all be allowed.
    return this.context.semaphores.tombstone.run(async () => {
      const { catalog } = this.context;
      const mayGo =
        allowsDeletion(await catalog.deletionLoad(entry.sourceId)) ||
        (await catalog.confirmsDeletions(this.input.runId));
      return mayGo ? this.settle('deleted', null) : this.unchanged();
    }, this.run.patienceMs);
  }

  /** Gives the entry an outcome right here: nothing of it leaves the host. */
  async settle(
    outcome: Outcome,
    reason: string | null,
    stat?: StatFacts,
    { linkTarget, attributes = noAttributes }: Unopened = {},
  ): Promise<FingerprintAnswer> {
    if (stat && outcome !== 'failed' && this.isKnown(stat, { linkTarget, attributes: attributes.kept }))
      return this.unchanged(stat);
    // This very look made a version of something else before it was cut off.
    if (this.seen.made) return this.cancelled();
    const version = this.row(stat, { linkTarget: linkTarget ?? null, ...attributeColumns(attributes) });
    const step =
      outcome === 'failed'
        ? 'fail'
        : outcome === 'deleted'
          ? 'tombstone'
          : outcome === 'ignored'
            ? 'skip'
            : 'fingerprint';
    await this.context.catalog.write({
      version,
      settle: {
        versionId: version.id,
        entryId: this.seen.entry.id,
        observation: this.seen.number,
        hint: this.seen.hint,
        runId: this.input.runId,
        outcome,
        reason,
      },
      events: [
        this.event(version, step, {
          kind: version.kind,
          outcome,
          ...(reason === null ? {} : { reason, rule: reason }),
          ...attributeFacts(attributes),
        }),
      ],
    });
    return settledAnswer(version, outcome, reason);
  }

  /** The entry's newest version tells exactly this state already. */
  private isKnown(stat: StatFacts, { sha512, linkTarget, attributes }: State): boolean {
    const { head } = this.seen;
    if (head === undefined || !standsAgain(head)) return false;
    if (sha512 !== undefined && head.bundleRevision !== this.context.bundleRevision) return false;
    return (
      sameBytes(head.sha512, sha512) &&
      sameBytes(head.linkTarget, linkTarget) &&
      sameAttributes(head.xattrs ?? {}, attributes) &&
      sameMetadata(head, stat)
    );
  }

  /** Whether a file that was one of several names is so still, and one that was alone is so still. */
  private isLinkedAsBefore({ nlink, ino }: BigIntStats): boolean {
    const { head } = this.seen;
    if (nlink === 1n) return head?.hardlink === undefined;
    // A rebuilt catalog knows no inodes: 0.
    return head?.inode === ino || head?.inode === 0n;
  }

  private async unchanged(stat?: StatFacts): Promise<Settled> {
    const { head, entry, hint } = this.seen;
    await this.context.catalog.write({
      unchanged: { entryId: entry.id, hint },
      ...(head && stat
        ? { restat: { versionId: head.id, ctimeNs: stat.ctimeNs, inode: stat.inode, device: stat.device } }
        : {}),
      events: [
        auditEvent(this.context.ids, {
          subject: this.input.runId,
          step: 'skip',
          among: `${this.run.workflowRunId}/${this.input.round}`,
          run: this.input.runId,
          host: this.context.hostId,
          workflow: this.run.workflowId,
          source: entry.sourceId,
          entry: entry.id,
          version: head?.id,
          facts: { outcome: head?.outcome ?? 'vanished', reason: 'unchanged', rule: 'duplicate_check' },
        }),
      ],
    });
    return {
      next: 'settled',
      outcome: head?.outcome ?? 'vanished',
      unchanged: true,
      ...(head === undefined ? {} : { versionId: head.id }),
      ...(head?.reason === undefined ? {} : { reason: head.reason }),
    };
  }

  private async cancelled(): Promise<FingerprintAnswer> {
    const { made, entry, number } = this.seen;
    if (made === undefined) return { next: 'changed' };
    await this.context.catalog.write({
      settle: {
        versionId: made.id,
        entryId: entry.id,
        observation: number,
        hint: 0,
        runId: this.input.runId,
        outcome: 'cancelled',
        reason: 'changed',
      },
      reservationEnded: { versionId: made.id },
      events: [],
    });
    return { next: 'changed' };
  }

  private row(stat: StatFacts | undefined, more: Partial<VersionRow>): VersionRow {
    return versionRow(this.context, this.input, this.run, this.seen, stat, more);
  }

  private event(
    version: VersionRow,
    step: Parameters<typeof versionEvent>[2]['step'],
    facts: Record<string, unknown>,
  ): AuditRow {
    return versionEvent(
      this.context,
      { id: version.id, runId: this.input.runId, entry: this.seen.entry, workflowId: this.run.workflowId },
      { step, facts },
    );
  }
}

/** What is recorded of an entry that is never opened, besides its stat. */
interface Unopened {
  readonly linkTarget?: Buffer;
  readonly attributes?: RecordedAttributes;
}

/** What an entry is now, besides its stat. */
interface State {
  readonly sha512?: Buffer | undefined;
  readonly linkTarget?: Buffer | undefined;
  readonly attributes: Attributes;
}

/** What no destination can take need not be read. Bytes. */
function largestObjectBytes({ destinations }: PipelineContext): number {
  return Math.max(...[...destinations.values()].map(({ config }) => config.maxObjectSize));
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

/** Whether the outcome holds for an equal state too; a failure is always tried again. */
function standsAgain(head: KnownVersion): boolean {
  return head.outcome !== 'failed' && head.outcome !== 'deleted' && head.outcome !== 'vanished';
}

function readError(error: unknown): 'unreadable' {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EIO' || code === 'EACCES' || code === 'EPERM' || code === 'ESTALE') return 'unreadable';
  throw error;
}
