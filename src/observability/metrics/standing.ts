import { Gauge, type Registry } from 'prom-client';
import type { AuditStanding } from '../../audit/standing.ts';
import type { RunResult } from '../../catalog/catalog.ts';
import type { JournalLag } from '../../catalog/journal-query.ts';
import {
  type LastSweep,
  type OutcomeCount,
  type RunCount,
  type SourceBacklog,
  type StoredCount,
  type UnsoundCount,
  unsoundResults,
  watchedRuns,
} from '../../catalog/standing-query.ts';
import { type IncidentKind, incidentKinds, outcomes } from '../../domain/records.ts';
import type { HoldTotals } from '../../holds/held.ts';

/** What is read from the catalog every few seconds. */
export interface Standing {
  readonly beginning: Date | undefined;
  readonly sweeps: readonly LastSweep[];
  readonly lags: readonly JournalLag[];
  readonly unsound: readonly UnsoundCount[];
  readonly copies: readonly { readonly destination: string; readonly planned: number }[];
  readonly incidents: readonly { readonly kind: IncidentKind; readonly incidents: number }[];
  readonly audit: AuditStanding;
  readonly pausedSources: readonly string[];
  /** Those that were not revoked. */
  readonly hosts: readonly { readonly name: string; readonly lastSeenAt: Date | null }[];
}

/** What takes longer the more there is. */
export interface Counted {
  readonly holds: HoldTotals;
  readonly outcomes: readonly OutcomeCount[];
  readonly backlogs: readonly SourceBacklog[];
  readonly stored: readonly StoredCount[];
  readonly runs: readonly RunCount[];
}

const runResults: readonly RunResult[] = [
  'complete',
  'complete with warnings',
  'incomplete',
  'failed',
  'interrupted',
];

const seconds = (at: Date): number => at.getTime() / 1_000;

/** What stands in the catalog, of all hosts. Told by hosts that keep the repository; each tells the same. */
export class StandingMetrics {
  private readonly destinations: readonly string[];
  private readonly versions: Gauge<'source' | 'outcome'>;
  private readonly entries: Gauge<'source' | 'outcome'>;
  private readonly waiting: Gauge<'source'>;
  private readonly oldest: Gauge<'source'>;
  private readonly sweepAt: Gauge<'source'>;
  private readonly sweepSeconds: Gauge<'source'>;
  private readonly lagSeconds: Gauge<'source'>;
  private readonly lagVersions: Gauge<'source'>;
  private readonly paused: Gauge<'source'>;
  private readonly holdsOpen: Gauge;
  private readonly holdsImpaired: Gauge;
  private readonly holdsOldest: Gauge;
  private readonly turnedAway: Gauge;
  private readonly objects: Gauge<'destination'>;
  private readonly bytes: Gauge<'destination'>;
  private readonly unsound: Gauge<'destination' | 'result'>;
  private readonly copies: Gauge<'destination'>;
  private readonly incidents: Gauge<'kind'>;
  private readonly unsigned: Gauge;
  private readonly unsignedSeconds: Gauge;
  private readonly unanchoredSeconds: Gauge<'destination'>;
  private readonly conflicts: Gauge<'destination'>;
  private readonly auditVerified: Gauge;
  private readonly auditBreaches: Gauge;
  private readonly runs: Gauge<'kind' | 'result'>;
  private readonly runAt: Gauge<'kind' | 'result'>;
  private readonly success: Gauge<'kind'>;
  private readonly hosts: Gauge<'host'>;
  private readonly looked: Gauge;

