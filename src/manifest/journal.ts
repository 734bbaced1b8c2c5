import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Catalog } from '../catalog/catalog.ts';
import {
  type Cursor,
  forgetListed,
  type JournalLag,
  journalLags,
  latestRetention,
  type Pass,
} from '../catalog/journal-query.ts';
import {
  abandonManifest,
  announceManifests,
  type ChainEnd,
  type CheckpointPart,
  chainEnd,
  commitManifests,
  isCheckpointDue,
  type ListedState,
  type ManifestRecord,
  missManifests,
  newestCheckpoint,
  openManifests,
  recordManifestLock,
  type StoredManifest,
} from '../catalog/manifest-table.ts';
import type { Id } from '../domain/records.ts';
import type { Destination } from '../pipeline/context.ts';
import type { FailPoints } from '../pipeline/fail-points.ts';
import { troubleOf } from '../pipeline/trouble.ts';
import { prefixed } from '../sealed/names.ts';
import type { OpenedManifest } from './decode.ts';
import type { ManifestFormat } from './format.ts';
import { type Gathered, gather } from './gather.ts';
import { noteHead } from './heads.ts';
import { manifestName } from './names.ts';
import { findManifest, putManifest, takeOver } from './place.ts';
import type { ManifestHead, ManifestRow } from './records.ts';
import { maxRows } from './schema.ts';

export interface JournalDeps {
  readonly catalog: Catalog;
  /** By name; every manifest goes to each. */
  readonly destinations: ReadonlyMap<string, Pick<Destination, 'config' | 'store'>>;
  readonly format: ManifestFormat;
  /** Where the newest manifest of each source is noted down. */
  readonly headsFolder: string;
  readonly failPoints: FailPoints;
  readonly log: Logger;
  /** Rows of one part of a checkpoint, 1 to 20,000, the default. */
  readonly partRows?: number;
}

export interface JournalSource {
  readonly id: Id;
  readonly name: string;
}

/** A journal is written when so many versions wait, or the oldest of them for so long: 60 s are promised. */
const dueVersions = 1_000;
const dueAgeSeconds = 30;
const mostJournalRows = 5_000;
const leastLockDays = 90;
/** Pause before the end of the chain is tried again while another writer is there. */
const retryMs = 500;
/** Which hex digits of a source's id name its advisory locks. */
const lockDigits = { chain: [0, 12], checkpoint: [12, 24] } as const;
const dayMs = 86_400_000;
/** Scope of rows whose own scope has no key (any more). */
const fallbackScope = 'default';

/**
 * Writes each source's chain of manifests: journals of what was settled, and checkpoints of all that is live. At any
 * moment one writer works on a source, whatever the number of processes; what a crash leaves is settled by whoever comes
 * next. Write order: announced in the catalog, sent, read back, then recorded together with what it lists.
 */
export class ManifestWriter {
  readonly #deps: JournalDeps;
  /** Versions that were reported as unlistable. */
  readonly #reported = new Set<Id>();
  /** Sources whose last write failed. */
  readonly #delayed = new Set<Id>();

  constructor(deps: JournalDeps) {
    this.#deps = deps;
  }

