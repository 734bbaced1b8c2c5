import {
  anchorsOf,
  type EventRow,
  eventsAfter,
  type HeadRow,
  headsAfter,
  newestHead,
} from '../catalog/audit-query.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { canonical } from '../domain/canonical.ts';
import { isFailure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import type { ObjectStore } from '../storage/object-store.ts';
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
  /** Number of the head it is about. */
  readonly head?: number;
  readonly event?: Id;
  readonly destination?: string;
  readonly detail: string;
}

export interface AuditSummary {
  readonly events: number;
  readonly heads: number;
  /** Authentic anchors that were read. */
  readonly anchors: number;
  /** The newest head that an anchor outside of the database confirms; null: none does. */
  readonly anchored: { readonly number: number; readonly at: string; readonly destination: string } | null;
  /** Events after that one: only the database says that they are what was written. */
  readonly sinceAnchor: number;
  /** Of these, those that no head covers yet. */
  readonly unsigned: number;
  /** Destinations that did not answer. */
  readonly away: readonly string[];
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
  const placed = new Map<string, Awaited<ReturnType<typeof anchorsOf>>>();
  for (const [name, place] of deps.destinations) {
    // Before the bucket is listed, and the heads after it: what is anchored meanwhile is neither missing nor cut off.
    placed.set(name, await anchorsOf(deps.catalog, name));
    try {
      for await (const found of foundAnchors({ ...deps, ...place }, (done) =>
        request.onProgress?.({ events: 0, anchors: done }),
      )) {
        request.signal.throwIfAborted();
        if (found.signed === undefined)
          yield count({
            ...{ kind: 'planted', head: found.number, destination: name },
            detail: 'an object of this name that this repository did not sign',
          });
        else anchors.add(name, found.versionId, found.signed);
      }
    } catch (error) {
      if (!isFailure(error, 's3_unavailable')) throw error;
      away.push(name);
    }
  }
  const walk = new Walk(deps, request, await deps.catalog.transaction(newestHead));
  for await (const finding of walk.findings(anchors)) yield count(finding);
  for (const finding of anchors.unmet(walk, request.begin)) yield count(finding);
  for (const [name, rows] of placed) {
    if (away.includes(name)) continue;
    for (const { number, s3VersionId, retainUntil } of rows) {
      const isDue = s3VersionId !== null && retainUntil !== null && retainUntil > new Date();
      if (isDue && !anchors.has(name, number, s3VersionId))
        yield count({
          ...{ kind: 'missing_anchor', head: number, destination: name },
          detail: 'it was anchored under a lock that lasts, and the bucket does not have it',
        });
    }
  }
  return {
    events: walk.events,
    heads: walk.heads,
    anchors: anchors.count,
    anchored: walk.anchored ?? null,
    sinceAnchor: walk.events - walk.anchoredEvents,
    unsigned: walk.unsigned,
    away,
    findings: counts,
  };
}

interface Anchor {
  readonly destination: string;
  readonly versionId: string;
  readonly signed: SignedHead;
}

/** The authentic anchors of all destinations, by the number of their head. */
class Anchors {
  readonly #byNumber = new Map<number, Anchor[]>();
  readonly #versions = new Set<string>();
  count = 0;

  add(destination: string, versionId: string, signed: SignedHead): void {
    const { number } = signed.head;
    this.#byNumber.set(number, [...(this.#byNumber.get(number) ?? []), { destination, versionId, signed }]);
    this.#versions.add(`${destination} ${number} ${versionId}`);
    this.count += 1;
  }

  has(destination: string, number: number, versionId: string): boolean {
    return this.#versions.has(`${destination} ${number} ${versionId}`);
  }

  of(number: number): readonly Anchor[] {
    return this.#byNumber.get(number) ?? [];
  }

