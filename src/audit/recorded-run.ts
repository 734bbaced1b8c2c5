import type { Catalog } from '../catalog/catalog.ts';
import { readFact, writeFact } from '../catalog/installation-fact.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import { readBeginning } from './beginning.ts';
import { auditEvent } from './event.ts';
import { anchorName } from './head.ts';
import { openIncident } from './incident.ts';
import {
  type AuditFinding,
  type AuditSummary,
  type AuditVerifyDeps,
  type AuditVerifyRequest,
  breaches,
  verifyAudit,
} from './verify.ts';

export interface RecordedAuditDeps extends AuditVerifyDeps {
  readonly ids: Ids;
  readonly hostId: Id;
}

/** What the newest run said, for `status` and `doctor`: the installation fact `audit_verify`. */
export interface AuditVerifyFact {
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly events: number;
  readonly heads: number;
  readonly anchors: number;
  readonly breaches: number;
  /** Where the trail begins anew since its catalog was rebuilt; null: with its first head. */
  readonly beginning: { readonly head: number; readonly at: string } | null;
}

const factName = 'audit_verify';
/** Incidents of one run; whoever changed more has opened enough of them. */
const mostIncidents = 100;

export interface RecordedAuditRequest extends Pick<AuditVerifyRequest, 'signal' | 'onProgress'> {
  readonly runId: Id;
  /** Who asked, as the audit trail names them. */
  readonly actor: string;
  readonly onFinding?: (finding: AuditFinding) => void;
}

/**
 * Verifies the whole trail, with a run, an event, the fact that `status` shows, and an incident for each breach: what is
 * found is detected then, whether the schedule or somebody asked.
 */
export async function recordedAuditVerify(
  deps: RecordedAuditDeps,
  { runId, actor, signal, onFinding, onProgress }: RecordedAuditRequest,
): Promise<AuditSummary> {
  const { catalog, ids, hostId } = deps;
  await catalog.startRun({ id: runId, kind: 'audit-verify', hostId, actor });
  const beginning = await readBeginning(catalog, deps.repository, deps.keys);
  const begun = beginning === undefined ? null : { head: beginning.begin, at: beginning.at };
  const walk = verifyAudit(deps, {
    ...{ begin: begun?.head ?? 1, signal },
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  let opened = 0;
  for (;;) {
    const { value, done } = await walk.next();
    if (!done) {
      onFinding?.(value);
      if (value.kind !== 'planted' && opened++ < mostIncidents) await open(deps, runId, value);
      continue;
    }
    const { events, heads, anchors, sinceAnchor } = value;
    const totals = {
      events,
      heads,
      anchors,
      sinceAnchor,
      breaches: breaches(value),
      away: new Set([...value.away, ...value.refused]).size,
      begin: begun?.head ?? 1,
    };
    const event = auditEvent(ids, {
      ...{ subject: runId, step: 'verify', run: runId, host: hostId, actor },
      among: new Date().toISOString(),
      facts: { what: 'audit', ...totals },
    });
    await catalog.write({ events: [event] });
    await catalog.endRun(runId, totals.breaches > 0 ? 'complete with warnings' : 'complete', totals);
    const fact: AuditVerifyFact = {
      at: new Date().toISOString(),
      events,
      heads,
      anchors,
      breaches: totals.breaches,
      beginning: begun,
    };
    await writeFact(catalog, factName, fact);
    return value;
  }
}

/** One incident for each head and event, however often it is found. */
async function open(
  { catalog, ids, hostId }: RecordedAuditDeps,
  runId: Id,
  finding: AuditFinding,
): Promise<void> {
  const { kind, head, event: changed, destination, detail } = finding;
  const subject = changed ?? anchorName(head ?? 0);
  const { incident, event } = openIncident(ids, {
    ...{ kind: 'audit_mismatch', subject, run: runId, host: hostId, destination },
    facts: { what: kind, ...(head === undefined ? {} : { head }), detail },
  });
  await catalog.write({ incident, events: [event] });
}

/** Undefined until a run has ended. */
export async function readAuditVerifyFact(catalog: Catalog): Promise<AuditVerifyFact | undefined> {
  return (await readFact<AuditVerifyFact>(catalog, factName))?.value;
}
