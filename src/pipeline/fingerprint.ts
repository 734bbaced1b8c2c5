import type { BigIntStats } from 'node:fs';
import type { Observation } from '../catalog/catalog.ts';
import type { Change, StatFacts } from '../catalog/rows.ts';
import { noAttributes } from '../domain/attributes.ts';
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
import { isReadError } from '../files/unreadable.ts';
import { segmentSizeFor } from '../sealed/layout.ts';
import { allowsDeletion } from '../watcher/deletions.ts';
import type { PipelineContext, StepRun } from './context.ts';
import { openEntry, servedSource, statFacts } from './file.ts';
import {
  fileLook,
  isJudgedBy,
  isKnown,
  isLinkedAsBefore,
  type LookedAt,
  settledLook,
  type Unopened,
  unchangedLook,
} from './look.ts';
import { settledAnswer, settledAs, settling } from './settle.ts';

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
  private readonly at: LookedAt;

  constructor(context: PipelineContext, input: FingerprintStep, run: StepRun, seen: Observation) {
    this.context = context;
    this.input = input;
    this.run = run;
    this.seen = seen;
    this.at = { ...seen, runId: input.runId, workflowId: run.workflowId };
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
    this.context.failPoints.reach('after-fingerprint');
    const { head, made } = this.seen;
    if (
      isKnown(head, stat, state) &&
      isLinkedAsBefore(head, print.stat) &&
      (head?.bundleRevision === this.context.bundleRevision ||
        isJudgedBy(await this.context.judgedAlike(this.seen.entry.sourceId), head))
    )
      return this.unchanged(stat);
    if (made) {
      // A version made by this very look before, from other bytes, is never sealed again under its number.
      return made.sha512?.equals(sha512) ? { next: 'admit', versionId: made.id, large } : this.cancelled();
    }
    const { catalog, semaphores, failPoints } = this.context;
    const versionId =
      print.stat.nlink === 1n
        ? await this.record(print)
        : // One at a time, from the question to what is on record: names looked at together would each be the first.
          await semaphores.hardlink.run(
            async () => this.record(print, await catalog.hardlinkOf(this.seen.entry, stat)),
            this.run.patienceMs,
          );
    failPoints.reach('after-duplicate-check');
    return { next: 'admit', versionId, large };
  }

  /** The version this look makes of a file. */
  private async record(print: Fingerprint, hardlink?: Id): Promise<Id> {
    const change = fileLook(this.context, this.at, print, hardlink);
    await this.context.catalog.write(change);
    return change.version.id;
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
    const state = { linkTarget, attributes: attributes.kept };
    if (stat && outcome !== 'failed' && isKnown(this.seen.head, stat, state)) return this.unchanged(stat);
    // This very look made a version of something else before it was cut off.
    if (this.seen.made) return this.cancelled();
    const unopened = { ...(linkTarget === undefined ? {} : { linkTarget }), attributes };
    const change = settledLook(this.context, this.at, { outcome, reason }, stat, unopened);
    await this.context.catalog.write(change);
    return settledAnswer(change.version, outcome, reason);
  }

  private async unchanged(stat?: StatFacts): Promise<Settled> {
    const { head } = this.seen;
    const among = `${this.run.workflowRunId}/${this.input.round}`;
    // Made by this very look, when another one protected the same state before it went on.
    await this.context.catalog.write({
      ...this.cancelling(),
      ...unchangedLook(this.context, this.at, among, stat),
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
    await this.context.catalog.write({ ...this.cancelling(), events: [] });
    return { next: 'changed' };
  }

  /** The end of the version that this very look made before it was cut off. */
  private cancelling(): Pick<Change, 'settle' | 'reservationEnded'> {
    const { made, entry, number: observation } = this.seen;
    if (made === undefined) return {};
    const { runId } = this.input;
    return settling({ id: made.id, entry, observation, hint: 0, runId }, 'cancelled', 'changed');
  }
}

/** What no destination can take need not be read. Bytes. */
function largestObjectBytes({ destinations }: PipelineContext): number {
  return Math.max(...[...destinations.values()].map(({ config }) => config.maxObjectSize));
}

function readError(error: unknown): 'unreadable' {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  if (isReadError(code)) return 'unreadable';
  throw error;
}
