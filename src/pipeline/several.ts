import type { OpenIntent } from '../catalog/catalog.ts';
import { adoptAnnouncedParts, placementStates } from '../catalog/several-query.ts';
import type { DestinationConfig } from '../config.ts';
import { Failure, isFailure } from '../domain/failures.ts';
import type { LockMode, PlacementState } from '../domain/records.ts';
import type { Changed, Settled } from '../domain/steps.ts';
import { type Destination, destinationOf, type PipelineContext } from './context.ts';
import { outages } from './outages.ts';
import type { ScannedVersion } from './policy-input.ts';
import { endWithSome, settledAs } from './settle.ts';
import { troubleOf } from './trouble.ts';

/**
 * A version as one destination gets it: under the stronger of the lock that policy asks for and the destination's own.
 *
 * @param elsewhere undefined where it is the version's only destination
 */
export function towards(
  version: ScannedVersion,
  { config }: Destination,
  elsewhere?: 'done' | 'pending',
): ScannedVersion {
  const { retention } = version.admission;
  const admission = { ...version.admission, retention: { ...retention, ...lockTowards(retention, config) } };
  return { ...version, admission, ...(elsewhere === undefined ? {} : { elsewhere }) };
}

/** The stronger of the lock that policy asks for and the destination's own. */
export function lockTowards(
  asked: { readonly mode: LockMode; readonly days: number },
  { lock }: Pick<DestinationConfig, 'lock'>,
): { readonly mode: LockMode; readonly days: number } {
  const isCompliance = asked.mode === 'COMPLIANCE' || lock.mode === 'COMPLIANCE';
  return { mode: isCompliance ? 'COMPLIANCE' : 'GOVERNANCE', days: Math.max(asked.days, lock.days) };
}

const isThrough = (state: PlacementState | undefined): boolean => state === 'committed' || state === 'held';
const isOver = (state: PlacementState | undefined): boolean =>
  isThrough(state) || state === 'denied' || state === 'failed';

/**
 * Brings a version to each of its destinations, one after the other, those in trouble last. What `work` answers other than
 * `settled` ends it: the next try goes on with those that are left. One that is away delays only itself: where another has
 * taken the version, it ends without it and is copied there later. With none, this throws, and the work waits for
 * whichever answers first.
 *
 * @param copiesRest once one has taken it the others get copies of that, because it cannot be made a second time
 */
export async function eachDestination<Answer extends { readonly next: string }>(
  context: PipelineContext,
  version: ScannedVersion,
  work: (version: ScannedVersion, destination: Destination) => Promise<Answer>,
  copiesRest = false,
): Promise<Answer | Settled | Changed> {
  const names = version.admission.destinations;
  const [only = ''] = names;
  if (names.length < 2) {
    const destination = destinationOf(context, only);
    return work(towards(version, destination), destination);
  }
  const states = await placementStates(context.catalog, version.id);
  let isSomewhere = names.some((name) => isThrough(states.get(name)));
  let isCommitted = names.some((name) => states.get(name) === 'committed');
  const left = troubledLast(
    names.filter((name) => !isOver(states.get(name))).map((name) => destinationOf(context, name)),
  );
  const awaited = new Map<string, string>();
  const errors: unknown[] = [];
  let fault: unknown;
  for (const [position, destination] of left.entries()) {
    const { name } = destination.config;
    if (copiesRest && isCommitted) awaited.set(name, 'awaits_copy');
    else if (isSomewhere && outages.has(destination.store)) awaited.set(name, 'destination_unavailable');
    if (awaited.has(name)) continue;
    const isLast = position === left.length - 1 && awaited.size === 0 && fault === undefined;
    try {
      const answer = await work(towards(version, destination, isLast ? 'done' : 'pending'), destination);
      if (answer.next !== 'settled') return answer;
      outages.end(destination.store);
      isSomewhere = true;
      isCommitted ||= (answer as unknown as Settled).outcome !== 'held';
      if (isLast) return settledNow(context, version);
    } catch (error) {
      const trouble = troubleOf(error);
      if (trouble === undefined) throw error;
      outages.note(destination.store, trouble);
      context.log.warn(
        { err: error, destination: name, version: version.id },
        'a destination takes nothing now',
      );
      if (trouble === 'fault') fault ??= error;
      else awaited.set(name, reasonOf(error));
      errors.push(error);
    }
  }
  if (fault !== undefined) throw fault;
  if (await endWithSome(context, version, awaited)) return settledNow(context, version);
  throw noneAnswers(errors, [...awaited.keys()]);
}

