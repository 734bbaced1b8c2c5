import { setTimeout as sleep } from 'node:timers/promises';
import { worstOfBatch } from '../catalog/judged-query.ts';
import type { Id } from '../domain/records.ts';
import type { BatchAnswer } from '../domain/steps.ts';
import type { StepRun } from '../pipeline/context.ts';
import { servedSource } from '../pipeline/file.ts';
import type { ScannedVersion } from '../pipeline/policy-input.ts';
import { decisionMinutes } from '../pipeline/release.ts';
import { lockTowards } from '../pipeline/several.ts';
import { keyInUse, storedAs } from '../pipeline/stored-as.ts';
import { type BatchItem, closeBatch, takeOpenItems } from './batch-table.ts';
import { objectsOf, reserveAll, usedUp, type Wanted, wantedKey } from './content-query.ts';
import { passOn } from './exceptions.ts';
import { type BatchContext, type BatchFile, timed, write } from './file.ts';
import { settleGone } from './gone.ts';
import { admitAll, scanAll } from './judge.ts';
import { leftByBatch, settleLeft } from './left-intents.ts';
import { lookAt } from './look.ts';
import { destinationsOf } from './release.ts';
import { sealAll } from './seal.ts';
import { shareAll } from './share.ts';
import { announce, type Recording, ship } from './ship.ts';
import { layOut } from './shipment.ts';

/** How often contents that others are making now are looked for before their files go their own way. */
const waits = 6;
const firstPauseMs = 200;

/** Runs what has the contents of a batch in memory, once there is room for them. */
export type InMemory = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Takes a batch through all nine steps, from what is left of it to the commit. It may be cut off anywhere and run again:
 * `batch_items` say what is left, and what was announced without being recorded is settled first.
 *
 * @param inMemory given all but the commit, so that another batch is read meanwhile
 */
export async function protectBatch(
  batch: BatchContext,
  run: StepRun,
  inMemory: InMemory = (work) => work(),
): Promise<Exclude<BatchAnswer, { next: 'busy' | 'unavailable' }>> {
  const { context, batchId } = batch;
  const record = await inMemory(() => untilRead(batch, run));
  await timed(batch, 'commit', record);
  // The sweep may forget a batch that is closed.
  const outcome = await worstOfBatch(context.catalog, batchId);
  await closeBatch(context.catalog, batchId);
  const { bundleRevision: policyRevision } = context;
  return { next: 'batched', policyRevision, ...(outcome === undefined ? {} : { outcome }) };
}

/** Steps 1 to 8, and 9 of all but what was sent last. */
async function untilRead(batch: BatchContext, run: StepRun): Promise<Recording> {
  const { context, batchId } = batch;
  const items = await takeOpenItems(context.catalog, batchId);
  const left = await settleEarlierTries(batch, items);
  const [first] = left;
  if (first === undefined) return nothing;
  const source = await servedSource(context, first.look.entry);
  const looked = await timed(batch, 'fingerprint', () => lookAt(batch, source, left, run));
  context.failPoints.reach('after-duplicate-check');
  const admitted = await timed(batch, 'admit', () => admitAll(batch, looked.files));
  context.failPoints.reach('after-admission');
  const scanned = await timed(batch, 'scan', () => scanAll(batch, admitted.passed, run));
  context.failPoints.reach('after-scan');
  await write(batch, [...looked.done, ...admitted.done]);
  await settleGone(batch, looked.gone, run);
  run.heartbeat();
  await passOn(batch, [...looked.exceptions, ...admitted.exceptions, ...scanned.exceptions]);
  return store(batch, scanned.passed, run);
}

const nothing: Recording = async () => {};

/** A batch that ended in an error: each file that is left goes its own way, where its error can be told. */
export async function giveUpBatch(batch: BatchContext): Promise<void> {
  const { catalog } = batch.context;
  await passOn(batch, await takeOpenItems(catalog, batch.batchId));
  await closeBatch(catalog, batch.batchId);
}

/** Settles what was announced, and gives the items that still are to be looked at. */
async function settleEarlierTries(
  batch: BatchContext,
  items: readonly BatchItem[],
): Promise<readonly BatchItem[]> {
  const { context, batchId } = batch;
  if (items.every(({ made }) => made === undefined)) return items;
  const hints = new Map(items.flatMap(({ made, look }) => (made ? [[made.id, look.hint] as const] : [])));
  await settleLeft(context, await leftByBatch(context.catalog, batchId), (id) => hints.get(id) ?? 0);
  const now = await takeOpenItems(context.catalog, batchId);
  const done = now.filter(({ made }) => made?.outcome !== undefined && made.outcome !== 'cancelled');
  await write(
    batch,
    done.map(({ position }) => ({ batchItem: { batchId, position, state: 'settled' as const }, events: [] })),
  );
  const cancelled = now.filter(({ made }) => made?.outcome === 'cancelled');
  await passOn(batch, cancelled);
  return now.filter(({ made }) => made?.outcome === undefined);
}

type Scanned = BatchFile<ScannedVersion>;