  /**
   * Writes what is due, or with `all` whatever waits; gives how far each source was behind before. A destination that is
   * down is logged once, and what waits is written when it answers. Failure `catalog_unavailable`.
   */
  async writeWaiting(sources: Iterable<JournalSource>, which: 'due' | 'all'): Promise<JournalLag[]> {
    const lags = await journalLags(this.#deps.catalog);
    for (const source of sources) {
      const { versions = 0, oldestSeconds = 0 } = lags.find(({ sourceId }) => sourceId === source.id) ?? {};
      const isDue = versions >= dueVersions || oldestSeconds >= dueAgeSeconds || which === 'all';
      if (versions === 0 || !isDue) continue;
      try {
        await this.writeJournals(source);
        this.#delayed.delete(source.id);
      } catch (error) {
        if (this.#delayed.has(source.id)) continue;
        this.#delayed.add(source.id);
        this.#deps.log.warn(
          { err: error, source: source.id },
          'manifests wait; they are tried again every few seconds',
        );
      }
    }
    return lags;
  }

  /** Writes journals until everything that was settled is listed. Ends early where another writer is at work. */
  async writeJournals(source: JournalSource): Promise<void> {
    for (let from: Cursor | undefined; ; ) {
      const written = await this.#chained(source, async () => {
        const gathered = await this.#gather(source, 'unjournaled', mostJournalRows, from);
        if (gathered.rowCount > 0) await this.#write(source, { kind: 'journal', last: true }, gathered);
        return gathered;
      });
      if (written === undefined) return;
      await forgetListed(this.#deps.catalog, source.id);
      if (written.next === undefined) return;
      from = written.next;
    }
  }

  /** Writes a checkpoint now: the whole live state. Nothing where one is being written. */
  async writeCheckpoint(source: JournalSource): Promise<void> {
    await this.#exclusively('checkpoint', source, () => this.#writeParts(source));
  }