  /** Anchors of heads that the catalog does not have. */
  *unmet({ first, last }: Walk, begin: number): Generator<AuditFinding> {
    const beyond = [...this.#byNumber.keys()].filter((number) => number > last).sort((a, b) => a - b);
    const before = [...this.#byNumber.keys()].filter((number) => number < first && number >= begin);
    for (const number of beyond) {
      yield* this.of(number).map(({ destination, signed }) => ({
        ...{ kind: 'cut' as const, head: number, destination },
        detail: `anchored at ${signed.head.at} with events up to ${signed.head.last}; the catalog ends before`,
      }));
    }
    const newest = Math.max(...before);
    if (before.length > 0)
      yield {
        ...{ kind: 'lost', head: newest },
        detail: `${before.length} anchors, up to head ${newest}, are of an earlier trail that this catalog does not have`,
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
  anchored: AuditSummary['anchored'] | undefined;
  /** Events up to the newest anchored head. */
  anchoredEvents = 0;
  unsigned = 0;
  readonly #deps: AuditVerifyDeps;
  readonly #request: AuditVerifyRequest;
  readonly #upTo: HeadRow | undefined;

  constructor(deps: AuditVerifyDeps, request: AuditVerifyRequest, upTo: HeadRow | undefined) {
    this.#deps = deps;
    this.#request = request;
    this.#upTo = upTo;
  }

  async *findings(anchors: Anchors): AsyncGenerator<AuditFinding> {
    const reader = new EventReader(this.#deps.catalog);
    let before: Before | undefined;
    let history = new GrowingTree();
    for await (const row of this.#headRows()) {
      const leaves = new GrowingTree();
      for (;;) {
        const next = await reader.peek();
        if (next === undefined || next.number > row.lastEvent) break;
        reader.take();
        const { leaf, finding } = checkedEvent(next);
        if (finding !== undefined) yield finding;
        leaves.append(leaf);
        this.#oneMore();
      }
      this.heads += 1;
      this.first = Math.min(this.first, row.number);
      this.last = row.number;
      const { repository, keys } = this.#deps;
      const signed = openHead(row.head, row.signature, repository, keys);
      if (signed === undefined) {
        yield {
          ...{ kind: 'head', head: row.number },
          detail: 'no key that may sign the trail of this repository has signed it',
        };
        history.append(leafHash(row.head));
        before = undefined;
        continue;
      }
      if (before === undefined && this.heads === 1) history = new GrowingTree();
      const wrong = contradiction(row, signed, before, history, keys);
      if (wrong !== undefined) yield { kind: 'head', head: row.number, detail: wrong };
      const { size, root, at } = signed.head;
      if (leaves.root().toString('hex') !== root)
        yield {
          ...{ kind: 'events', head: row.number },
          detail:
            leaves.size === size
              ? `the ${size} events up to ${at} are not those that were signed`
              : `${size} events were signed at ${at}, and ${leaves.size} are there`,
        };
      for (const anchor of anchors.of(row.number)) {
        const { destination } = anchor;
        if (anchor.signed.bytes.equals(row.head)) {
          this.anchored = { number: row.number, at, destination };
          this.anchoredEvents = this.events;
        } else if (row.number >= this.#request.begin)
          yield {
            ...{ kind: 'anchor', head: row.number, destination },
            detail: `the bucket has another head under this number, of ${anchor.signed.head.at}`,
          };
      }
      history.append(leafHash(row.head));
      before = { signed, key: keys.findIndex(({ id }) => id === signed.head.key) };
    }
    for (;;) {
      const next = await reader.peek();
      if (next === undefined) return;
      reader.take();
      const { finding } = checkedEvent(next);
      if (finding !== undefined) yield finding;
      this.#oneMore();
      this.unsigned += 1;
    }
  }

  #oneMore(): void {
    this.events += 1;
    if (this.events % eventsAtOnce !== 0) return;
    this.#request.signal.throwIfAborted();
    this.#request.onProgress?.({ events: this.events, anchors: 0 });
  }

  /** Those that were there when the walk began: of later ones an event may have been read too early. */
  async *#headRows(): AsyncGenerator<HeadRow> {
    if (this.#upTo === undefined) return;
    for (let after = Number.MIN_SAFE_INTEGER; ; ) {
      const page = await headsAfter(this.#deps.catalog, after, headsAtOnce);
      for (const row of page) {
        if (row.number > this.#upTo.number) return;
        yield row;
      }
      const newest = page.at(-1);
      if (newest === undefined) return;
      after = newest.number;
    }
  }
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
  if (head.number !== row.number || head.last !== row.lastEvent)
    return 'its row says otherwise than what was signed';
  if (head.number - head.first !== history.size)
    return `it is head ${head.number} of a trail that begins with ${head.first}, and ${history.size} heads are there before it`;
  if (history.root().toString('hex') !== head.history)
    return 'the heads before it are not those it was signed after';
  if (before !== undefined && head.last <= before.signed.head.last) return 'it covers nothing new';
  if (before !== undefined && keys.findIndex(({ id }) => id === head.key) < before.key)
    return 'it is signed with an older key than the head before it';
  return undefined;
}

/** The leaf of what the row says now, and what is wrong with the row. */
function checkedEvent({ leaf: stored, event, isAsTold }: EventRow): { leaf: Buffer; finding?: AuditFinding } {
  const leaf = leafHash(canonical(event));
  if (isAsTold && leaf.equals(stored)) return { leaf };
  const named = typeof event.id === 'string' ? { event: event.id } : {};
  return { leaf, finding: { kind: 'event', ...named, detail: 'it does not say what was recorded' } };
}

/** Events in order, one page ahead of whoever takes them. */
class EventReader {
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
      this.#page = await (this.#next ?? eventsAfter(this.#catalog, undefined, eventsAtOnce));
      this.#at = 0;
      const last = this.#page.at(-1);
      this.#ended = last === undefined;
      if (last !== undefined) {
        this.#next = eventsAfter(this.#catalog, last.number, eventsAtOnce);
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
