import type { Id } from '../domain/records.ts';

/** Temporal namespace of an embedded cluster; an external one may be called otherwise. */
export const defaultNamespace = 'holdfast';
/** Queue of the sources that the hosts of a group share. */
export const filesQueue = (group: string): string => `files.${group}`;
/** Queue of what only one host can do: staging and quarantine. */
export const hostQueue = (hostId: Id): string => `host.${hostId}`;

/** Queue of what is done for the whole repository, by the host that keeps it: it alone can reach who is told. */
export const controlQueue = 'control';

/** One workflow per entry at a time: the server refuses a second under this id. */
export const protectWorkflowId = (entryId: Id): string => `protect:${entryId}`;
/** One workflow per batch of a sweep. */
export const batchWorkflowId = (batchId: Id): string => `batch:${batchId}`;
/** Schedule and, with the time behind it, workflow of the samples that are verified. */
export const verifySampleId = 'verify-sample';
/** Schedule and, with the time behind it, workflow of the verification of the audit trail. */
export const verifyAuditId = 'verify-audit';
/** One sweep per source at a time. */
export const sweepWorkflowId = (sourceId: Id): string => `sweep:${sourceId}`;
export const sweepScheduleId = (sourceId: Id): string => `sweep-schedule:${sourceId}`;
/** One rescan at a time. */
export const rescanWorkflowId = 'rescan';
export const rescanScheduleId = 'rescan-schedule';
/** One for each source, as long as there is the source. */
export const retainWorkflowId = (sourceId: Id): string => `retain:${sourceId}`;
export const holdWorkflowId = (holdId: Id): string => `hold:${holdId}`;
/** One filling per destination at a time. */
export const fillWorkflowId = (destination: string): string => `fill:${destination}`;
/** One for each incident, until it is closed. */
export const incidentWorkflowId = (incidentId: Id): string => `incident:${incidentId}`;
/** One for each message, until it is sent or given up. */
export const notificationWorkflowId = (notificationId: Id): string => `notification:${notificationId}`;
/** Schedule and, with the time behind it, workflow of the digest. */
export const digestScheduleId = 'digest';
