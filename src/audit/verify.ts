import { anchorsOf, type HeadRow, headsAfter, newestHead, rowsAfter } from '../catalog/audit-query.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { EventRow } from '../catalog/stored-events.ts';
import { Failure, isFailure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { say } from '../text/voice.ts';
import { foundAnchors } from './found-anchors.ts';
import { openHead, type SignedHead } from './head.ts';
import type { AuditPublicKey } from './keys.ts';
import { GrowingTree, leafHash } from './merkle.ts';

export interface AuditVerifyDeps {
  readonly catalog: Catalog;
  readonly repository: Id;
  /** Keys that may have signed, in the order in which they came into use. */
  readonly keys: readonly AuditPublicKey[];
  readonly destinations: ReadonlyMap<string, { readonly store: ObjectStore; readonly prefix: string }>;
}

/** How far a verification is. */
export interface AuditProgress {
  readonly events: number;
  readonly anchors: number;
}

export interface AuditVerifyRequest {
  /** Anchors before this head are not held against the trail; for who knows why an earlier trail was lost. From 1. */
  readonly begin: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: AuditProgress) => void;
}

/**
 * - `events`: what a head covers is not what was signed: events were changed, added, taken away or put in another order.
 * - `event`: an event whose row does not say what its leaf stands for.
 * - `head`: a head that no known key signed, that contradicts those before it, or that is missing.
 * - `anchor`: an anchor that says otherwise than the catalog's head of that number.
 * - `cut`: anchors of heads that the catalog does not have: its end was cut off.
 * - `lost`: anchors of heads before the first one the catalog has: an earlier trail is gone.
 * - `missing_anchor`: the catalog has it, its lock lasts, and the bucket lacks it.
 * - `planted`: something under the name of an anchor that this repository did not write. Nothing is wrong with the trail.
 */
export type AuditFindingKind =
  | 'events'
  | 'event'
  | 'head'
  | 'anchor'
  | 'cut'
  | 'lost'
  | 'missing_anchor'
  | 'planted';

export interface AuditFinding {
  readonly kind: AuditFindingKind;
  /** Number of the head it is about; of several the first. */
  readonly head?: number;
  readonly event?: Id;
  readonly destination?: string;
  /** When that head was signed, ISO 8601 UTC. Absent where nobody we know signed it. */
  readonly at?: string;
  /** For people, in the language of the process. */
  readonly detail: string;
}

export interface AuditSummary {
  readonly events: number;
  readonly heads: number;
  /** Authentic anchors that were read. */
  readonly anchors: number;
  /** The newest head up to which rows and heads are what was signed; null: not even the first is. */
  readonly sound: { readonly number: number; readonly at: string } | null;
  /** The newest head that an anchor outside of the database confirms; null: none does. */
  readonly anchored: { readonly number: number; readonly at: string; readonly destination: string } | null;
  /** Events after that one: only the database says that they are what was written. */
  readonly sinceAnchor: number;
  /** Of these, those that no head covers yet. */
  readonly unsigned: number;
  /** Destinations that did not answer. */
  readonly away: readonly string[];
  /** Destinations that refused to hand out what is, or may be, an anchor of ours. */
  readonly refused: readonly string[];
  readonly findings: Partial<Record<AuditFindingKind, number>>;
}

/** How many findings of a run are breaches of the trail. */
export const breaches = ({ findings }: Pick<AuditSummary, 'findings'>): number =>
  Object.entries(findings).reduce((sum, [kind, count]) => (kind === 'planted' ? sum : sum + count), 0);

/**
 * Holds the whole trail, as the catalog has it, against its heads, and these against their anchors in the buckets. Only
 * reads, in memory that does not grow with the number of events. What is written meanwhile is left for the next run.
 */
