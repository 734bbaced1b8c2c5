import type { Logger } from 'pino';
import type { IncidentStanding, IncidentStep } from '../src/domain/incidents.ts';
import type { Postponed } from '../src/domain/steps.ts';
import { type IncidentDeps, lookAtIncident } from '../src/incidents/look-at-incident.ts';
import { postponed } from './edge.ts';

export function createIncidentActivities(deps: IncidentDeps, log: Logger) {
  return {
    /** How an incident stands; what is due of it is told. */
    lookAtIncident: (input: IncidentStep): Promise<IncidentStanding | Postponed> =>
      lookAtIncident(deps, input).catch((error: unknown) => postponed<Postponed>(error, log)),
  };
}

export type IncidentActivities = ReturnType<typeof createIncidentActivities>;
