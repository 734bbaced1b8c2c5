import { setImmediate } from 'node:timers/promises';
import type { Change } from '../catalog/rows.ts';
import type { SourceConfig } from '../config.ts';
import { Failure } from '../domain/failures.ts';
import type { Fingerprint } from '../files/fingerprint.ts';
import { readSmall, type SmallRead } from '../files/read-small.ts';
import type { SourceRoot } from '../files/root.ts';
import type { StepRun } from '../pipeline/context.ts';
import { sameMetadata, statFacts } from '../pipeline/file.ts';
import {
  fileLook,
  isJudgedBy,
  isKnown,
  isLinkedAsBefore,
  settledLook,
  unchangedLook,
} from '../pipeline/look.ts';
import { type JudgedVersion, judged } from '../pipeline/policy-input.ts';
import { segmentSizeFor } from '../sealed/layout.ts';
import type { BatchItem } from './batch-table.ts';
import { type BatchContext, type BatchFile, itemDone, versionFacts } from './file.ts';

/** A larger file goes its own way. Bytes. */
export const largestInBatch = 8 * 1024 * 1024;

/** What a batch reads into memory: as much as its files had by stat, and as much again that grew meanwhile. Bytes. */
const mostRead = 32 * 1024 * 1024;

/** How many files are read before others may run: some milliseconds. */
const readInARow = 16;

export interface Looked {
  /** To be judged, scanned and sealed. */
  readonly files: readonly BatchFile[];
  /** What is done with the look already. */
  readonly done: readonly Change[];
  /** What is not there any more. */
  readonly gone: readonly BatchItem[];
  /** What only the entry's own workflow can deal with. */
  readonly exceptions: readonly BatchItem[];
}

/**
 * Steps 1 and 2 of a batch's items: nothing is written yet, but the names of hard links. Failure `source_unavailable` where the whole source is away.
 *
 * @param items in walk order, so that those of one folder come in a row
 */
export async function lookAt(
  batch: BatchContext,
  source: { readonly config: SourceConfig; readonly root: SourceRoot },
  items: readonly BatchItem[],
  run: StepRun,
): Promise<Looked> {
  const files: BatchFile[] = [];
  const done: Change[] = [];
  const gone: BatchItem[] = [];
  const exceptions: BatchItem[] = [];
  const linked: Linked[] = [];
  const paths = items.map(({ look }) => look.entry.path);
  const room = { maxBytes: largestInBatch, segmentSizeFor };
  let leftBytes = mostRead;
  const reads = readSmall(source.root, paths, room);
  const known = await earlierVersions(batch, items);
  const revisions = await batch.context.judgedAlike(batch.context.ids.source(source.config.name));
  try {
    for (const [index, item] of items.entries()) {
      if (index % readInARow === 0) {
        run.signal.throwIfAborted();
        run.heartbeat();
        await setImmediate();
      }
      const read = reads.next().value as SmallRead;
      if (read.kind === 'file') leftBytes -= read.content.length;
      room.maxBytes = Math.min(largestInBatch, leftBytes);
      const found = judgeRead(batch, source.config, revisions, item, read, known.get(item.made?.id ?? ''));
      if (found.is === 'file') files.push(found.file);
      else if (found.is === 'done') done.push({ ...found.change, ...itemDone(batch, item) });
      else if (found.is === 'gone') gone.push(item);
      else if (found.is === 'linked') linked.push({ item, ...found });
      else exceptions.push(item);
    }
  } finally {
    reads.return();
  }
  if (linked.length > 0) files.push(...(await recordLinked(batch, source.config, linked, run)));
  return { files, done, gone, exceptions };
}

/** A file that has other names too. */
interface Linked {
  readonly item: BatchItem;
  readonly print: Fingerprint;
  readonly content: Buffer;
}

/**
 * Which of several names is the first is asked one at a time, from the question to what is on record: names looked at
 * together would each be the first.
 */
