import { hash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isFailure } from '../domain/failures.ts';
import { newRunId } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import { retrying } from '../restore/retry.ts';
import { prefixed } from '../sealed/names.ts';
import { openBytes, type SealedFacts } from '../sealed/open.ts';
import {
  type ContentMember,
  type ContentPack,
  checkMember,
  readContentPack,
} from '../sealed/read-content-pack.ts';
import type { Adoption, AdoptionReading } from './adopt.ts';
import { adoptedRow } from './adopted-row.ts';
import { type FoundVersion, tailOf } from './bucket.ts';
import { versionsOfName } from './found.ts';
import { inParallel } from './in-parallel.ts';

/** Members that lie next to each other are read with one request up to this many bytes. */
const togetherBytes = 2 * 1024 * 1024;

/**
 * Opens the index of every pack, notes which of the versions under its name is the right one and what lies in it, and
 * records the versions of those members that no manifest tells of. Failures: the store's, `interrupted`.
 */
export async function adoptFromPacks(reading: AdoptionReading): Promise<Adoption> {
  const { db, onProgress } = reading;
  const total = Number(db.prepare(`select count(distinct name) as count ${packs}`).get()?.count);
  const adopter = new PackAdopter(reading);
  await inParallel(
    packNames(db),
    (name) => adopter.adopt(name),
    (done) => onProgress(done, total),
  );
  return adopter.counts;
}

const packs = `from found where name > 'packs/' and name < 'packs0'`;
const pageNames = 1_000;

async function* packNames(db: DatabaseSync): AsyncGenerator<string> {
  const page = db.prepare(`select distinct name ${packs} and name > ? order by name limit ${pageNames}`);
  for (let after = ''; ; ) {
    const names = page.all(after).map((row) => String(row.name));
    yield* names;
    const last = names.at(-1);
    if (last === undefined) return;
    after = last;
  }
}

class PackAdopter {
  readonly counts = { adopted: 0, superfluous: 0, garbage: 0, messages: 0 };
  private readonly reading: AdoptionReading;
  private readonly run = newRunId();
  private readonly isKnown: StatementSync;
  private readonly isListed: StatementSync;
  private readonly recordedIds: StatementSync;
  private readonly keepObject: StatementSync;
  private readonly keepMember: StatementSync;

  constructor(reading: AdoptionReading) {
    const { db } = reading;
    this.reading = reading;
    this.isKnown = db.prepare('select 1 from version where id = ?');
    this.isListed = db.prepare('select 1 from place where version = ? and object = ?');
    this.recordedIds = db.prepare('select distinct version_id as id from place where object = ?');
    this.keepObject = db.prepare('insert or ignore into object values (?, ?, ?)');
    this.keepMember = db.prepare('insert or ignore into member values (?, ?, ?)');
  }

  async adopt(name: string): Promise<void> {
    const found = await this.firstAuthentic(name);
    if (found === undefined) return;
    const { version, pack } = found;
    this.keepObject.run(name, version.versionId, version.lengthBytes);
    for (const [position, { offset }] of pack.members.entries()) this.keepMember.run(name, offset, position);
    const unknown = pack.members.filter((member) => {
      if (this.isKnown.get(member.version) === undefined) return true;
      if (this.isListed.get(member.version, name) === undefined) this.counts.superfluous++;
      return false;
    });
    for (const group of neighbours(unknown)) await this.adoptMembers(version, group);
  }

  /** The version whose index authenticates: one that a manifest names if it does, else the oldest. */
  private async firstAuthentic(
    name: string,
  ): Promise<{ version: FoundVersion; pack: ContentPack } | undefined> {
    const recorded = new Set(this.recordedIds.all(name).map(({ id }) => id));
    const versions = versionsOfName(this.reading.db, name);
    const inOrder = [
      ...versions.filter(({ versionId }) => recorded.has(versionId)),
      ...versions.filter(({ versionId }) => !recorded.has(versionId)),
    ];
    const unknownKeys = new Set<Id>();
    for (const version of inOrder) {
      const opened = await this.open(version);
      if (typeof opened === 'object') return { version, pack: opened };
      if (opened === 'garbage') this.counts.garbage++;
      else unknownKeys.add(opened);
    }
    for (const keyId of unknownKeys) this.reading.unreadable.addObject(keyId);
    return undefined;
  }

