import type { Catalog } from '../catalog/catalog.ts';
import { type Incident, incidentById } from '../catalog/incident-query.ts';
import { toldLately } from '../catalog/notification-query.ts';
import { Failure } from '../domain/failures.ts';
import type { Ids } from '../domain/ids.ts';
import {
  type BreachTerms,
  type IncidentStanding,
  type IncidentStep,
  type IncidentTopic,
  incidentClock,
} from '../domain/incidents.ts';
import type { ChannelName } from '../notify/channels.ts';
import { tell } from '../notify/tell.ts';

/** What looking after incidents works with. */
export interface IncidentDeps {
  readonly catalog: Catalog;
  readonly ids: Ids;
  readonly terms: BreachTerms;
  channels(): Promise<readonly ChannelName[]>;
}

/** Incidents of one kind that are told one by one within an hour; whatever comes then is told as their number. */
const mostTold = 10;

/** How an incident stands; what is due of it by now is told, each once. */
export async function lookAtIncident(
  deps: IncidentDeps,
  { incidentId, nowMs }: IncidentStep,
): Promise<IncidentStanding> {
  const incident = await incidentById(deps.catalog, incidentId);
  if (incident === undefined) throw new Failure('incident_unknown', { incident: incidentId });
  const { due, nextAt } = incidentClock(incident, deps.terms, new Date(nowMs));
  // Whoever comes late, after an outage, is told only what counts now.
  const newest = due.at(-1);
  if (newest !== undefined) await tellOf(deps, incident, newest, nowMs);
  return {
    next: 'standing',
    state: incident.state,
    dueInMs: nextAt === undefined ? null : Math.max(0, nextAt.getTime() - nowMs),
  };
}

async function tellOf(
  deps: IncidentDeps,
  { id, kind }: Incident,
  topic: IncidentTopic,
  nowMs: number,
): Promise<void> {
  const telling = { ...deps, channels: await deps.channels() };
  const isOneOfMany = (await toldLately(deps.catalog, topic, kind, id)) >= mostTold;
  if (!isOneOfMany) return tell(telling, { topic, subject: id, facts: { kind } });
  const hour = Math.floor(nowMs / 3_600_000);
  return tell(telling, {
    topic: 'incidents_many',
    subject: kind,
    occasion: `${topic} ${hour}`,
    facts: { kind },
  });
}
