import type { Applied } from '../catalog/apply.ts';
import type { VersionFacts } from '../catalog/catalog.ts';
import type { Change, Settlement, VersionRow } from '../catalog/rows.ts';
import type { Id } from '../domain/records.ts';
import type { PipelineContext } from '../pipeline/context.ts';
import type { LookedAt } from '../pipeline/look.ts';
import type { JudgedVersion } from '../pipeline/policy-input.ts';
import type { BatchItem } from './batch-table.ts';

/** What the steps of a batch work with. */
export interface BatchContext {
  readonly context: PipelineContext;
  readonly batchId: Id;
  /** Whether sealed files share objects. */
  readonly packs: boolean;
  /** Has the entry's own workflow take it, as if the watcher had seen it change. */
  readonly passOn: (entryId: Id, runId: Id) => Promise<void>;
  /** Told of each outcome once it is durable. */
  readonly settled: (settlement: Settlement) => void;
  /** Told how long a step took for all its files; left out where nobody measures. */
  readonly stepTook?: (step: string, seconds: number) => void;
}

/** A file on its way through the steps of a batch; `Version` grows with them. */
export interface BatchFile<Version extends JudgedVersion = JudgedVersion> {
  readonly item: BatchItem;
  readonly version: Version;
  readonly content: Buffer;
  /** What the steps so far have found out, and nobody has written yet. */
  readonly change: Change;
}

/** Runs one step for all its files, and tells how long it took. */
export async function timed<T>(
  { stepTook }: Pick<BatchContext, 'stepTook'>,
  step: string,
  work: () => Promise<T>,
): Promise<T> {
  const began = performance.now();
  try {
    return await work();
  } finally {
    stepTook?.(step, (performance.now() - began) / 1_000);
  }
}

/** Makes changes durable in one transaction; one answer for each, in order. */
export async function write(
  { context, settled }: BatchContext,
  changes: readonly Change[],
): Promise<Applied[]> {
  if (changes.length === 0) return [];
  const applied = await context.catalog.applyTogether(changes);
  for (const [index, { settle }] of changes.entries())
    if (settle && settle.outcome !== 'cancelled' && applied[index] === 'written') settled(settle);
  return applied;
}

/** Both as one change, which becomes durable whole or not at all. */
export function together(first: Change, second: Change): Change {
  const decisions = [...(first.decisions ?? []), ...(second.decisions ?? [])];
  return {
    ...first,
    ...second,
    ...(decisions.length === 0 ? {} : { decisions }),
    events: [...first.events, ...second.events],
  };
}

/** The end of an item, as a part of the change that gives its entry an outcome. */
export function itemDone(
  batch: Pick<BatchContext, 'batchId'>,
  { position }: BatchItem,
): Pick<Change, 'batchItem'> {
  return { batchItem: { batchId: batch.batchId, position, state: 'settled' } };
}

/** A version as the later steps need it, before it is in the catalog. */
export function versionFacts(
  look: LookedAt,
  sourceName: string,
  row: VersionRow,
  content: NonNullable<VersionFacts['content']>,
): JudgedVersion {
  const { hardlink, xattrs, xattrsDropped, segmentSize, segmentHashes } = row;
  return {
    id: row.id,
    kind: row.kind,
    sizeBytes: row.sizeBytes,
    mode: row.mode,
    uid: row.uid,
    gid: row.gid,
    mtimeNs: row.mtimeNs,
    ctimeNs: row.ctimeNs,
    device: row.device,
    inode: row.inode,
    sha512: content.sha512,
    ...(hardlink === null ? {} : { hardlink }),
    ...(xattrs === null ? {} : { xattrs }),
    ...(xattrsDropped === null ? {} : { xattrsDropped }),
    ...(look.noticedAt === undefined ? {} : { noticedAt: look.noticedAt }),
    entry: look.entry,
    sourceName,
    observation: look.number,
    hint: look.hint,
    runId: look.runId,
    workflowId: look.workflowId,
    segmentSize: segmentSize ?? 0,
    segmentHashes: segmentHashes ?? Buffer.alloc(0),
    content,
  };
}
