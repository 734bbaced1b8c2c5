import type { Id } from '../domain/records.ts';
import { filesQuery, holdsQuery, runQuery, workflowsPath } from './web-ui.ts';

/**
 * What the Web UI shows of a workflow to whoever may decrypt it: names of sources and destinations, ids, links and the command
 * that tells more; never a path. Sandbox-safe.
 */
export interface Summary {
  readonly staticSummary: string;
  /** Markdown. Links are relative: the Web UI may be anywhere. */
  readonly staticDetails?: string;
}

/** What a workflow is about. */
export interface Known {
  readonly source?: string | undefined;
  readonly run?: Id | undefined;
  readonly reason?: string | undefined;
}

/** Of a workflow of one file. */
export const summaryOfFile = (known: Known, entryId: Id): Summary => ({
  staticSummary: `one file of ${text(known)}`,
  staticDetails: `\`holdfast show ${entryId}\` says which file this is.`,
});

/** Of a batch. */
export const summaryOfBatch = (known: Known): Summary => ({ staticSummary: `small files of ${text(known)}` });

/** Of a held file that waits for a decision. */
export const summaryOfHold = (known: Known, holdId: Id): Summary => ({
  staticSummary: `held file of ${text(known)}`,
  staticDetails: `\`holdfast hold show ${holdId}\` says which file waits, why, and who may approve or reject it.`,
});

/** Of a sweep, with the ways to its files. */
export function summaryOfSweep(known: Known, namespace: string): Summary {
  const { run } = known;
  const staticSummary = `sweep of ${text(known)}`;
  if (run === undefined) return { staticSummary };
  const link = (what: string, query: string): string => `- [${what}](${workflowsPath(namespace, query)})`;
  const links = [
    link('Failed, quarantined and held files of this run', filesQuery(run)),
    link('Files of this run that wait for an approval', holdsQuery(run)),
    link('All workflows of this run', runQuery(run)),
  ];
  return { staticSummary, staticDetails: links.join('\n') };
}

/** Of a source's retention. */
export const summaryOfRetention = (known: Known): Summary => ({
  staticSummary: `retention of ${text(known)}`,
  staticDetails: 'One workflow for as long as there is the source: it waits between its daily runs.',
});

/** Of a rescan of stored content; of a source where it is about one only. */
export const summaryOfRescan = ({ source, run }: Known): Summary => ({
  staticSummary: `rescan of ${source === undefined ? 'all stored content' : `source ${source}`}${ofRun(run)}`,
});

/** Of the filling of a destination with copies. */
export const summaryOfFilling = (destination: string): Summary => ({
  staticSummary: `copies to destination ${destination}`,
});

/** Of an incident whose time for notification runs; the reason is its kind. */
export const summaryOfIncident = ({ source, run, reason: kind = '' }: Known, incidentId: Id): Summary => ({
  staticSummary: `incident ${kind}${source === undefined ? '' : `, source ${source}`}${ofRun(run)}`,
  staticDetails: `\`holdfast incident show ${incidentId}\` says what happened and what is left to do.`,
});

/** Of a message that is to go out. */
export const summaryOfNotification = (topic: string, channel: string): Summary => ({
  staticSummary: `message ${topic} through ${channel}`,
});

/** Of what a schedule starts. */
export const summaryOfScheduled = {
  sweep: (source: string): Summary => ({ staticSummary: `scheduled sweep of source ${source}` }),
  rescan: { staticSummary: 'scheduled rescan of stored content' },
  samples: { staticSummary: 'verification of a sample of what is stored' },
  auditTrail: { staticSummary: 'verification of the audit trail' },
  digest: { staticSummary: 'digest of what happened since the last one' },
};

const text = ({ source, run }: Known): string =>
  `${source === undefined ? 'a source' : `source ${source}`}${ofRun(run)}`;

const ofRun = (run: Id | undefined): string => (run === undefined ? '' : `, run ${run}`);