  /** The daily chore: a checkpoint where one is due, and the newest one locked for as long as what it lists. */
  async keepCheckpoint(source: JournalSource): Promise<void> {
    const { catalog, destinations } = this.#deps;
    await this.#exclusively('checkpoint', source, async () => {
      if (await isCheckpointDue(catalog, source.id)) await this.#writeParts(source);
    });
    const retainUntil = await latestRetention(catalog, source.id);
    if (retainUntil === undefined) return;
    const away = new Away<CheckpointPart>();
    for (const part of await newestCheckpoint(catalog, source.id)) {
      const store = destinations.get(part.destination)?.store;
      if (store === undefined || part.retainUntil >= retainUntil) continue;
      const lock = { mode: part.lockMode, retainUntil };
      const object = { key: part.objectKey, versionId: part.s3VersionId };
      const inForce = await away.unlessAway(part, () => store.extendLock({ ...object, lock }));
      if (inForce !== undefined)
        await recordManifestLock(catalog, { ...part, sourceId: source.id }, inForce.retainUntil);
    }
  }

  /** Journals may come between the parts. What ends it in the middle leaves parts without an end; the next one begins anew. */
  async #writeParts(source: JournalSource): Promise<void> {
    const { catalog, partRows = maxRows } = this.#deps;
    const retainUntil = await latestRetention(catalog, source.id);
    let from: Cursor | undefined;
    for (let part = 1; ; ) {
      const written = await this.#chained(source, async () => {
        const gathered = await this.#gather(source, 'live', partRows, from);
        const last = gathered.next === undefined;
        const form = { kind: 'checkpoint', last, ...(part === 1 ? {} : { part }) } as const;
        await this.#write(source, form, gathered, retainUntil);
        return gathered;
      });
      if (written === undefined) {
        await sleep(retryMs);
        continue;
      }
      if (written.next === undefined) return;
      from = written.next;
      part += 1;
    }
  }

  #gather(source: JournalSource, pass: Pass, mostRows: number, from: Cursor | undefined): Promise<Gathered> {
    const { catalog, destinations, format, log } = this.#deps;
    return gather(catalog, {
      sourceId: source.id,
      pass,
      from,
      mostRows,
      nameOf: (destination, key) => {
        const prefix = destinations.get(destination)?.config.prefix ?? '';
        return prefix !== '' && key.startsWith(`${prefix}/`) ? key.slice(prefix.length + 1) : key;
      },
      sealedFor: (scope) => (format.covers(scope) ? scope : fallbackScope),
      onUnlistable: (version) => {
        if (this.#reported.has(version)) return;
        this.#reported.add(version);
        log.error({ version }, 'a version has no form in a manifest: it would be lost with the catalog');
      },
    });
  }

  /** Writes one manifest into every destination, under the first number that is free in all of them. */
  async #write(
    source: JournalSource,
    form: Pick<ManifestHead, 'kind' | 'part' | 'last'>,
    { sections, rowCount }: Gathered,
    retainUntil?: Date,
  ): Promise<void> {
    const { catalog, destinations, format, failPoints } = this.#deps;
    for (;;) {
      const end = await chainEnd(catalog, source.id);
      const head = headAfter(end, source, form);
      const bytes = await format.seal(head, sections);
      const records = [...destinations].map(
        ([destination, { config }]): ManifestRecord => ({
          sourceId: source.id,
          number: head.number,
          destination,
          kind: head.kind,
          isLastPart: head.last,
          objectKey: prefixed(config.prefix, manifestName(source.id, head.number)),
          length: bytes.length,
          sha256: hash('sha256', bytes, 'buffer'),
          previousSha256: end.sha256,
          rowCount,
          lockMode: config.lock.mode,
        }),
      );
      await announceManifests(catalog, records);
      failPoints.reach('manifest-recorded');
      const stored: StoredManifest[] = [];
      const away = new Away<ManifestRecord>();
      for (const record of records) {
        const sent = await away.unlessAway(record, () => this.#send(source, record, bytes, retainUntil));
        if (sent !== undefined) stored.push(sent);
      }
      failPoints.reach('manifest-sent');
      away.throwIfAll(records.length);
      await missManifests(catalog, away.records);
      const isEverywhere = stored.length === records.length - away.records.length;
      // What lies in some destinations only is sent to all of them again, under the next number; to one that is away it is
      // copied later.
      const listed = isEverywhere ? [...sections.values()].flat() : [];
      await this.#commit(source, stored, listed);
      if (isEverywhere) return;
    }
  }

  /** Undefined: the name was taken, which is settled, and another number is needed. */
  async #send(
    source: JournalSource,
    record: ManifestRecord,
    bytes: Buffer,
    retainUntil: Date | undefined,
  ): Promise<StoredManifest | undefined> {
    const { store } = this.#destination(record);
    const mode = record.lockMode;
    const sent = await putManifest(store, record, bytes, { mode, days: lockDays(retainUntil) });
    if (sent !== 'exists') return sent;
    await this.#settleTaken(source, record);
    return undefined;
  }

  async #settleTaken(source: JournalSource, record: ManifestRecord): Promise<void> {
    const { catalog, format, log } = this.#deps;
    const { sourceId, number, destination } = record;
    const { store } = this.#destination(record);
    const lock = { mode: record.lockMode, days: leastLockDays };
    const unknown = await takeOver(store, format, record, lock);
    if (unknown === undefined) {
      await abandonManifest(catalog, record);
      log.warn(
        { source: sourceId, number, destination },
        'somebody wrote a foreign object under the name of a manifest: the next number is taken',
      );
      return;
    }
    await this.#commit(source, [unknown.stored], rowsOf(unknown.opened));
    log.warn({ source: sourceId, number, destination }, 'took over a manifest that the catalog did not know');
  }

  /** Settles what a crash left between announcing and recording. */
  async #settleOpen(source: JournalSource): Promise<void> {
    const { catalog, destinations } = this.#deps;
    const byNumber = Map.groupBy(await openManifests(catalog, source.id), ({ number }) => number);
    for (const records of byNumber.values()) {
      const found: StoredManifest[] = [];
      const away = new Away<ManifestRecord>();
      for (const record of records) {
        const store = destinations.get(record.destination)?.store;
        const stored = await away.unlessAway(
          record,
          async () => store && findManifest(store, record, leastLockDays),
        );
        if (stored !== undefined) found.push(stored);
      }
      away.throwIfAll(records.length);
      // Where it arrived nowhere the number is free: the next announcement takes the place of this one.
      if (found.length === 0) continue;
      await missManifests(catalog, away.records);
      const isEverywhere = found.length === records.length - away.records.length;
      await this.#commit(source, found, isEverywhere ? await this.#readRows(found[0]) : []);
      for (const record of records) {
        if (
          !found.some(({ destination }) => destination === record.destination) &&
          !away.records.includes(record)
        ) {
          await abandonManifest(catalog, record);
        }
      }
    }
  }

  /** What a manifest of ours lists; nothing where this host cannot read what it writes, which then lists it once more. */
  async #readRows(stored: StoredManifest | undefined): Promise<ManifestRow[]> {
    if (stored === undefined) return [];
    const { store } = this.#destination(stored);
    const bytes = await store.get({ key: stored.objectKey, versionId: stored.s3VersionId });
    const opened = await this.#deps.format.open(bytes, manifestName(stored.sourceId, stored.number));
    return opened === undefined ? [] : rowsOf(opened);
  }

  async #commit(
    source: JournalSource,
    stored: readonly StoredManifest[],
    rows: readonly ManifestRow[],
  ): Promise<void> {
    const { catalog, headsFolder } = this.#deps;
    const [first] = stored;
    if (first === undefined) return;
    const listed: ListedState[] = rows.map(({ version, settledAt }) => ({ version, settledAt }));
    await commitManifests(catalog, stored, listed);
    await noteHead(headsFolder, source.id, {
      number: first.number,
      sha256: first.sha256.toString('hex'),
      at: new Date().toISOString(),
    });
  }

  #destination({ destination }: Pick<ManifestRecord, 'destination'>) {
    const found = this.#deps.destinations.get(destination);
    if (found === undefined) throw new RangeError(`no destination ${destination}`);
    return found;
  }

  /** Runs `work` at the end of the chain, after what a crash left there; undefined where another process works there. */
  #chained<T>(source: JournalSource, work: () => Promise<T>): Promise<T | undefined> {
    return this.#exclusively('chain', source, async () => {
      await this.#settleOpen(source);
      return work();
    });
  }

  /** Runs `work` while no other process does the like for the source; undefined where one does. */
  #exclusively<T>(
    what: keyof typeof lockDigits,
    source: JournalSource,
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    const lock = Number.parseInt(source.id.slice(...lockDigits[what]), 16);
    return this.#deps.catalog.withLock<T | undefined>(
      lock,
      async (rows) => {
        // The lock ends with its transaction, and the server ends a transaction that lies idle for a minute.
        const beating = setInterval(() => void rows('select 1', []).catch(() => {}), 20_000);
        try {
          return await work();
        } finally {
          clearInterval(beating);
        }
      },
      undefined,
    );
  }
}

