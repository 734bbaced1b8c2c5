import { setTimeout as sleep } from 'node:timers/promises';
import {
  deferCopy,
  type PlannedCopy,
  packsToCopy,
  plannedCopies,
  sourceNamed,
} from '../catalog/replicate-query.ts';
import { isFailure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import type { CopyAnswer, CopyStep } from '../domain/steps.ts';
import { destinationOf, type PipelineContext, type StepRun } from '../pipeline/context.ts';
import { outages } from '../pipeline/outages.ts';
import { troubleOf } from '../pipeline/trouble.ts';
import { ByteBudget } from '../restore/byte-budget.ts';
import type { ReadDeps } from '../restore/content.ts';
import { copyManifests } from './copy-manifests.ts';
import { copyPack } from './copy-pack.ts';
import { type CopyResult, copyVersion } from './copy-version.ts';

/** Copied at once: files that are being protected come first. */
const jobs = 4;
const pageRows = 100;
/** Pause before what waits for another copy of the same content is looked at again. Milliseconds. */
const waitingMs = 200;
/** Content in memory at once, encrypted and plain. Bytes. */
const memoryBytes = 64 * 1024 * 1024;
/** A source that gives no answer is asked again by the next slice. Milliseconds. */
const retryPausesMs = [250, 1_000];

type Copied = Exclude<CopyAnswer, { next: 'busy' | 'unavailable' }>;

/**
 * Copies what is planned for a destination, oldest plans first, and then the manifests it lacks, as long as the slice
 * lasts. What cannot be copied now is left for later and keeps nothing else waiting. Failures: those of the
 * destination, the catalog and policy; everything that was copied by then stays copied.
 */
export async function copySlice(
  context: PipelineContext,
  { destination: to, sliceMs }: CopyStep,
  run: StepRun,
): Promise<Copied> {
  const { catalog, destinations } = context;
  const until = performance.now() + sliceMs;
  const { store, facts } = destinationOf(context, to);
  // The keyring comes before everything that it opens.
  await facts();
  const stores = new Map([...destinations].map(([name, { store }]) => [name, store]));
  const memory = new ByteBudget(memoryBytes);
  const reading: ReadDeps = { keys: context.keys, stores, memory, signal: run.signal, retryPausesMs };
  const counts: Record<CopyResult['kind'], number> = { copied: 0, denied: 0, deferred: 0, waiting: 0 };
  const copyOne = async (planned: PlannedCopy): Promise<void> => {
    const task = { versionId: planned.versionId, to, from: sourceNamed(planned) };
    const { kind } = await context.semaphores.upload
      .run(() => copyVersion(context, reading, task, run), run.patienceMs)
      .catch((error: unknown) => deferrable(context, task, error));
    counts[kind] += 1;
    // It takes what is protected now at once again, too.
    if (kind === 'copied') outages.end(store);
    if (kind === 'deferred') await deferCopy(catalog, task.versionId, to);
    if (kind === 'waiting') await sleep(waitingMs);
    run.heartbeat();
  };
  counts.copied += await copyPacks(context, reading, to, until, run);
  let isDone = false;
  while (!isDone && performance.now() < until) {
    const page = await plannedCopies(catalog, to, pageRows);
    await inParallel(page, () => performance.now() < until, copyOne);
    isDone = page.length === 0;
  }
  const manifests = isDone ? await copyManifests({ catalog, stores, log: context.log }, to, run) : 0;
  const { copied, denied, deferred } = counts;
  return { next: 'copied', copied, denied, deferred, manifests, isDone };
}

/** Packs go first: copied whole they stay packs. Gives how many versions got their copy. */
async function copyPacks(
  context: PipelineContext,
  reading: ReadDeps,
  to: string,
  until: number,
  run: StepRun,
): Promise<number> {
  const seen: Id[] = [];
  let copied = 0;
  while (performance.now() < until) {
    const page = await packsToCopy(context.catalog, to, seen, jobs);
    if (page.length === 0) break;
    const isInTime = () => performance.now() < until;
    await inParallel(page, isInTime, async (pack) => {
      seen.push(pack.packId);
      copied += await context.semaphores.upload
        .run(() => copyPack(context, reading, to, pack), run.patienceMs)
        .catch((error: unknown) => {
          if (!isOfOneObject(error)) throw error;
          context.log.warn(
            { err: error, pack: pack.packId, destination: to },
            'a pack cannot be copied whole',
          );
          return 0;
        });
      run.heartbeat();
    });
  }
  return copied;
}

/** What is wrong with one object keeps no other waiting; what is away stops the slice. */
function deferrable(
  { log }: PipelineContext,
  { versionId, to }: { versionId: string; to: string },
  error: unknown,
): CopyResult {
  if (!isOfOneObject(error)) throw error;
  log.error({ err: error, version: versionId, destination: to }, 'a version cannot be copied');
  return { kind: 'deferred' };
}

const isOfOneObject = (error: unknown): boolean =>
  troubleOf(error) === 'fault' || (isFailure(error) && ofOneObject.includes(error.code));

const ofOneObject: readonly string[] = ['tampered', 'unknown_key', 'unsupported_format', 'scope_shredding'];

async function inParallel<T>(
  items: readonly T[],
  mayGoOn: () => boolean,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items];
  let failed: unknown;
  const next = async (): Promise<void> => {
    for (
      let item = left.shift();
      item !== undefined && mayGoOn() && failed === undefined;
      item = left.shift()
    ) {
      await work(item).catch((error: unknown) => {
        failed ??= error;
      });
    }
  };
  await Promise.all(Array.from({ length: jobs }, next));
  if (failed !== undefined) throw failed;
}
