import { auditEvent } from '../audit/event.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { AuditRow, Change } from '../catalog/rows.ts';
import type { CheckScope } from '../catalog/verify-query.ts';
import { Failure } from '../domain/failures.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import type { KeyringDocument } from '../keys/keyring-files.ts';
import type { KeyAccess } from '../pipeline/keys.ts';
import { ByteBudget } from '../restore/byte-budget.ts';
import type { ReadDeps } from '../restore/content.ts';
import { defaultRetryPausesMs, retrying, throwIfInterrupted } from '../restore/retry.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { type Finding, type FindingKind, isRepaired } from './finding.ts';
import { incidentOf } from './incident.ts';

export interface VerifyDestination {
  readonly store: ObjectStore;
  readonly prefix: string;
}

/** What verifying works with. */
export interface VerifyDeps {
  readonly catalog: Catalog;
  readonly ids: Ids;
  readonly hostId: Id;
  readonly keys: Pick<KeyAccess, 'byId'>;
  /** The keyring as it should lie in every destination. */
  readonly keyring: readonly KeyringDocument[];
  /** By the destination's name in the configuration. */
  readonly destinations: ReadonlyMap<string, VerifyDestination>;
  /** Pauses between the tries of a request that a store did not answer, ms. */
  readonly retryPausesMs?: readonly number[];
}

export interface VerifyRequest {
  readonly runId: Id;
  /** Who asked, as the audit trail names them. */
  readonly actor: string;
  /** Undefined: everything. */
  readonly scope?: CheckScope;
  /** Share of the objects to look at, above 0 to 1: those that were not for longest. */
  readonly sample: number;
  /** Share of the objects whose content is read, 0 to 1: those that were not for longest. */
  readonly readSample: number;
  /** Hold the bucket's listing against the catalog. */
  readonly inventory: boolean;
  /** Put right what can be; otherwise only look. */
  readonly repair: boolean;
  /** Objects looked at at once, 1 to 64. */
  readonly jobs: number;
  /** From then on nothing more is begun. */
  readonly until?: Date;
  readonly signal: AbortSignal;
  readonly onFinding?: (finding: Finding) => void;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

export interface VerifyProgress {
  readonly checked: number;
  /** Objects and manifests this run means to look at; grows with each destination. */
  readonly toCheck: number;
  readonly bytesRead: number;
  readonly listed: number;
  readonly findings: number;
}

/** Content in memory at once, encrypted and plain. Bytes. */
const memoryBytes = 64 * 1024 * 1024;

/** One run: what it works with, how far it is, and what it found. */
export class VerifyRun {
  readonly deps: VerifyDeps;
  readonly request: VerifyRequest;
  /** What was looked at from then on counts as done. By the catalog's clock. */
  readonly since: Date;
  readonly reading: ReadDeps;
  checked = 0;
  toCheck = 0;
  read = 0;
  bytesRead = 0;
  manifests = 0;
  keyringDocuments = 0;
  listed = 0;
  shredded = 0;
  repaired = 0;
  complete = true;
  readonly findings: Partial<Record<FindingKind, number>> = {};
  private readonly retryPausesMs: readonly number[];
  private readonly told = new Set<string>();
  private incidents = 0;

  constructor(deps: VerifyDeps, request: VerifyRequest, since: Date) {
    this.deps = deps;
    this.request = request;
    this.since = since;
    this.retryPausesMs = deps.retryPausesMs ?? defaultRetryPausesMs;
    this.reading = {
      keys: deps.keys,
      stores: new Map([...deps.destinations].map(([name, { store }]) => [name, store])),
      memory: new ByteBudget(memoryBytes),
      signal: request.signal,
      retryPausesMs: this.retryPausesMs,
    };
  }

  destination(name: string): VerifyDestination {
    const found = this.deps.destinations.get(name);
    if (found === undefined) throw new Failure('destination_unknown', { destination: name });
    return found;
  }

  /** Whether the time is up: what is not begun is left to the next run. */
  isOver(): boolean {
    throwIfInterrupted(this.request.signal);
    const { until } = this.request;
    if (until === undefined || Date.now() < until.getTime()) return false;
    this.complete = false;
    return true;
  }

  /** Repeats a request that a store did not answer. */
  retrying<Result>(ask: () => Promise<Result>): Promise<Result> {
    return retrying(ask, this.request.signal, this.retryPausesMs);
  }

  addBytes(count: number): void {
    this.bytesRead += count;
    this.progress();
  }

  /** Counts and tells a finding, unless this run has told it already: a pass and the inventory may both meet it. */
  report(finding: Finding): boolean {
    const { kind, destination, key, s3VersionId = '' } = finding;
    const name = JSON.stringify([kind, destination, key, s3VersionId]);
    if (this.told.has(name)) return false;
    if (this.told.size < mostRemembered) this.told.add(name);
    this.findings[kind] = (this.findings[kind] ?? 0) + 1;
    if (isRepaired(finding)) this.repaired++;
    this.request.onFinding?.(finding);
    this.progress();
    return true;
  }

  /** Whether a further finding is entered in the breach register. */
  get opensIncidents(): boolean {
    return this.incidents < mostIncidents;
  }

  /** What the audit trail and the breach register keep of a mismatch: ids and codes, no names. */
  incident(finding: Finding): Pick<Change, 'incident' | 'events'> {
    const { deps, request } = this;
    const about = { run: request.runId, host: deps.hostId, source: request.scope?.sourceId };
    const opened = this.opensIncidents ? incidentOf(deps.ids, finding, about) : undefined;
    if (opened === undefined) return { events: [this.mismatch(finding)] };
    this.incidents++;
    return { incident: opened.incident, events: [this.mismatch(finding), opened.event] };
  }

  private mismatch(finding: Finding): AuditRow {
    const { kind, subject, destination, s3VersionId, objectId, remedy } = finding;
    const { runId: run, actor, scope } = this.request;
    return auditEvent(this.deps.ids, {
      subject: run,
      step: 'incident',
      among: JSON.stringify([destination, kind, finding.key, s3VersionId ?? '']),
      run,
      host: this.deps.hostId,
      actor,
      source: scope?.sourceId,
      destination,
      facts: {
        what: kind,
        subject,
        ...(objectId === undefined ? {} : { object: objectId }),
        ...(remedy === undefined ? {} : { remedy }),
      },
    });
  }

  progress(): void {
    const { checked, manifests, toCheck, bytesRead, listed } = this;
    const findings = Object.values(this.findings).reduce((sum, count) => sum + count, 0);
    this.request.onProgress?.({ checked: checked + manifests, toCheck, bytesRead, listed, findings });
  }
}

/** Incidents of one run; whoever changed more has opened enough of them. */
const mostIncidents = 100;

/** More findings than this are not compared with each other any more, so that memory stays bounded. */
const mostRemembered = 50_000;

/** The destination's clock now, which is what its locks are counted by. */
export async function serverNow(store: ObjectStore): Promise<Date> {
  const { retainUntil } = await store.lockUntil({ mode: 'GOVERNANCE', days: 1 });
  return new Date(retainUntil.getTime() - 86_400_000);
}
