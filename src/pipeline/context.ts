import type { Logger } from 'pino';
import { auditEvent, type EventInput } from '../audit/event.ts';
import type { Catalog, VersionFacts } from '../catalog/catalog.ts';
import type { AuditRow } from '../catalog/rows.ts';
import type { DestinationConfig, SourceConfig } from '../config.ts';
import { Failure } from '../domain/failures.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import type { SourceRoot } from '../files/root.ts';
import type { Recipients } from '../openpgp/recipients.ts';
import type { PolicyEngine } from '../policy/engine.ts';
import type { Scanner } from '../scanner/scanner.ts';
import type { DestinationFacts, ObjectStore } from '../storage/object-store.ts';
import type { EvidenceSealer } from './evidence.ts';
import type { FailPoints } from './fail-points.ts';
import type { KeyAccess } from './keys.ts';
import type { PartBuffers } from './part-buffers.ts';
import type { Semaphore } from './semaphore.ts';
import type { Staging } from './staging.ts';

/** A source as this host serves it. */
export interface ServedSource {
  readonly id: Id;
  readonly config: SourceConfig;
  /** The tree, if it is there and the one that was recorded. Failure `source_unavailable` otherwise. */
  root(): Promise<SourceRoot>;
}

export interface Destination {
  readonly config: DestinationConfig;
  readonly store: ObjectStore;
  /** What the bucket says of itself, at most ten seconds old. */
  facts(): Promise<DestinationFacts>;
}

/** Everything the steps work with: made once, in the composition root (src/worker.ts). */
export interface PipelineContext {
  readonly hostId: Id;
  readonly catalog: Catalog;
  readonly ids: Ids;
  readonly keys: KeyAccess;
  readonly policy: PolicyEngine;
  /** SHA-256 of the policy bundle in force, hex: the policy epoch. */
  readonly bundleRevision: string;
  /** Revisions of all bundles that judge a source's files as the one in force does, itself among them. */
  judgedAlike(sourceId: Id): Promise<ReadonlySet<string>>;
  readonly scanner: Scanner;
  readonly destinations: ReadonlyMap<string, Destination>;
  readonly sources: ReadonlyMap<Id, ServedSource>;
  readonly staging: Staging;
  /** How a decision's input is sealed; undefined: under the scope's key. */
  readonly sealEvidence?: EvidenceSealer | undefined;
  /** Whom OpenPGP messages are sealed to; undefined where none are configured. */
  readonly recipients?: Recipients | undefined;
  readonly quarantineDir: string;
  readonly semaphores: Readonly<Record<'disk' | 'scanner' | 'upload' | 'tombstone' | 'hardlink', Semaphore>>;
  /** What large uploads of this process are sent from. */
  readonly partBuffers: PartBuffers;
  readonly failPoints: FailPoints;
  readonly log: Logger;
}

/** How one run of a step lives: what to call while it works, and how long it may wait for its turn. */
export interface StepRun {
  readonly workflowId: string;
  readonly workflowRunId: string;
  /** Longest wait for a semaphore, milliseconds. */
  readonly patienceMs: number;
  readonly heartbeat: () => void;
  readonly signal: AbortSignal;
}

export function destinationOf(context: PipelineContext, name: string): Destination {
  const destination = context.destinations.get(name);
  if (destination === undefined) throw new Failure('destination_unknown', { destination: name });
  return destination;
}

/** An event about a version, with everything that ties it to its run. */
export function versionEvent(
  context: PipelineContext,
  version: Pick<VersionFacts, 'id' | 'runId' | 'entry'> & { workflowId?: string | undefined },
  event: Pick<EventInput, 'step' | 'facts' | 'destination' | 'among' | 'ordinal'>,
): AuditRow {
  return auditEvent(context.ids, {
    subject: version.id,
    run: version.runId,
    host: context.hostId,
    workflow: version.workflowId,
    source: version.entry.sourceId,
    entry: version.entry.id,
    version: version.id,
    ...event,
  });
}
