import type { AuditRow } from '../catalog/rows.ts';
import { Failure } from '../domain/failures.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';

/** The nine steps of a file's life, in order; `show` prints one line for each. */
export const pipelineSteps = [
  'fingerprint',
  'duplicate_check',
  'admission',
  'scan',
  'seal',
  'release',
  'upload',
  'read_back',
  'commit',
] as const;
export type PipelineStep = (typeof pipelineSteps)[number];

/** Events outside the nine steps. */
export type OtherStep =
  | 'skip'
  | 'quarantine'
  | 'hold'
  | 'approval'
  | 'placement'
  | 'tombstone'
  | 'fail'
  | 'incident'
  | 'run'
  | 'restore'
  | 'verify'
  | 'rescan'
  | 'retention'
  | 'legal_hold'
  | 'keyring'
  | 'access'
  | 'policy_switch'
  | 'configuration';

export interface EventInput {
  /** Version id for the nine steps, else the run's id: what the event is about. */
  readonly subject: Id;
  readonly step: PipelineStep | OtherStep;
  readonly run: Id;
  readonly host: Id;
  readonly workflow?: string | undefined;
  /** Who acts: `holdfast`, or the operator's account for a command. */
  readonly actor?: string;
  readonly source?: Id | undefined;
  readonly entry?: Id | undefined;
  readonly version?: Id | undefined;
  readonly destination?: string | undefined;
  /** Tells events of one (subject, step) apart where no destination does. */
  readonly among?: string;
  /** Counts events of one (subject, step, destination). */
  readonly ordinal?: number;
  /** What happened: strings, booleans and integers; ids and codes, never a path. */
  readonly facts: Readonly<Record<string, unknown>>;
}

let lastMs = 0;
let lastTime = '';

/** ISO time. Many events are told in a millisecond. */
function now(): string {
  const ms = Date.now();
  if (ms !== lastMs) {
    lastMs = ms;
    lastTime = new Date(ms).toISOString();
  }
  return lastTime;
}

/**
 * An event that is about to be told. What of it becomes a row is made when it is clear whether other steps go with it, with
 * its members in the order that they are hashed in.
 */
class ToldEvent implements AuditRow {
  readonly ids: Ids;
  readonly input: EventInput;
  readonly at = now();

  constructor(ids: Ids, input: EventInput) {
    this.ids = ids;
    this.input = input;
  }

  get id(): Id {
    const { subject, step, ordinal = 0, destination = '', among = destination } = this.input;
    return this.ids.event(subject, step, among, ordinal);
  }

  get event(): AuditRow['event'] {
    const { actor = 'holdfast', destination = '', entry, facts, host, ordinal = 0 } = this.input;
    const { run, source, step, subject, version, workflow } = this.input;
    return {
      ...{ actor, at: this.at, destination, entry, facts, host, id: this.id, ordinal },
      ...{ run, source, step, subject, v: 1, version, workflow },
    };
  }

  /** This step and later ones of the same file's life as one event. Failure `audit_conflict` where one is told twice. */
  with(later: readonly ToldEvent[]): AuditRow {
    const told = new Set(
      [this, ...later].map(
        ({ input: { step, destination, ordinal } }) => `${step} ${ordinal} ${destination}`,
      ),
    );
    if (told.size <= later.length) throw new Failure('audit_conflict', { event: this.id });
    const { id } = this;
    const at = later.at(-1)?.at ?? this.at;
    const { actor = 'holdfast', entry, host, run, source, subject, version, workflow } = this.input;
    const steps = [this, ...later].map(asStep);
    return {
      id,
      at,
      event: { actor, at, entry, host, id, run, source, steps, subject, v: 1, version, workflow },
    };
  }
}

function asStep({ at, input: { destination, facts, ordinal, step } }: ToldEvent) {
  return { at, destination, facts, ordinal: ordinal === 0 ? undefined : ordinal, step };
}

/** An event of the audit trail (docs/format.md, section 10). */
export function auditEvent(ids: Ids, input: EventInput): AuditRow {
  return new ToldEvent(ids, input);
}

/**
 * The events of one change as the trail has them: steps of one file's life that become durable together are one event,
 * under the id of the first of them.
 */
export function joinedSteps(events: readonly AuditRow[]): AuditRow[] {
  if (events.length < 2) return [...events];
  const groups = Map.groupBy(events, (event) => (isStep(event) ? event.input.subject : event));
  return [...groups.values()].map(([first, ...later]) =>
    isStep(first) && later.length > 0 ? first.with(later as ToldEvent[]) : (first as AuditRow),
  );
}

/** Whether it is one of the nine steps, about a version. */
function isStep(event: AuditRow | undefined): event is ToldEvent {
  return event instanceof ToldEvent && (pipelineSteps as readonly string[]).includes(event.input.step);
}