async function recordLinked(
  { context }: BatchContext,
  config: SourceConfig,
  linked: readonly Linked[],
  run: StepRun,
): Promise<BatchFile[]> {
  const { catalog, semaphores } = context;
  return semaphores.hardlink.run(async () => {
    const files: BatchFile[] = [];
    for (const { item, print, content } of linked) {
      run.heartbeat();
      const { look } = item;
      const hardlink = await catalog.hardlinkOf(look.entry, statFacts('file', print.stat));
      const change = fileLook(context, look, print, hardlink);
      await catalog.write(change);
      const version = versionFacts(look, config.name, change.version, change.content);
      files.push({ item: { ...item, made: version }, version, content, change: { events: [] } });
    }
    return files;
  }, run.patienceMs);
}

/** Versions that an earlier try of the batch made and did not end. */
async function earlierVersions(
  { context }: BatchContext,
  items: readonly BatchItem[],
): Promise<Map<string, JudgedVersion>> {
  const ids = items.flatMap(({ made }) => (made === undefined ? [] : [made.id]));
  if (ids.length === 0) return new Map();
  const found = await context.catalog.versions(ids);
  return new Map([...found].map(([id, version]) => [id, judged(version)]));
}

type Judged =
  | { readonly is: 'file'; readonly file: BatchFile }
  | { readonly is: 'done'; readonly change: Change }
  | ({ readonly is: 'linked' } & Omit<Linked, 'item'>)
  | { readonly is: 'gone' | 'exception' };

const exception: Judged = { is: 'exception' };

function judgeRead(
  batch: BatchContext,
  config: SourceConfig,
  revisions: ReadonlySet<string>,
  item: BatchItem,
  read: SmallRead,
  earlier: JudgedVersion | undefined,
): Judged {
  const { context, batchId } = batch;
  const { look, made } = item;
  switch (read.kind) {
    case 'unreadable':
      // The whole source is away: that says nothing about this entry.
      if (!read.code.startsWith('source_')) return exception;
      throw new Failure('source_unavailable', { detail: read.code, source: look.entry.sourceId });
    case 'dir':
    case 'link':
    case 'special': {
      if (made !== undefined) return exception;
      const stat = statFacts(read.kind, read.stat);
      if (read.kind === 'special')
        return {
          is: 'done',
          change: settledLook(context, look, { outcome: 'ignored', reason: 'special_file' }, stat),
        };
      const { target, attributes } = read;
      const unopened = { attributes, ...(target === undefined ? {} : { linkTarget: target }) };
      const change = isKnown(look.head, stat, {
        linkTarget: target,
        attributes: attributes.kept,
      })
        ? unchangedLook(context, look, `${batchId}/${item.position}`, stat)
        : settledLook(context, look, { outcome: 'uploaded', reason: null }, stat, unopened);
      return { is: 'done', change };
    }
    case 'file': {
      const { print, content } = read;
      if (config.maxSize !== undefined && print.sizeBytes > config.maxSize) return exception;
      const stat = statFacts('file', print.stat);
      const state = { sha512: Buffer.from(print.sha512, 'hex'), attributes: print.attributes.kept };
      const isSettled = isKnown(look.head, stat, state) && isJudgedBy(revisions, look.head);
      if (isSettled && isLinkedAsBefore(look.head, print.stat)) {
        // Another look has protected what an earlier try made a version of: that one ends as it is passed on.
        if (made !== undefined) return exception;
        return { is: 'done', change: unchangedLook(context, look, `${batchId}/${item.position}`, stat) };
      }
      if (made !== undefined) {
        // A version made before, from other bytes, is never sealed again under its number.
        const isSame = earlier?.content.sha512.equals(state.sha512) && sameMetadata(earlier, stat);
        if (earlier === undefined || !isSame || earlier.outcome !== undefined) return exception;
        const version = { ...earlier, hint: look.hint };
        return { is: 'file', file: { item, version, content, change: { events: [] } } };
      }
      if (print.stat.nlink !== 1n) return { is: 'linked', print, content };
      const change = fileLook(context, look, print);
      const version = versionFacts(look, config.name, change.version, change.content);
      return { is: 'file', file: { item, version, content, change } };
    }
    case 'gone':
      // One that was found infected before may be in quarantine by now.
      return made === undefined ? { is: 'gone' } : exception;
    default:
      return exception;
  }
}
