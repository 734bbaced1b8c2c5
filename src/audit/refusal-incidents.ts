import { type RefusedEvent, refusedSince } from '../catalog/audit-query.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { incidentById } from '../catalog/incident-query.ts';
import { type BurstLimit, burstsOf } from '../domain/bursts.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import { openIncident } from './incident.ts';

interface RefusalDeps {
  readonly catalog: Catalog;
  readonly ids: Ids;
  readonly hostId: Id;
  readonly limit: BurstLimit;
}

/**
 * Opens an incident where people were refused too often within a time, and where a host that was revoked still comes; one
 * for each host and day. What our own processes are refused is no attempt to get in: it is told, and somebody has to put
 * the rights in order.
 *
 * @param told the refusals that were told just now, in the trail already
 */
export async function openRefusalIncidents(
  { catalog, ids, hostId, limit }: RefusalDeps,
  told: readonly RefusedEvent[],
): Promise<void> {
  for (const { id, at, facts } of told.filter(({ facts }) => facts.what === 'host_revoked')) {
    const about = { what: 'host_revoked', host: String(facts.host), service: String(facts.service), at };
    await open(`host ${facts.host} ${at.slice(0, 10)}`, id, about);
  }
  const attempts = told.filter(isAttempt);
  if (attempts.length === 0) return;
  const earliest = Math.min(...attempts.map(({ at }) => Date.parse(at)));
  const known = await refusedSince(catalog, hostId, new Date(earliest - limit.withinMs));
  const all = new Map([...known, ...attempts].filter(isAttempt).map((deed) => [deed.id, deed]));
  const moments = [...all.values()].map(({ at }) => Date.parse(at));
  for (const burst of burstsOf(moments, limit)) {
    const day = new Date(burst.firstMs).toISOString().slice(0, 10);
    const { subject, closedMs } = await standing(`attempts ${hostId} ${day}`);
    const [newest] = burstsOf(
      moments.filter((at) => at >= burst.firstMs && at <= burst.lastMs && at > closedMs),
      limit,
    );
    if (newest === undefined) continue;
    const { firstMs, lastMs, count } = newest;
    const within = [...all.values()].filter(
      ({ at }) => Date.parse(at) >= firstMs && Date.parse(at) <= lastMs,
    );
    const what = [...new Set(within.map(({ facts }) => String(facts.what)))].sort().join(',');
    const [since, until] = [new Date(firstMs).toISOString(), new Date(lastMs).toISOString()];
    const run = within[0]?.id ?? hostId;
    const who = [...new Set(within.map(({ actor }) => actor))].sort().slice(0, 10).join(',');
    await open(subject, run, { what, who, count, since, until });
  }

  /** Whoever goes on after somebody closed the incident of the day is another one. */
  async function standing(day: string): Promise<{ subject: string; closedMs: number }> {
    let closedMs = 0;
    for (let number = 1; ; number++) {
      const subject = number === 1 ? day : `${day} ${number}`;
      const known = await incidentById(catalog, ids.incident('unauthorised_access', subject));
      if (known === undefined || known.closedAt === null) return { subject, closedMs };
      closedMs = known.closedAt.getTime();
    }
  }

  async function open(subject: string, run: Id, facts: Readonly<Record<string, unknown>>): Promise<void> {
    const { incident, event } = openIncident(ids, {
      ...{ kind: 'unauthorised_access', subject, run, host: hostId, facts },
    });
    await catalog.write({ incident, events: [event] });
  }
}

/** Somebody tried a command; processes of ours are told by their name. */
const isAttempt = ({ facts }: RefusedEvent): boolean => facts.process === undefined;
