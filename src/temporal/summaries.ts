import type { Id } from '../domain/records.ts';
import { filesQuery, holdsQuery, runQuery, workflowsPath } from './web-ui.ts';

/** What the Web UI shows of a workflow to whoever may decrypt it: names of sources, ids and links, never a path. Sandbox-safe. */
export interface Summary {
  readonly staticSummary: string;
  /** Markdown. Links are relative: the Web UI may be anywhere. */
  readonly staticDetails?: string;
}

interface Known {
  readonly source?: string | undefined;
  readonly run?: Id | undefined;
}

/** Of a workflow of one file. */
export const summaryOfFile = (known: Known): Summary => ({ staticSummary: `one file of ${text(known)}` });

/** Of a batch. */
export const summaryOfBatch = (known: Known): Summary => ({ staticSummary: `small files of ${text(known)}` });

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

function text({ source, run }: Known): string {
  return [
    source === undefined ? 'a source' : `source ${source}`,
    ...(run === undefined ? [] : [`run ${run}`]),
  ].join(', ');
}
