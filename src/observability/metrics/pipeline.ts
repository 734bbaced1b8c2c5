import { Counter, Histogram, type Registry } from 'prom-client';
import type { Change } from '../../catalog/rows.ts';
import {
  incidentKinds,
  type Outcome,
  outcomes,
  placementStates,
  type VerdictReason,
  verdictReasons,
  verdictStates,
} from '../../domain/records.ts';
import { counts } from './counts.ts';

/** From a quarter of a second, which the watcher waits for quiet, to the week that an outage may last. Seconds. */
const latencyBuckets = [0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600, 6 * 3_600, 86_400, 3 * 86_400, 7 * 86_400];

const stepBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30, 300, 3_600];

/** One file by itself, the files of a batch together, or a whole sweep. */
export type Lane = 'single' | 'batch' | 'sweep';

/** Each is there from the start. */
const stepsOf: Readonly<Record<Lane, readonly string[]>> = {
  single: ['fingerprint', 'admit', 'scan', 'sealAndUpload', 'planAndRelease', 'upload'],
  batch: ['fingerprint', 'admit', 'scan', 'seal', 'upload', 'protectBatch'],
  sweep: ['sweepSource'],
};

/** Why files fail, as far as it can be foreseen: these are there from the start. */
const foreseenReasons = [
  'changing',
  'unreadable',
  'left_source',
  'staging_full',
  'hold_lost',
  'object_lost',
  'name_too_long',
  'timeout',
  'lock_mismatch',
  'internal',
];

const protectedBy: readonly Outcome[] = ['uploaded', 'duplicate'];

/**
 * What becomes of files, in both lanes alike: counted from the changes that are durable in the catalog, wherever they were
 * made. Since the start of this process; what stands in all is told by `standing.ts`.
 */
export class PipelineMetrics {
  private readonly files;
  private readonly failed;
  private readonly decisions;
  private readonly verdicts;
  private readonly quarantined;
  private readonly holdsEnded;
  private readonly holdsOpened: Counter;
  private readonly placements: Counter<'destination' | 'state'>;
  private readonly objects: Counter<'destination'>;
  private readonly incidents;
  private readonly readBytes: Counter;
  private readonly latency: Histogram;
  private readonly steps: Histogram<'lane' | 'step'>;

  constructor(registry: Registry, destinations: readonly string[]) {
    const registers = [registry];
    this.files = counts(registry, 'outcome', outcomes, {
      name: 'holdfast_files_total',
      help: 'Versions that got their outcome.',
    });
    this.failed = counts(registry, 'reason', foreseenReasons, {
      name: 'holdfast_failed_files_total',
      help: 'Versions that failed, by the code of the failure.',
    });
    this.decisions = new Counter({
      name: 'holdfast_decisions_total',
      help: 'Decisions of policy.',
      labelNames: ['gate', 'result'],
      registers,
    });
    for (const gate of ['admission', 'release'])
      for (const result of ['allowed', 'denied']) this.decisions.inc({ gate, result }, 0);
    this.verdicts = new Counter({
      name: 'holdfast_verdicts_total',
      help: 'Verdicts on contents; a reason where nothing was scanned.',
      labelNames: ['verdict', 'reason'],
      registers,
    });
    for (const verdict of verdictStates)
      for (const reason of verdict === 'not_scanned' ? verdictReasons : ([''] as const))
        this.verdicts.inc({ verdict, reason }, 0);
    this.quarantined = counts(registry, 'action', ['moved', 'copied', 'replaced', 'reported'], {
      name: 'holdfast_quarantined_total',
      help: 'Infected files, by what was done with the original.',
    });
    this.holdsOpened = new Counter({
      name: 'holdfast_holds_opened_total',
      help: 'Files that had to wait for a decision.',
      registers,
    });
    this.holdsEnded = counts(registry, 'state', ['approved', 'rejected', 'expired'], {
      name: 'holdfast_holds_ended_total',
      help: 'Held files, by how their waiting ended.',
    });
    this.placements = new Counter({
      name: 'holdfast_placements_total',
      help: 'What became of versions in each destination.',
      labelNames: ['destination', 'state'],
      registers,
    });
    this.objects = new Counter({
      name: 'holdfast_objects_total',
      help: 'Objects that were sent, read back and recorded.',
      labelNames: ['destination'],
      registers,
    });
    for (const destination of destinations) {
      this.objects.inc({ destination }, 0);
      for (const state of placementStates)
        if (state !== 'uploading') this.placements.inc({ destination, state }, 0);
    }
    this.incidents = counts(registry, 'kind', incidentKinds, {
      name: 'holdfast_incidents_total',
      help: 'Incidents that were told of.',
    });
    this.readBytes = new Counter({
      name: 'holdfast_read_bytes_total',
      help: 'Content of files that became versions.',
      registers,
    });
    this.latency = new Histogram({
      name: 'holdfast_protect_latency_seconds',
      help: 'From the later of the first event nobody had answered and the last change of the content to the read back.',
      buckets: latencyBuckets,
      registers,
    });
    this.steps = new Histogram({
      name: 'holdfast_step_duration_seconds',
      help: 'Time one run of a step took: of one file, or of all files of a batch.',
      labelNames: ['lane', 'step'],
      buckets: stepBuckets,
      registers,
    });
    for (const [lane, steps] of Object.entries(stepsOf))
      for (const step of steps) this.steps.zero({ lane, step });
  }

  /** Counts a change that is durable. */
  written(change: Change): void {
    const { settle, version } = change;
    if (settle !== undefined) {
      this.files.inc(settle.outcome);
      if (settle.outcome === 'failed') this.failed.inc(settle.reason ?? 'internal');
      if (settle.dueSinceMs !== undefined && protectedBy.includes(settle.outcome))
        this.latency.observe(Math.max(0, Date.now() - settle.dueSinceMs) / 1_000);
    }
    if (version?.sha512) this.readBytes.inc(version.sizeBytes);
    for (const { gate, allow } of change.decisions ?? [])
      this.decisions.inc({ gate, result: allow ? 'allowed' : 'denied' });
    if (change.scan) this.verdict(change.scan.state, change.scan.reason);
    if (change.quarantine) this.quarantined.inc(change.quarantine.action);
    if (change.hold) this.holdsOpened.inc();
    const ended = change.holdChange?.state;
    if (ended !== undefined) this.holdsEnded.inc(ended);
    for (const { destination, state } of change.placements ?? [])
      if (state !== 'uploading') this.placements.inc({ destination, state });
    if (change.object) this.objects.inc({ destination: change.object.destination });
    if (change.incident) this.incidents.inc(change.incident.kind);
  }

  stepTook(lane: Lane, step: string, seconds: number): void {
    this.steps.observe({ lane, step }, seconds);
  }

  private verdict(verdict: string, reason: VerdictReason | null): void {
    this.verdicts.inc({ verdict, reason: reason ?? '' });
  }
}