/**
 * Steps 5 to 9: known contents rest on what is there, new ones are sealed and sent, each content once. What was sent last is
 * recorded by whoever is given it.
 */
async function store(batch: BatchContext, files: readonly Scanned[], run: StepRun): Promise<Recording> {
  const { context } = batch;
  const erasable = await erasableClasses(batch, files);
  let waiting = files;
  let record = nothing;
  for (let pauses = 0; waiting.length > 0; ) {
    const wants = wantsOf(batch, waiting);
    // Claimed before it is looked for: what another one made and gave free in between would be made twice.
    const claimed = await claim(batch, wants);
    const { shareable, fresh } = await findObjects(batch, wants);
    const shared = await shareAll(batch, shareable, run);
    await giveBack(batch, shared.refused);
    const toMake = [...fresh, ...shared.left];
    const mine = toMake.filter((file) => claimed.has(file));
    // The place to send from is taken first: what release allows is on its way soon afterwards.
    if (mine.length > 0)
      record = await context.semaphores.upload.run(
        () => sealAndShip(batch, mine, erasable, run),
        run.patienceMs,
      );
    waiting = toMake.filter((file) => !claimed.has(file));
    if (waiting.length === 0) break;
    // Others of the same content rest on it.
    await record();
    record = nothing;
    if (mine.length > 0 || shareable.length > 0) continue;
    // Somebody else is making all that is left.
    if (pauses === waits) {
      await giveBack(batch, waiting);
      break;
    }
    await sleep(firstPauseMs * 2 ** pauses++, undefined, { signal: run.signal });
  }
  return record;
}

async function sealAndShip(
  batch: BatchContext,
  files: readonly Scanned[],
  erasable: ReadonlySet<string>,
  run: StepRun,
): Promise<Recording> {
  const { context } = batch;
  const { sealed, refused } = await timed(batch, 'seal', async () =>
    sealAll(context, files, await usedBefore(batch, files), run),
  );
  const goodUntil = Date.now() + decisionMinutes * 60_000;
  await giveBack(batch, refused);
  context.failPoints.reach('before-intent');
  const shipments = layOut(context, sealed, { packs: batch.packs, erasable });
  await announce(batch, shipments);
  return timed(batch, 'upload', () => ship(batch, shipments, goodUntil, run));
}

async function giveBack(batch: BatchContext, files: readonly Scanned[]): Promise<void> {
  await passOn(
    batch,
    files.map(({ item }) => item),
    files,
  );
}

/** What each file wants in its destinations, with the name that others of equal content and terms want it under. */
type Wants = ReadonlyMap<Scanned, readonly (Wanted & { readonly name: string })[]>;

function wantsOf({ context }: BatchContext, files: readonly Scanned[]): Wants {
  return new Map(
    files.map((file) => {
      const { version } = file;
      const stored = storedAs(version, keyInUse(context, version));
      const { retention } = version.admission;
      const { sha512 } = version.content;
      const wanted = destinationsOf(context, version).map(({ config }) => {
        const { mode: lockMode } = lockTowards(retention, config);
        const one = { sha512, ...stored, destination: config.name, lockMode };
        return { ...one, name: wantedKey(one) };
      });
      return [file, wanted];
    }),
  );
}

async function findObjects({ context }: BatchContext, wants: Wants) {
  const found = await objectsOf(context.catalog, [...wants.values()].flat());
  const shareable = [];
  const fresh: Scanned[] = [];
  for (const [file, wanted] of wants) {
    const objects = wanted.flatMap(({ name }) => found.get(name) ?? []);
    if (objects.length < wanted.length) fresh.push(file);
    else shareable.push({ file, objects });
  }
  return { shareable, fresh };
}

/** Of files of equal content the first makes the object, unless there is one or somebody else is making it. */
async function claim({ context }: BatchContext, wants: Wants): Promise<ReadonlySet<Scanned>> {
  const groups = Map.groupBy(wants, ([, wanted]) => wanted.map(({ name }) => name).join());
  const firsts = [...groups.values()].flatMap(([first]) => (first === undefined ? [] : [first]));
  const reserved = await reserveAll(
    context.catalog,
    firsts.flatMap(([{ version }, wanted]) => wanted.map((one) => ({ ...one, versionId: version.id }))),
  );
  return new Set(
    firsts.flatMap(([file, wanted]) => (wanted.every(({ name }) => reserved.has(name)) ? [file] : [])),
  );
}

function usedBefore({ context }: BatchContext, files: readonly Scanned[]) {
  const made = files.filter(({ item }) => item.made !== undefined);
  return usedUp(
    context.catalog,
    made.map(({ version }) => version.id),
  );
}

async function erasableClasses(
  { context, packs }: BatchContext,
  files: readonly Scanned[],
): Promise<ReadonlySet<Id>> {
  if (!packs || files.length === 0) return new Set();
  const { result } = await context.policy.retentionClasses();
  return new Set(Object.entries(result).flatMap(([name, { erasable }]) => (erasable ? [name] : [])));
}