/** Destinations that are away while the others are written to. */
class Away<Part extends Pick<ManifestRecord, 'destination'>> {
  readonly records: Part[] = [];
  #error: unknown;

  /** Undefined also where the record's destination is away. */
  async unlessAway<T>(record: Part, work: () => Promise<T | undefined>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (troubleOf(error) !== 'away') throw error;
      this.#error ??= error;
      this.records.push(record);
      return undefined;
    }
  }

  throwIfAll(count: number): void {
    if (this.records.length === count) throw this.#error;
  }
}

function headAfter(
  end: ChainEnd,
  source: JournalSource,
  form: Pick<ManifestHead, 'kind' | 'part' | 'last'>,
): ManifestHead {
  return {
    v: 1,
    source: source.id,
    name: source.name,
    number: end.number + 1,
    ...form,
    previousSha256: end.sha256?.toString('hex') ?? null,
    createdAt: new Date().toISOString(),
  };
}

const rowsOf = ({ sections }: OpenedManifest): ManifestRow[] => sections.flatMap(({ rows }) => rows ?? []);

/** At least 90 days, and until `retainUntil`: a day more, for a server whose clock is behind. */
function lockDays(retainUntil: Date | undefined): number {
  const wanted = retainUntil === undefined ? 0 : Math.ceil((retainUntil.getTime() - Date.now()) / dayMs) + 1;
  return Math.max(leastLockDays, wanted);
}
