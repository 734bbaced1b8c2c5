import { randomBytes } from 'node:crypto';
import { deriveId } from '../sealed/names.ts';
import type { Id } from './records.ts';

/**
 * Every row's id is a pure function of its business key (docs/format.md, "Ids"), so that a step which runs twice
 * writes the same row twice and the second one changes nothing.
 */
export class Ids {
  private readonly pathIdKey: Buffer;

  /** @param pathIdKey the repository's 64-byte path-id key */
  constructor(pathIdKey: Buffer) {
    this.pathIdKey = pathIdKey;
  }

  source(name: string): Id {
    return this.derive('source', name);
  }

  /** @param path raw bytes inside the source, without a leading slash */
  entry(sourceId: Id, path: Buffer): Id {
    return this.derive('entry', sourceId, path.toString('base64url'));
  }

  version(entryId: Id, observation: number): Id {
    return this.derive('version', entryId, observation);
  }

  /** @param subject version id for the nine steps, else the run id */
  event(subject: Id, step: string, destination = '', ordinal = 0): Id {
    return this.derive('event', subject, step, destination, ordinal);
  }

  /** @param ordinal counts how often the gate was asked about the version under one bundle */
  decision(versionId: Id, gate: string, destination: string, bundleRevision: string, ordinal: number): Id {
    return this.derive('decision', versionId, gate, destination, bundleRevision, ordinal);
  }

  scan(versionId: Id, signatureRevision: string): Id {
    return this.derive('scan', versionId, signatureRevision);
  }

  /** A verdict on stored content, for all its versions. */
  rescan(sha512: Buffer, signatureRevision: string): Id {
    return this.derive('rescan', sha512.toString('base64url'), signatureRevision);
  }

  sealing(versionId: Id, format: string, keyId: Id, generation: number): Id {
    return this.derive('sealing', versionId, format, keyId, generation);
  }

  intent(sealingId: Id, destination: string): Id {
    return this.derive('intent', sealingId, destination);
  }

  object(destination: string, key: string, s3VersionId: string): Id {
    return this.derive('object', destination, key, s3VersionId);
  }

  /** @param objectName of the pack, without the destination's prefix */
  pack(objectName: string): Id {
    return this.derive('pack', objectName);
  }

  /** @param subject id of what it is about */
  incident(kind: string, subject: Id): Id {
    return this.derive('incident', kind, subject);
  }

  hold(versionId: Id, destination: string): Id {
    return this.derive('hold', versionId, destination);
  }

  quarantine(versionId: Id): Id {
    return this.derive('quarantine', versionId);
  }

  /** @param runId of the command that places it */
  legalHold(runId: Id): Id {
    return this.derive('legal_hold', runId);
  }

  /** @param number counts the host's epochs from 1 */
  policyEpoch(hostId: Id, number: number): Id {
    return this.derive('policy_epoch', hostId, number);
  }

  /** @param occasion tells messages of one topic, subject and channel apart */
  notification(topic: string, subject: string, occasion: string | number, channel: string): Id {
    return this.derive('notification', topic, subject, occasion, channel);
  }

  /** @param subject of what lasts: a source or host, the name of a channel, or nothing */
  condition(kind: string, subject: string): Id {
    return this.derive('condition', kind, subject);
  }

  private derive(kind: string, ...rest: (string | number)[]): Id {
    return deriveId(this.pathIdKey, [kind, ...rest]);
  }
}

/** A new run's id: drawn once per command, sweep or watcher life. */
export function newRunId(): Id {
  return randomBytes(16).toString('hex');
}
