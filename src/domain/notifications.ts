import type { IncidentTopic } from './incidents.ts';
import type { Id } from './records.ts';

/** What may last, is told when it begins, again after a pause, and when it has ended. */
export const conditionKinds = [
  'sweep_missing',
  'files_failed',
  'hold_waiting',
  'disk_filling',
  'staging_filling',
  'signatures_stale',
  'restore_test_failed',
  'channel_failing',
] as const;
export type ConditionKind = (typeof conditionKinds)[number];

/** What a message is about. `incidents_many`: so many incidents of one kind that they are not told one by one. */
export type Topic =
  | IncidentTopic
  | 'incidents_many'
  | 'breach_notice'
  | ConditionKind
  | 'digest'
  | 'test'
  /** For a dead man's switch: a sweep was complete, or was not. */
  | 'sweep_complete'
  | 'sweep_incomplete';

/** Whether what lasts has begun, goes on, or is over. */
export type Phase = 'begun' | 'lasts' | 'resolved';

export interface NotificationStep {
  readonly notificationId: Id;
}

export interface Delivered {
  readonly next: 'delivered';
  /** `failed`: given up; `waiting`: worth another try. */
  readonly state: 'sent' | 'failed' | 'waiting';
}

/** Pauses between tries: doubled from the first to the longest. Milliseconds. */
export const firstPauseMs = 10_000;
export const longestPauseMs = 30 * 60_000;
/** A message that could not be delivered for so long, and was tried so often, is given up. */
export const longestDeliveryMs = 3 * 86_400_000;
export const fewestTries = 100;