/**
 * Resolves once one of the destinations answers.
 *
 * @param names with commas between; empty for any destination
 */
export async function anyAnswers(
  destinations: ReadonlyMap<string, Destination>,
  names: string,
): Promise<void> {
  const wanted = names === '' ? [...destinations.keys()] : names.split(',');
  await Promise.any(
    wanted.map(async (name) => {
      const store = destinations.get(name)?.store;
      if (store === undefined) throw new Failure('destination_unknown', { destination: name });
      await store.facts();
      outages.end(store);
    }),
  );
}

async function settledNow(context: PipelineContext, { id }: ScannedVersion): Promise<Settled | Changed> {
  return settledAs(context, await context.catalog.version(id));
}

function troubledLast(destinations: readonly Destination[]): Destination[] {
  const isTroubled = ({ store }: Destination): boolean => outages.isTroubled(store);
  return [...destinations.filter((each) => !isTroubled(each)), ...destinations.filter(isTroubled)];
}

const reasonOf = (error: unknown): string =>
  isFailure(error) && error.code !== 's3_unavailable' ? error.code : 'destination_unavailable';

/** Whoever waits for one of them waits for the first that answers. */
function noneAnswers(errors: readonly unknown[], names: readonly string[]): unknown {
  const unavailable = errors.find((error) => isFailure(error, 's3_unavailable'));
  if (unavailable === undefined)
    return errors[0] ?? new Failure('internal', { detail: 'no destination was left' });
  return new Failure(
    's3_unavailable',
    { destination: names.join(','), reason: 'no answer' },
    { cause: unavailable },
  );
}

/** The upload in parts that a version has begun, or is to begin, in one of its destinations. */
export interface UploadUnderWay {
  readonly version: ScannedVersion;
  readonly destination: Destination;
  readonly intent: OpenIntent;
}

/** Undefined where there is none: the next plan says where to go on. */
export async function uploadUnderWay(
  context: PipelineContext,
  version: ScannedVersion,
): Promise<UploadUnderWay | undefined> {
  const names = version.admission.destinations;
  const states = names.length < 2 ? new Map() : await placementStates(context.catalog, version.id);
  const left = names.filter((name) => !isOver(states.get(name)));
  for (const destination of troubledLast(left.map((name) => destinationOf(context, name)))) {
    const intent = await context.catalog.intentOf(version.id, destination.config.name);
    if (intent?.state !== 'open') continue;
    if (names.length < 2) return { version: towards(version, destination), destination, intent };
    await adoptAnnouncedParts(context.catalog, intent.id);
    return {
      version: towards(version, destination, left.length === 1 ? 'done' : 'pending'),
      destination,
      intent,
    };
  }
  return undefined;
}

/**
 * Runs an upload to one of several destinations. Once it is through, or the destination is in trouble and another is not,
 * the next plan goes on with the others.
 */
export async function besideOthers<Answer extends { readonly next: string }>(
  context: PipelineContext,
  { version, destination }: UploadUnderWay,
  work: () => Promise<Answer>,
): Promise<Answer | Settled | Changed | { next: 'plan' }> {
  const { elsewhere } = version;
  if (elsewhere === undefined) return work();
  try {
    const answer = await work();
    if (answer.next !== 'settled') return answer;
    return elsewhere === 'done' ? settledNow(context, version) : { next: 'plan' };
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble === undefined) throw error;
    outages.note(destination.store, trouble);
    const states = await placementStates(context.catalog, version.id);
    const others = version.admission.destinations.filter((name) => name !== destination.config.name);
    const isElsewhere = others.some((name) => isThrough(states.get(name)));
    const mayGoElsewhere = others.some(
      (name) => !isOver(states.get(name)) && !outages.has(destinationOf(context, name).store),
    );
    if (mayGoElsewhere || (trouble === 'away' && isElsewhere)) return { next: 'plan' };
    throw trouble === 'away' ? noneAnswers([error], version.admission.destinations) : error;
  }
}
