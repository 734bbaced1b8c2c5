import type { AuditRow, IncidentRow } from '../catalog/rows.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id, IncidentKind } from '../domain/records.ts';
import { auditEvent } from './event.ts';

export interface IncidentInput {
  readonly kind: IncidentKind;
  /** Id of the version, object, sweep or hold it is about: one incident per kind and subject. */
  readonly subject: Id;
  readonly run: Id;
  readonly host: Id;
  readonly source?: Id | undefined;
  readonly version?: Id | undefined;
  readonly destination?: string | undefined;
  /** Ids and codes, never a path. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** An incident as its row and its audit event, for the change that tells of it. Told again, the first account stands. */
export function openIncident(ids: Ids, input: IncidentInput): { incident: IncidentRow; event: AuditRow } {
  const { kind, subject, run, host, source, version, destination, facts } = input;
  const id = ids.incident(kind, subject);
  return {
    incident: { id, kind, subject, sourceId: source ?? null, runId: run, facts },
    event: auditEvent(ids, {
      ...{ subject: id, step: 'incident', run, host, source, version, destination },
      facts: { ...facts, kind, about: subject },
    }),
  };
}
