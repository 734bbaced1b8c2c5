import { hash } from 'node:crypto';
import type { Logger } from 'pino';
import { type HeadRow, insertAnchor, longestLock, newestAnchor, newestHead } from '../catalog/audit-query.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Id, Lock } from '../domain/records.ts';
import type { Destination } from '../pipeline/context.ts';
import type { FailPoints } from '../pipeline/fail-points.ts';
import { checkReadBack } from '../pipeline/lock.ts';
import { prefixed } from '../sealed/names.ts';
import type { LockDays } from '../storage/object-store.ts';
import { anchorVersions } from './found-anchors.ts';
import { anchorBytes, anchorName, openHead, type SignedHead } from './head.ts';
import type { AuditPublicKey } from './keys.ts';

type AnchorDestination = Pick<Destination, 'config' | 'store'>;

export interface AnchorDeps {
  readonly catalog: Catalog;
  readonly repository: Id;
  readonly keys: readonly AuditPublicKey[];
  readonly destinations: ReadonlyMap<string, AnchorDestination>;
  /** Least time between two anchors of a destination. */
  readonly everyMs: number;
  readonly failPoints: FailPoints;
  readonly log: Logger;
}

const dayMs = 86_400_000;

/** An anchor where it lies, with the lock that was asked for. */
interface Placed {
  readonly versionId: string;
  readonly lock: Lock;
}

/**
 * Puts the newest head where the database's owner cannot reach it: a small locked object in each destination, which covers
 * all events before it. Names and bytes follow from the head, so that a process may die anywhere and several may do the
 * same. One destination that is away keeps no other waiting.
 */
export class AnchorWriter {
  readonly #deps: AnchorDeps;
  /** Destinations whose last anchor failed: told once. */
  readonly #delayed = new Set<string>();

  constructor(deps: AnchorDeps) {
    this.#deps = deps;
  }

  /** Anchors the newest head in each destination where it is time, or with `all` wherever it is not yet. Failure `catalog_unavailable`. */
  async write(which: 'due' | 'all'): Promise<void> {
    const { catalog, destinations, everyMs, log } = this.#deps;
    const newest = await catalog.transaction(newestHead);
    if (newest === undefined) return;
    for (const [name, destination] of destinations) {
      const last = await newestAnchor(catalog, name);
      if (last?.number === newest.number) continue;
      if (which === 'due' && last !== undefined && Date.now() - last.at.getTime() < everyMs) continue;
      try {
        await this.#anchor(name, destination, newest);
        this.#delayed.delete(name);
      } catch (error) {
        if (this.#delayed.has(name)) continue;
        this.#delayed.add(name);
        log.warn(
          { err: error, destination: name },
          'the audit trail waits to be anchored; it is tried again',
        );
      }
    }
  }

  async #anchor(name: string, destination: AnchorDestination, row: HeadRow): Promise<void> {
    const { catalog, repository, keys, failPoints, log } = this.#deps;
    const { number } = row;
    const signed = openHead(row.head, row.signature, repository, keys);
    if (signed === undefined) throw new RangeError('a head that this repository did not sign');
    const { store, config } = destination;
    const key = prefixed(config.prefix, anchorName(number));
    const longest = (await longestLock(catalog, name))?.getTime() ?? 0;
    // A day more, for a server whose clock is behind.
    const days = Math.max(config.lock.days, Math.ceil((longest - Date.now()) / dayMs) + 1);
    const placed = await this.#place(destination, key, signed, { mode: config.lock.mode, days });
    failPoints.reach('audit-anchored');
    if (placed === undefined) {
      log.error(
        { destination: name, number },
        'the audit trail of this catalog is not the one that was anchored: run `holdfast audit verify`',
      );
      const nothing = { s3VersionId: null, lockMode: null, retainUntil: null };
      await insertAnchor(catalog, { number, destination: name, ...nothing });
      return;
    }
    const { versionId, lock: floor } = placed;
    const body = anchorBytes(signed);
    const { mode, retainUntil } = checkReadBack(name, await store.head({ key, versionId }), {
      lengthBytes: body.length,
      checksum: { kind: 'whole', sha256: hash('sha256', body, 'buffer') },
      floor,
    });
    await insertAnchor(catalog, {
      ...{ number, destination: name, s3VersionId: versionId },
      ...{ lockMode: mode, retainUntil },
    });
  }

  /** Undefined: under this name lies another head that this repository signed. */
  async #place(
    { store, config }: AnchorDestination,
    key: string,
    signed: SignedHead,
    lock: LockDays,
  ): Promise<Placed | undefined> {
    const { repository, keys } = this.#deps;
    const body = anchorBytes(signed);
    const object = { key, body, sha256: hash('sha256', body, 'buffer'), lock };
    const sent = await store.put(object);
    if (sent.kind === 'stored') return sent;
    const place = { store, prefix: config.prefix, repository, keys };
    const there = await anchorVersions(place, key, signed.head.number);
    const ours = there.find((found) => found.signed?.bytes.equals(signed.bytes));
    if (ours !== undefined) {
      const { versionId } = ours;
      const wanted = await store.lockUntil(lock);
      return { versionId, lock: await store.extendLock({ key, versionId, lock: wanted }) };
    }
    if (there.some((found) => found.signed !== undefined)) return undefined;
    // Somebody else's bytes under our name: ours go on top, as a version of their own.
    const above = await store.put({ ...object, onTop: true });
    return above.kind === 'stored' ? above : undefined;
  }
}