  /** @param sources names of this host's own; those of others are there when the catalog was read */
  constructor(
    registry: Registry,
    {
      destinations,
      sources,
    }: { readonly destinations: readonly string[]; readonly sources: readonly string[] },
  ) {
    this.destinations = destinations;
    const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]): Gauge<Label> =>
      new Gauge({ name: `holdfast_${name}`, help, labelNames, registers: [registry] });
    this.versions = gauge(
      'catalog_versions',
      'Versions that the catalog has, by their outcome now.',
      'source',
      'outcome',
    );
    this.entries = gauge(
      'catalog_entries',
      'Entries that the catalog has, by the outcome of their newest version.',
      'source',
      'outcome',
    );
    this.waiting = gauge(
      'backlog_entries',
      'Entries of which something was told that no look has answered.',
      'source',
    );
    this.oldest = gauge(
      'oldest_unprotected_seconds',
      'For how long the oldest entry has waited to be protected, or failed; 0 where none does.',
      'source',
    );
    this.sweepAt = gauge(
      'sweep_last_complete_timestamp_seconds',
      'When a sweep last saw the whole source; before the first, when the source was added.',
      'source',
    );
    this.sweepSeconds = gauge('sweep_last_duration_seconds', 'How long that sweep took.', 'source');
    this.lagSeconds = gauge(
      'manifest_lag_seconds',
      'Age of the oldest settled version that no manifest lists yet; 0 where there is none.',
      'source',
    );
    this.lagVersions = gauge(
      'manifest_lag_versions',
      'Settled versions that no manifest lists yet.',
      'source',
    );
    this.paused = gauge(
      'retention_paused',
      'Whether nothing of the source expires until somebody has looked (docs/retention.md).',
      'source',
    );
    this.holdsOpen = gauge('holds_open', 'Held files that wait for a decision.');
    this.holdsImpaired = gauge(
      'holds_impaired',
      'Held files whose staged bytes are damaged or missing, or whose host does not answer.',
    );
    this.holdsOldest = gauge(
      'holds_oldest_seconds',
      'Age of the oldest held file that waits for a decision; 0 where there is none.',
    );
    this.turnedAway = gauge(
      'staging_turned_away',
      'Entries that failed because the staging folder had no room for what would have to be held.',
    );
    this.objects = gauge('stored_objects', 'Objects of content in the destination.', 'destination');
    this.bytes = gauge('stored_bytes', 'Their size.', 'destination');
    this.unsound = gauge(
      'unsound_objects',
      'Objects that were not found as they were written when they were last looked at.',
      'destination',
      'result',
    );
    this.copies = gauge(
      'copies_missing',
      'Versions whose copy in the destination is planned and not made.',
      'destination',
    );
    this.incidents = gauge('incidents_open', 'Incidents that are not closed.', 'kind');
    this.unsigned = gauge('audit_unsigned_events', 'Audit events under no signed head yet.');
    this.unsignedSeconds = gauge(
      'audit_unsigned_oldest_seconds',
      'Age of the oldest of them; 0 where there is none.',
    );
    this.unanchoredSeconds = gauge(
      'audit_unanchored_oldest_seconds',
      'Age of the oldest signed head that is not anchored in the destination; 0 where there is none.',
      'destination',
    );
    this.conflicts = gauge(
      'audit_anchor_conflicts',
      'Anchors that the destination has otherwise than this catalog.',
      'destination',
    );
    this.auditVerified = gauge(
      'audit_verify_timestamp_seconds',
      'When the audit trail was last verified to its end; before the first time, when the repository began.',
    );
    this.auditBreaches = gauge('audit_verify_breaches', 'What was then not as it was signed.');
    this.runs = gauge('runs', 'Runs that ended.', 'kind', 'result');
    this.runAt = gauge('run_last_end_timestamp_seconds', 'When the newest of them ended.', 'kind', 'result');
    this.success = gauge(
      'run_last_success_timestamp_seconds',
      'When a run of the kind last came to its end; absent before the first.',
      'kind',
    );
    this.hosts = gauge(
      'host_last_seen_timestamp_seconds',
      'When the worker of the host last told the others of itself, every minute.',
      'host',
    );
    this.looked = gauge(
      'standing_timestamp_seconds',
      'When these gauges were last read from the catalog; before the first time, when this process began.',
    );
    for (const source of sources) {
      this.nothing(source);
      for (const empty of [this.waiting, this.oldest, this.lagSeconds, this.lagVersions, this.paused])
        empty.set({ source }, 0);
    }
    // A moment that is not known is no 1970.
    this.auditVerified.remove();
    this.looked.setToCurrentTime();
  }

  /** No version of the source has any outcome. */
  private nothing(source: string): void {
    for (const outcome of outcomes) {
      this.versions.set({ source, outcome }, 0);
      this.entries.set({ source, outcome }, 0);
    }
  }

  stand(now: Standing): void {
    const { beginning, sweeps, lags, audit } = now;
    for (const { source, completeAt, seconds: took } of sweeps) {
      this.sweepAt.set({ source }, seconds(completeAt));
      this.sweepSeconds.set({ source }, took);
      this.paused.set({ source }, now.pausedSources.includes(source) ? 1 : 0);
    }
    for (const { source, versions, oldestSeconds } of lags) {
      this.lagVersions.set({ source }, versions);
      this.lagSeconds.set({ source }, oldestSeconds);
    }
    for (const destination of this.destinations) {
      for (const result of unsoundResults) this.unsound.set({ destination, result }, 0);
      this.copies.set({ destination }, 0);
    }
    for (const { destination, result, objects } of now.unsound)
      this.unsound.set({ destination, result }, objects);
    for (const { destination, planned } of now.copies) this.copies.set({ destination }, planned);
    for (const kind of incidentKinds) this.incidents.set({ kind }, 0);
    for (const { kind, incidents } of now.incidents) this.incidents.set({ kind }, incidents);
    this.unsigned.set(audit.lag.unsigned);
    this.unsignedSeconds.set(audit.lag.oldestUnsignedSeconds);
    for (const { destination, oldestSeconds, conflicts } of audit.lag.destinations) {
      this.unanchoredSeconds.set({ destination }, oldestSeconds);
      this.conflicts.set({ destination }, conflicts);
    }
    const verifiedAt = audit.verified === null ? beginning : new Date(audit.verified.at);
    if (verifiedAt !== undefined) this.auditVerified.set(seconds(verifiedAt));
    this.auditBreaches.set(audit.verified?.breaches ?? 0);
    // A host that was revoked is not missed.
    this.hosts.reset();
    for (const { name: host, lastSeenAt } of now.hosts)
      if (lastSeenAt !== null) this.hosts.set({ host }, seconds(lastSeenAt));
    this.looked.setToCurrentTime();
  }

  count(now: Counted): void {
    this.holdsOpen.set(now.holds.open);
    this.holdsOldest.set(now.holds.oldestSeconds);
    this.holdsImpaired.set(now.holds.impaired);
    this.turnedAway.set(now.holds.turnedAway);
    for (const { source, waiting, oldestSeconds } of now.backlogs) {
      this.nothing(source);
      this.waiting.set({ source }, waiting);
      this.oldest.set({ source }, oldestSeconds);
    }
    for (const { source, outcome, versions, entries } of now.outcomes) {
      this.versions.set({ source, outcome }, versions);
      this.entries.set({ source, outcome }, entries);
    }
    for (const destination of this.destinations) {
      this.objects.set({ destination }, 0);
      this.bytes.set({ destination }, 0);
    }
    for (const { destination, objects, bytes } of now.stored) {
      this.objects.set({ destination }, objects);
      this.bytes.set({ destination }, bytes);
    }
    for (const kind of watchedRuns) for (const result of runResults) this.runs.set({ kind, result }, 0);
    const successes = new Map<string, number>();
    for (const { kind, result, runs, lastEndedAt } of now.runs) {
      this.runs.set({ kind, result }, runs);
      this.runAt.set({ kind, result }, seconds(lastEndedAt));
      if (result === 'complete' || result === 'complete with warnings')
        successes.set(kind, Math.max(successes.get(kind) ?? 0, seconds(lastEndedAt)));
    }
    for (const [kind, at] of successes) this.success.set({ kind }, at);
  }
}
