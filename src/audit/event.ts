import { hash } from 'node:crypto';
import type { AuditRow } from '../catalog/rows.ts';
import { canonicalText } from '../domain/canonical.ts';
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
  | 'reconcile'
  | 'run'
  | 'restore'
  | 'verify'
  | 'rescan'
  | 'retention'
  | 'legal_hold'
  | 'keyring'
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

/** An audit event with its Merkle leaf, SHA-256(0x00 ‖ RFC 8785 JSON of the event) (RFC 6962, section 2.1). */
export function auditEvent(ids: Ids, input: EventInput): AuditRow {
  const { subject, ordinal = 0, destination = '', among = destination, ...named } = input;
  const id = ids.event(subject, input.step, among, ordinal);
  const at = new Date().toISOString();
  const event: Record<string, unknown> = { v: 1, id, at, actor: 'holdfast', subject, destination, ordinal };
  for (const [name, value] of Object.entries(named)) if (value !== undefined) event[name] = value;
  const leaf = hash('sha256', `\0${canonicalText(event)}`, 'buffer');
  return { id, leaf, event, at };
}