export async function* verifyAudit(
  deps: AuditVerifyDeps,
  request: AuditVerifyRequest,
): AsyncGenerator<AuditFinding, AuditSummary> {
  const counts: Partial<Record<AuditFindingKind, number>> = {};
  const count = (finding: AuditFinding): AuditFinding => {
    counts[finding.kind] = (counts[finding.kind] ?? 0) + 1;
    return finding;
  };
  const anchors = new Anchors();
  const away: string[] = [];
  const refused = new Set<string>();
  const placed = new Map<string, Awaited<ReturnType<typeof anchorsOf>>>();
  for (const [name, place] of deps.destinations) {
    // Before the bucket is listed, and the heads after it: what is anchored meanwhile is neither missing nor cut off.
    const rows = await anchorsOf(deps.catalog, name);
    placed.set(name, rows);
    const ours = new Set(rows.flatMap(({ s3VersionId }) => s3VersionId ?? []));
    try {
      for await (const found of foundAnchors({ ...deps, ...place }, (done) =>
        request.onProgress?.({ events: 0, anchors: done }),
      )) {
        request.signal.throwIfAborted();
        const { number, versionId, signed, unread } = found;
        if (signed !== undefined) {
          anchors.add(name, versionId, signed);
          continue;
        }
        const isOurs = unread !== undefined && ours.has(versionId);
        if (isOurs || unread?.why === 'refused') refused.add(name);
        if (isOurs) anchors.addUnread(name, number, versionId);
        else
          yield count({
            ...{ kind: 'planted', head: number, destination: name },
            detail: say('audit', plantedDetail(unread?.why)),
          });
      }
    } catch (error) {
      if (!isFailure(error, 's3_unavailable')) throw error;
      away.push(name);
    }
  }
  const walk = new Walk(deps, request);
  try {
    for await (const finding of walk.findings(anchors)) yield count(finding);
  } catch (error) {
    const code = codeOfChangedTables(error);
    if (code === undefined) throw error;
    throw new Failure('audit_mismatch', { detail: say('audit', 'tables_changed', { code }) });
  }
  for (const finding of anchors.unmet(walk, request.begin)) yield count(finding);
  for (const [name, rows] of placed) {
    if (away.includes(name)) continue;
    for (const { number, s3VersionId, retainUntil } of rows) {
      const isDue = s3VersionId !== null && retainUntil !== null && retainUntil > new Date();
      if (isDue && !anchors.has(name, number, s3VersionId))
        yield count({
          ...{ kind: 'missing_anchor', head: number, destination: name },
          detail: say('audit', 'why_missing_anchor'),
        });
    }
  }
  return {
    events: walk.events,
    heads: walk.heads,
    anchors: anchors.count,
    sound: walk.sound ?? null,
    anchored: walk.anchored ?? null,
    sinceAnchor: walk.events - walk.anchoredEvents,
    unsigned: walk.unsigned,
    away,
    refused: [...refused],
    findings: counts,
  };
}

const plantedDetail = (unread: 'odd' | 'refused' | undefined) =>
  unread === undefined ? 'why_planted' : unread === 'odd' ? 'why_planted_unreadable' : 'why_refused';

/** SQLSTATE where Postgres knows no table or column of ours, or it is of another type: classes 22 and 42. */
function codeOfChangedTables(error: unknown): string | undefined {
  const cause = isFailure(error, 'catalog_unready') ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return /^(22|42)/.test(code) ? code : undefined;
}

interface Anchor {
  readonly destination: string;
  readonly versionId: string;
  readonly signed: SignedHead;
}

/** The authentic anchors of all destinations, by the number of their head; of those that could not be read, that they are there. */
class Anchors {
  readonly #byNumber = new Map<number, Anchor[]>();
  readonly #versions = new Set<string>();
  count = 0;

  add(destination: string, versionId: string, signed: SignedHead): void {
    const { number } = signed.head;
    this.#byNumber.set(number, [...(this.#byNumber.get(number) ?? []), { destination, versionId, signed }]);
    this.addUnread(destination, number, versionId);
    this.count += 1;
  }

  /** One that is there and that nobody could read. */
  addUnread(destination: string, number: number, versionId: string): void {
    this.#versions.add(`${destination} ${number} ${versionId}`);
  }

  has(destination: string, number: number, versionId: string): boolean {
    return this.#versions.has(`${destination} ${number} ${versionId}`);
  }

  of(number: number): readonly Anchor[] {
    return this.#byNumber.get(number) ?? [];
  }