  /** The pack, or what keeps it from being one: `garbage`, or the id of a key that is not known. */
  private async open({ name, versionId, lengthBytes }: FoundVersion): Promise<ContentPack | 'garbage' | Id> {
    const { bucket, keys } = this.reading;
    const source = tailOf(bucket, { key: prefixed(bucket.prefix, name), versionId }, lengthBytes);
    try {
      return await readContentPack(source, { objectName: name, keyById: (id) => keys.byId(id) });
    } catch (error) {
      if (isFailure(error, 'unknown_key')) return String(error.facts.keyId);
      if (isRefusal(error)) return 'garbage';
      throw error;
    }
  }

  private async adoptMembers(version: FoundVersion, group: readonly ContentMember[]): Promise<void> {
    const bytes = await this.read(version, group);
    const [first] = group;
    if (first === undefined) return;
    for (const member of group) {
      const start = member.offset - first.offset;
      this.adoptMember(version, member, bytes?.subarray(start, start + member.length) ?? Buffer.alloc(0));
    }
  }

  private adoptMember(version: FoundVersion, member: ContentMember, sealed: Buffer): void {
    const { recorder, unreadable } = this.reading;
    const opened = this.openMember(member, sealed);
    if (opened === 'garbage') this.counts.garbage++;
    else if (opened === 'unknown key') unreadable.addObject(member.keyId);
    else {
      const { offset, length } = member;
      const place = { offset, length, sealedSha256: hash('sha256', sealed, 'hex') };
      const { source, scope } = opened.metadata;
      const isOurs = recorder.add(source, adoptedRow(version, place, opened, this.run), {
        scope,
        journal: null,
      });
      this.counts[isOurs ? 'adopted' : 'garbage']++;
    }
  }

  private openMember(member: ContentMember, sealed: Buffer): SealedFacts | 'garbage' | 'unknown key' {
    try {
      const opened = openBytes(sealed, { keys: (id) => this.reading.keys.byId(id), purpose: 'content' });
      checkMember(member, opened);
      return opened;
    } catch (error) {
      if (isFailure(error, 'unknown_key')) return 'unknown key';
      if (isRefusal(error)) return 'garbage';
      throw error;
    }
  }

  /** The bytes of members that lie back to back; undefined where the object is gone or shorter. */
  private async read(
    { name, versionId }: FoundVersion,
    group: readonly ContentMember[],
  ): Promise<Buffer | undefined> {
    const { store, prefix, signal, retryPausesMs } = this.reading.bucket;
    const offset = group[0]?.offset ?? 0;
    const length = group.reduce((sum, member) => sum + member.length, 0);
    const object = { key: prefixed(prefix, name), versionId, range: { offset, length } };
    try {
      return await retrying(() => store.get(object), signal, retryPausesMs);
    } catch (error) {
      if (isFailure(error, 'object_missing')) return undefined;
      throw error;
    }
  }
}

/** Members in groups that lie back to back. */
function neighbours(members: readonly ContentMember[]): ContentMember[][] {
  const groups: ContentMember[][] = [];
  let [start, end] = [0, 0];
  for (const member of members) {
    const group = groups.at(-1);
    const memberEnd = member.offset + member.length;
    if (group !== undefined && member.offset === end && memberEnd - start <= togetherBytes)
      group.push(member);
    else {
      groups.push([member]);
      start = member.offset;
    }
    end = memberEnd;
  }
  return groups;
}

const isRefusal = (error: unknown): boolean =>
  isFailure(error) && ['tampered', 'unsupported_format', 'object_missing'].includes(error.code);
