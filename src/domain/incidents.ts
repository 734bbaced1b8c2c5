import type { Id } from './records.ts';

/** `notified`: whoever the law names was told. Each may also become `closed`. */
export const incidentStates = ['open', 'acknowledged', 'notified', 'closed'] as const;
export type IncidentState = (typeof incidentStates)[number];

/** How somebody was told of an incident. */
export const noticeMeans = ['mail', 'letter', 'phone', 'portal', 'in-person'] as const;
export type NoticeMeans = (typeof noticeMeans)[number];

/** What people are told of one incident, once each. */
export const incidentTopics = ['incident_opened', 'incident_warning', 'incident_overdue'] as const;
export type IncidentTopic = (typeof incidentTopics)[number];

/** The times that count for an incident. Milliseconds. */
export interface BreachTerms {
  /** From the detection to the end of the time for notification. */
  readonly notifyWithinMs: number;
  /** How long before that a warning is due. */
  readonly warnBeforeMs: number;
}

export interface IncidentClock {
  readonly deadline: Date;
  /** Topics that are due by now, in the order in which they became so; none once it is notified or closed. */
  readonly due: readonly IncidentTopic[];
  /** When the next one is due; undefined where none will be. */
  readonly nextAt: Date | undefined;
}

/** How the clock of an incident stands. It runs until somebody has notified or closed it; acknowledging does not stop it. */
export function incidentClock(
  { detectedAt, state }: { readonly detectedAt: Date; readonly state: IncidentState },
  { notifyWithinMs, warnBeforeMs }: BreachTerms,
  now: Date,
): IncidentClock {
  const deadline = new Date(detectedAt.getTime() + notifyWithinMs);
  const moments: readonly (readonly [IncidentTopic, number])[] = [
    ['incident_opened', detectedAt.getTime()],
    ['incident_warning', deadline.getTime() - warnBeforeMs],
    ['incident_overdue', deadline.getTime()],
  ];
  if (state === 'notified' || state === 'closed') return { deadline, due: [], nextAt: undefined };
  const due = moments.filter(([topic, at]) => topic === 'incident_opened' || at <= now.getTime());
  const next = moments.find((moment) => !due.includes(moment));
  return {
    deadline,
    due: due.map(([topic]) => topic),
    nextAt: next === undefined ? undefined : new Date(next[1]),
  };
}

export interface IncidentStep {
  readonly incidentId: Id;
  /** The workflow's time, ms since 1970. */
  readonly nowMs: number;
}

/** How an incident stands by the catalog. */
export interface IncidentStanding {
  readonly next: 'standing';
  readonly state: IncidentState;
  /** After this something is due; null: nothing will be. */
  readonly dueInMs: number | null;
}