  /** Anchors of heads that the catalog does not have: one finding for all of a destination. */
  *unmet({ first, last }: Walk, begin: number): Generator<AuditFinding> {
    const numbers = [...this.#byNumber.keys()].sort((a, b) => a - b);
    const beyond = numbers.filter((number) => number > last).flatMap((number) => this.of(number));
    for (const [destination, cut] of Map.groupBy(beyond, ({ destination }) => destination)) {
      const [earliest, newest] = [cut[0]?.signed.head, cut.at(-1)?.signed.head];
      if (earliest === undefined || newest === undefined) continue;
      yield {
        ...{ kind: 'cut', head: earliest.number, destination, at: earliest.at },
        detail: say('audit', 'why_cut', { count: cut.length, last: String(newest.number) }),
      };
    }
    const before = numbers.filter((number) => number < first && number <= last && number >= begin);
    const newest = before.at(-1);
    if (newest === undefined) return;
    const [{ signed } = { signed: undefined }] = this.of(newest);
    yield {
      ...{ kind: 'lost', head: newest, ...(signed === undefined ? {} : { at: signed.head.at }) },
      detail: say('audit', 'why_lost', { count: before.length }),
    };
  }
}

const headsAtOnce = 1_000;
const eventsAtOnce = 1_000;

/** One walk over heads and events, in order. */
class Walk {
  events = 0;
  heads = 0;
  /** Numbers of the first and the last head that were met. */
  first = Number.POSITIVE_INFINITY;
  last = 0;
  /** The newest head before the first finding. */
  sound: AuditSummary['sound'] | undefined;
  anchored: AuditSummary['anchored'] | undefined;
  /** Events up to the newest anchored head. */
  anchoredEvents = 0;
  unsigned = 0;
  #isSound = true;
  #untold = 0;
  readonly #deps: AuditVerifyDeps;
  readonly #request: AuditVerifyRequest;

  constructor(deps: AuditVerifyDeps, request: AuditVerifyRequest) {
    this.#deps = deps;
    this.#request = request;
  }

  async *findings(anchors: Anchors): AsyncGenerator<AuditFinding> {
    for await (const finding of this.#found(anchors)) {
      this.#isSound = false;
      yield finding;
    }
  }

