import type { Catalog } from '../catalog/catalog.ts';
import { type Incident, incidentById } from '../catalog/incident-query.ts';
import type { Config } from '../config.ts';
import { Failure } from '../domain/failures.ts';
import { incidentClock } from '../domain/incidents.ts';
import { type Language, languageOf } from '../text/language.ts';
import { namedId } from './named-id.ts';
import type { Session } from './session.ts';

/** An incident as `--json` prints it. */
export interface IncidentOutput {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly source: string | null;
  readonly detectedAt: string;
  /** ISO 8601 UTC: the end of the time for notification. */
  readonly notifyBy: string;
  /** Whether that is over, and nobody was told. */
  readonly overdue: boolean;
  readonly openedBy: string;
  readonly detail: string | null;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly acknowledged: { readonly at: string; readonly by: string | null } | null;
  readonly notified: {
    readonly at: string;
    readonly to: string | null;
    readonly means: string | null;
    readonly by: string | null;
  } | null;
  readonly closed: { readonly at: string; readonly by: string | null; readonly reason: string | null } | null;
}

export function incidentOutput(incident: Incident, config: Config, now = new Date()): IncidentOutput {
  const { id, kind, state, source, detectedAt, openedBy, detail, facts } = incident;
  const { acknowledgedAt, notifiedAt, closedAt } = incident;
  const { deadline, due } = incidentClock(incident, termsOf(config), now);
  return {
    ...{ id, kind, state, source, openedBy, detail, facts },
    detectedAt: detectedAt.toISOString(),
    notifyBy: deadline.toISOString(),
    overdue: due.includes('incident_overdue'),
    acknowledged: acknowledgedAt && { at: acknowledgedAt.toISOString(), by: incident.acknowledgedBy },
    notified: notifiedAt && {
      at: notifiedAt.toISOString(),
      ...{ to: incident.notifiedTo, means: incident.notifiedMeans, by: incident.notifiedBy },
    },
    closed: closedAt && {
      at: closedAt.toISOString(),
      ...{ by: incident.closedBy, reason: incident.closeReason },
    },
  };
}

export const termsOf = ({ breaches: { notifyWithin, warnBefore } }: Pick<Config, 'breaches'>) => ({
  notifyWithinMs: notifyWithin,
  warnBeforeMs: warnBefore,
});

/** The language of whoever runs the command. */
export const languageIn = ({ env }: Session): Language => languageOf(env);

/** The incident of an id or of its first digits. Failures: those of {@link namedId}. */
export async function namedIncident(catalog: Catalog, given: string): Promise<Incident> {
  const incident = await incidentById(catalog, await namedId(catalog, 'incident', given));
  if (incident === undefined) throw new Failure('incident_unknown', { incident: given });
  return incident;
}
