import { openIncident } from '../audit/incident.ts';
import type { AuditRow, IncidentRow } from '../catalog/rows.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id, IncidentKind } from '../domain/records.ts';
import type { Finding, FindingKind } from './finding.ts';

/** What a finding is in the breach register; what no key opens, and leftovers of ours, are none. */
const kinds: Readonly<Partial<Record<FindingKind, IncidentKind>>> = {
  missing: 'tampering',
  tampered: 'tampering',
  lock_mismatch: 'lock_mismatch',
  foreign_version: 'planted_object',
  unknown_object: 'planted_object',
  delete_marker: 'planted_object',
  open_upload: 'planted_object',
};

/** The incident that a finding is, one for each kind and object version, however often it is found; undefined for none. */
export function incidentOf(
  ids: Ids,
  finding: Finding,
  about: { readonly run: Id; readonly host: Id; readonly source: Id | undefined },
): { readonly incident: IncidentRow; readonly event: AuditRow } | undefined {
  const { kind: what, subject, destination, key, s3VersionId, objectId, remedy } = finding;
  const kind = kinds[what];
  if (kind === undefined) return undefined;
  const object = objectId ?? ids.object(destination, key, s3VersionId ?? '');
  return openIncident(ids, {
    ...{ kind, subject: object, ...about, destination },
    facts: { what, subject, object, ...(remedy === undefined ? {} : { remedy }) },
  });
}
