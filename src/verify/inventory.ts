import { parseAnchorName } from '../audit/head.ts';
import {
  expectedBetween,
  intentsUnder,
  type KnownIntent,
  type KnownVersionName,
  knownUnder,
  promisedAgain,
  recordChecks,
  recordedKeyDocuments,
} from '../catalog/verify-query.ts';
import { prefixed } from '../sealed/names.ts';
import type { ListedVersion } from '../storage/object-store.ts';
import type { KeyringVersions } from './check-keyring.ts';
import { type CheckedDestination, checkObject, tell } from './check-objects.ts';
import type { Finding, FindingKind, Subject } from './finding.ts';
import type { VerifyRun } from './run.ts';

/** Listed versions that are held against the catalog together. */
const batchVersions = 1_000;

/**
 * Holds every version and delete marker that a destination lists against the catalog, in both directions, and its open
 * uploads too. Memory does not grow with the bucket: both are walked in the order of names.
 */
export async function takeInventory(
  run: VerifyRun,
  destination: CheckedDestination,
  keyring: KeyringVersions,
): Promise<void> {
  const { prefix } = run.destination(destination.name);
  const below = prefix === '' ? '' : `${prefix}/`;
  const inventory = new Inventory(run, destination, below, await keyringNames(run, prefix, keyring));
  const batch: ListedVersion[] = [];
  for await (const version of destination.store.listVersions(below)) {
    if (run.isOver()) return;
    batch.push(version);
    if (batch.length >= batchVersions) await inventory.hold(batch.splice(0));
  }
  await inventory.hold(batch);
  await inventory.end();
  await openUploads(run, destination, below);
}

/** Names of the keyring, with their versions that are ours; undefined where another machine wrote the document. */
type KeyringNames = ReadonlyMap<string, ReadonlySet<string> | undefined>;

async function keyringNames(run: VerifyRun, prefix: string, keyring: KeyringVersions): Promise<KeyringNames> {
  const names = new Map<string, ReadonlySet<string> | undefined>(keyring);
  for (const name of await recordedKeyDocuments(run.deps.catalog)) {
    const key = prefixed(prefix, name);
    if (!names.has(key)) names.set(key, undefined);
  }
  return names;
}

/** A name a bucket may list and Postgres may be asked for, in the same order for both. */
const isPlain = (key: string): boolean => /^[\x20-\x7e]+$/.test(key);

/** One walk through bucket and catalog. */
class Inventory {
  private readonly run: VerifyRun;
  private readonly destination: CheckedDestination;
  private readonly below: string;
  private readonly keyring: KeyringNames;
  /** Up to and with this name the catalog has been held against the listing. */
  private done = '';

  constructor(run: VerifyRun, destination: CheckedDestination, below: string, keyring: KeyringNames) {
    this.run = run;
    this.destination = destination;
    this.below = below;
    this.keyring = keyring;
  }

  /** The next versions of the listing. */
  async hold(batch: readonly ListedVersion[]): Promise<void> {
    const { catalog } = this.run.deps;
    const { name } = this.destination;
    const keys = [...new Set(batch.map(({ key }) => key).filter(isPlain))];
    // First the intents: what is committed between the two questions is then known by the second.
    const intents = new Map((await intentsUnder(catalog, name, keys)).map((intent) => [intent.key, intent]));
    const known = Map.groupBy(await knownUnder(catalog, name, keys), ({ key }) => key);
    for (const version of batch) {
      this.run.listed++;
      const { key, versionId: s3VersionId } = version;
      const kind = this.judge(version, known.get(key) ?? [], intents.get(key));
      if (kind === undefined) continue;
      const objectId = known.get(key)?.find((one) => one.s3VersionId === s3VersionId)?.objectId;
      await tellStray(this.run, {
        kind,
        subject: this.subject(key),
        destination: name,
        key,
        s3VersionId,
        detail: detailOf(version),
        ...(objectId ? { objectId } : {}),
      });
    }
    const last = [this.done, ...keys].sort().at(-1) ?? this.done;
    const listed = new Set(batch.map(({ key, versionId }) => JSON.stringify([key, versionId])));
    if (last > this.done) await this.expect(last, listed);
    this.run.progress();
  }

