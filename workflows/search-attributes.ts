import {
  defineSearchAttributeKey,
  type SearchAttributePair,
  type SearchAttributeUpdatePair,
} from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { Id } from '../src/domain/records.ts';
import type { JudgedFacts } from '../src/domain/steps.ts';
import type { Known, Summary } from '../src/temporal/summaries.ts';

/**
 * What workflows can be searched by: the operator's names of sources and destinations, ids and codes, never a path, because
 * Temporal keeps them in the clear. docs/web-ui.md explains each.
 */
export const searchAttributes = {
  source: defineSearchAttributeKey('HoldfastSource', 'KEYWORD'),
  run: defineSearchAttributeKey('HoldfastRun', 'KEYWORD'),
  outcome: defineSearchAttributeKey('HoldfastOutcome', 'KEYWORD'),
  reason: defineSearchAttributeKey('HoldfastReason', 'KEYWORD'),
  classification: defineSearchAttributeKey('HoldfastClassification', 'KEYWORD'),
  destination: defineSearchAttributeKey('HoldfastDestination', 'KEYWORD_LIST'),
  policyRevision: defineSearchAttributeKey('HoldfastPolicyRevision', 'KEYWORD'),
  holdUntil: defineSearchAttributeKey('HoldfastHoldUntil', 'DATETIME'),
};

/** What is known of a workflow when it is started. */
export function startAttributes(known: {
  readonly source?: string | undefined;
  readonly run?: Id | undefined;
  readonly reason?: string | undefined;
  readonly destination?: string | undefined;
}) {
  const { source, run, reason, destination } = known;
  return [
    ...(source === undefined ? [] : [{ key: searchAttributes.source, value: source }]),
    ...(run === undefined ? [] : [{ key: searchAttributes.run, value: run }]),
    ...(reason === undefined ? [] : [{ key: searchAttributes.reason, value: reason }]),
    ...(destination === undefined ? [] : [{ key: searchAttributes.destination, value: [destination] }]),
  ] satisfies SearchAttributePair[];
}

/** What a workflow finds out as it goes; what is undefined is taken away again. */
export interface FoundOut extends JudgedFacts {
  readonly run?: Id | undefined;
  /** Of the version: `unchanged` where none was made. Of a batch or a sweep the worst of its files. */
  readonly outcome?: string | undefined;
  readonly reason?: string | undefined;
  readonly holdUntil?: Date | undefined;
}

/** Characters that a Keyword has room for on SQL. A name of a signature comes from outside. */
const longestKeyword = 255;

/** Lets the workflow be found by this. Only what differs from what is set is sent: each time is an event of its history. */
export function publish(found: FoundOut): void {
  const pairs: SearchAttributeUpdatePair[] = [
    { key: searchAttributes.outcome, value: found.outcome ?? null },
    { key: searchAttributes.reason, value: found.reason?.slice(0, longestKeyword) ?? null },
    { key: searchAttributes.classification, value: found.classification ?? null },
    {
      key: searchAttributes.destination,
      value: found.destinations === undefined ? null : [...found.destinations],
    },
    { key: searchAttributes.policyRevision, value: found.policyRevision ?? null },
    { key: searchAttributes.holdUntil, value: found.holdUntil ?? null },
    ...startAttributes({ source: found.source, run: found.run }),
  ];
  const set = workflowInfo().typedSearchAttributes;
  const news = pairs.filter(
    ({ key, value }) => JSON.stringify(set.get(key) ?? null) !== JSON.stringify(value),
  );
  if (news.length > 0) upsertSearchAttributes(news);
}

/**
 * A static summary ends with the execution that was started with it. One that goes on for that says the same as its current
 * details; to be called first.
 */
export function goOnTelling(summaryOf: (known: Known) => Summary): void {
  const { continuedFromExecutionRunId, typedSearchAttributes: set } = workflowInfo();
  if (continuedFromExecutionRunId === undefined) return;
  const { staticSummary, staticDetails } = summaryOf({
    source: set.get(searchAttributes.source),
    run: set.get(searchAttributes.run),
    reason: set.get(searchAttributes.reason),
  });
  setCurrentDetails(staticDetails === undefined ? staticSummary : `${staticSummary}\n\n${staticDetails}`);
}