  async *#found(anchors: Anchors): AsyncGenerator<AuditFinding> {
    const { repository, keys } = this.#deps;
    const reader = new RowReader(this.#deps.catalog);
    let before: Before | undefined;
    const history = new GrowingTree();
    for await (const row of this.#headRows()) {
      const signed = openHead(row.head, row.signature, repository, keys);
      const about = { head: row.number, ...(signed === undefined ? {} : { at: signed.head.at }) };
      const leaves = new GrowingTree();
      for (;;) {
        const next = await reader.peek();
        if (next === undefined || next.number > row.lastEvent) break;
        reader.take();
        yield* this.#row(next, about, leaves);
      }
      this.heads += 1;
      this.first = Math.min(this.first, row.number);
      this.last = row.number;
      if (signed === undefined) {
        yield { ...about, kind: 'head', detail: say('audit', 'why_unsigned') };
        history.append(leafHash(row.head));
        before = undefined;
        continue;
      }
      const wrong = contradiction(row, signed, before, history, keys);
      if (wrong !== undefined) yield { ...about, kind: 'head', detail: wrong };
      const { size, root, at } = signed.head;
      if (leaves.root().toString('hex') !== root)
        yield {
          ...{ ...about, kind: 'events' },
          detail:
            leaves.size === size
              ? say('audit', 'why_events', { count: size })
              : say('audit', 'why_count', { count: size, there: leaves.size }),
        };
      for (const { destination, signed: anchored } of anchors.of(row.number)) {
        if (anchored.bytes.equals(row.head)) {
          this.anchored = { number: row.number, at, destination };
          this.anchoredEvents = this.events;
        } else if (row.number >= this.#request.begin)
          yield {
            ...{ kind: 'anchor', head: row.number, destination, at: anchored.head.at },
            detail: say('audit', 'why_anchor'),
          };
      }
      history.append(leafHash(row.head));
      if (wrong === undefined && !history.peaks.equals(row.peaks))
        yield { ...about, kind: 'head', detail: say('audit', 'why_peaks') };
      before = { signed, key: keys.findIndex(({ id }) => id === signed.head.key) };
      if (this.#isSound) this.sound = { number: row.number, at };
    }
    for (;;) {
      const next = await reader.peek();
      if (next === undefined) return;
      reader.take();
      yield* this.#row(next, {}, new GrowingTree());
      this.unsigned += next.events.length;
    }
  }

  /** Holds the events of a row against what was recorded of each, and adds what they are now to the leaves. */
  *#row(
    { number, events, isWhole }: EventRow,
    about: Pick<AuditFinding, 'head' | 'at'>,
    leaves: GrowingTree,
  ): Generator<AuditFinding> {
    let isTold = false;
    for (const { event, json, leaf: stored } of events) {
      const leaf = leafHash(json);
      leaves.append(leaf);
      if (stored?.equals(leaf)) continue;
      isTold = true;
      yield { ...about, ...named(event.id), kind: 'event', detail: say('audit', 'why_event') };
    }
    if (!isWhole && !isTold)
      yield { ...about, kind: 'event', detail: say('audit', 'why_row', { number: String(number) }) };
    this.#count(events.length);
  }

  #count(events: number): void {
    this.events += events;
    this.#untold += events;
    if (this.#untold < eventsAtOnce) return;
    this.#untold = 0;
    this.#request.signal.throwIfAborted();
    this.#request.onProgress?.({ events: this.events, anchors: 0 });
  }

  /** Those that were there when the walk began: of later ones an event may have been read too early. */
  async *#headRows(): AsyncGenerator<HeadRow> {
    const upTo = await this.#deps.catalog.transaction(newestHead);
    if (upTo === undefined) return;
    for (let after = Number.MIN_SAFE_INTEGER; ; ) {
      const page = await headsAfter(this.#deps.catalog, after, headsAtOnce);
      for (const row of page) {
        if (row.number > upTo.number) return;
        yield row;
      }
      const newest = page.at(-1);
      // Of a number that nobody of ours gives there is no next one to ask for.
      if (newest === undefined || !Number.isSafeInteger(newest.number)) return;
      after = newest.number;
    }
  }
}

/** An event by its id, where it says one: whoever changed it may have put anything there. */
function named(id: unknown): Pick<AuditFinding, 'event'> {
  return typeof id === 'string' && /^[0-9a-f]{32}$/.test(id) ? { event: id } : {};
}

interface Before {
  readonly signed: SignedHead;
  /** Which of the keys signed it. */
  readonly key: number;
}

/** What is wrong with a head that is signed as it should be; undefined: nothing. */
function contradiction(
  row: HeadRow,
  { head }: SignedHead,
  before: Before | undefined,
  history: GrowingTree,
  keys: readonly AuditPublicKey[],
): string | undefined {
  const isAsSigned =
    head.number === row.number && head.last === row.lastEvent && Date.parse(head.at) === Number(row.at);
  if (!isAsSigned) return say('audit', 'why_head_row');
  if (head.number - head.first !== history.size)
    return say('audit', 'why_heads_missing', { first: String(head.first), count: history.size });
  if (history.root().toString('hex') !== head.history) return say('audit', 'why_history');
  if (before !== undefined && head.last <= before.signed.head.last) return say('audit', 'why_nothing_new');
  if (before !== undefined && keys.findIndex(({ id }) => id === head.key) < before.key)
    return say('audit', 'why_older_key');
  return undefined;
}

/** Rows of events in order, one page ahead of whoever takes them. */
class RowReader {
  readonly #catalog: Catalog;
  #page: readonly EventRow[] = [];
  #at = 0;
  #next: Promise<EventRow[]> | undefined;
  #ended = false;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  async peek(): Promise<EventRow | undefined> {
    if (this.#at >= this.#page.length && !this.#ended) {
      this.#page = await (this.#next ?? rowsAfter(this.#catalog, undefined, eventsAtOnce));
      this.#at = 0;
      this.#next = undefined;
      const last = this.#page.at(-1);
      // Of a number that nobody of ours gives there is no next one to ask for.
      this.#ended = last === undefined || !Number.isSafeInteger(last.number);
      if (last !== undefined && !this.#ended) {
        this.#next = rowsAfter(this.#catalog, last.number, eventsAtOnce);
        // Told when it is awaited.
        this.#next.catch(() => {});
      }
    }
    return this.#page[this.#at];
  }

  take(): void {
    this.#at += 1;
  }
}