  /** What the catalog has after the last name that was listed. */
  async end(): Promise<void> {
    await this.expect(null, new Set());
  }

  private judge(
    { key, versionId, isDeleteMarker, lengthBytes }: ListedVersion,
    known: readonly KnownVersionName[],
    intent: KnownIntent | undefined,
  ): FindingKind | undefined {
    // What is in them is held against the audit trail by `audit verify`, which tells what somebody planted there.
    if (parseAnchorName(key.slice(this.below.length)) !== undefined)
      return isDeleteMarker ? 'delete_marker' : undefined;
    const isKeyring = this.keyring.has(key);
    const counts = isKeyring || known.some(({ state }) => state === 'live');
    if (isDeleteMarker) return counts ? 'delete_marker' : 'unknown_object';
    const same = known.find(({ s3VersionId }) => s3VersionId === versionId);
    if (same !== undefined) return same.state === 'given up' ? 'leftover' : undefined;
    if (isKeyring) return this.keyring.get(key)?.has(versionId) === false ? 'foreign_version' : undefined;
    if (known.length > 0) return 'foreign_version';
    if (intent === undefined) return 'unknown_object';
    if (intent.isOpen) return undefined;
    return lengthBytes === intent.lengthBytes ? 'leftover' : 'foreign_version';
  }

  private subject(key: string): Subject {
    const name = key.slice(this.below.length);
    if (name.startsWith('objects/') || name.startsWith('packs/')) return 'content';
    if (name.startsWith('manifests/')) return 'manifest';
    return name.startsWith('keys/') ? 'keyring' : 'other';
  }

  /**
   * Looks at what the catalog has up to a name and the listing did not show. Each is asked for by itself before it counts
   * as missing: it may have come after the listing, or the server may list in another order.
   */
  private async expect(upTo: string | null, listed: ReadonlySet<string>): Promise<void> {
    const { catalog } = this.run.deps;
    const { name, store } = this.destination;
    for (const expected of await expectedBetween(catalog, name, this.done, upTo)) {
      const { key, s3VersionId, objectId, kind: subject } = expected;
      if (listed.has(JSON.stringify([key, s3VersionId]))) continue;
      if (objectId !== null) await this.look(objectId);
      else if ((await this.run.retrying(() => store.head({ key, versionId: s3VersionId }))) === undefined)
        await tell(this.run, { kind: 'missing', subject, destination: name, key, s3VersionId });
    }
    if (upTo !== null) this.done = upTo;
  }

  private async look(objectId: string): Promise<void> {
    const { catalog } = this.run.deps;
    const object = await promisedAgain(catalog, objectId);
    if (object === undefined) return;
    const note = await checkObject(this.run, this.destination, object, false);
    if (note !== undefined) await recordChecks(catalog, [note]);
  }
}

async function openUploads(
  run: VerifyRun,
  { name, store }: CheckedDestination,
  below: string,
): Promise<void> {
  for await (const { key, initiatedAt } of store.listMultiparts(below)) {
    const [intent] = isPlain(key) ? await intentsUnder(run.deps.catalog, name, [key]) : [];
    if (intent?.isOpen) continue;
    const finding: Finding = {
      kind: 'open_upload',
      subject: 'other',
      destination: name,
      key,
      detail: `since ${initiatedAt.toISOString()}`,
    };
    await tellStray(run, finding);
  }
}

/** Reports what is not ours, and opens its incident; a bucket may be flooded with more than a register should hold. */
async function tellStray(run: VerifyRun, finding: Finding): Promise<void> {
  if (finding.kind === 'leftover' || !run.opensIncidents) run.report(finding);
  else await tell(run, finding);
}

const detailOf = ({ isDeleteMarker, lengthBytes, lastModified }: ListedVersion): string =>
  `${isDeleteMarker ? 'delete marker' : `${lengthBytes} bytes`} of ${lastModified.toISOString()}`;
