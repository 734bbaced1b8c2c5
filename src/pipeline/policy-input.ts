import type { VersionFacts } from '../catalog/catalog.ts';
import { Failure } from '../domain/failures.ts';
import type { AdmissionInput, AdmissionResult, Approval, Id, ReleaseInput } from '../domain/records.ts';
import { nameOf } from '../files/paths.ts';
import type { DestinationFacts } from '../storage/object-store.ts';

/** Set while a held version is being released: its hold, and who approved it, each verified before. */
export interface HeldVersion {
  readonly held?: { readonly holdId: Id; readonly approvals: readonly Approval[] };
}
export type JudgedVersion = VersionFacts & Required<Pick<VersionFacts, 'content'>> & HeldVersion;
export type AdmittedVersion = JudgedVersion &
  Required<Pick<VersionFacts, 'admission'>> & {
    /** While it goes to one of several destinations: whether the others are through or given up, or one is still to come. */
    readonly elsewhere?: 'done' | 'pending';
  };
export type ScannedVersion = AdmittedVersion & Required<Pick<VersionFacts, 'verdict'>>;

export function judged(version: VersionFacts): JudgedVersion {
  if (version.content === undefined) throw missing('content');
  return { ...version, content: version.content };
}

export function admitted(version: VersionFacts): AdmittedVersion {
  if (version.admission === undefined) throw missing('admission');
  return { ...judged(version), admission: version.admission };
}

export function scanned(version: VersionFacts): ScannedVersion {
  if (version.verdict === undefined) throw missing('verdict');
  return { ...admitted(version), verdict: version.verdict };
}

/** Steps come in order: one without the row of the step before it is a defect, and stops here. */
const missing = (what: string): Failure => new Failure('internal', { detail: `version without ${what}` });

/** Its members, and those of {@link releaseInput}, are in the order that they are hashed in: putting each question's in order costs more than asking it. */
export function admissionInput(version: JudgedVersion): AdmissionInput {
  return {
    content: {
      mediaType: version.content.mediaType,
      sha256: version.content.sha256.toString('hex'),
      sizeBytes: version.content.sizeBytes,
    },
    entry: entryInput(version.entry.path),
    gate: 'admission',
    source: { id: version.entry.sourceId, name: version.sourceName },
  };
}

/** @param at when release is asked: one moment for all that is asked together, so that only what differs does */
export function releaseInput(
  version: ScannedVersion,
  destination: { name: string; facts: DestinationFacts },
  sealing: ReleaseInput['sealing'],
  at: Date,
): ReleaseInput {
  const { admission, verdict, held } = version;
  const { facts } = destination;
  return {
    ...(held === undefined ? {} : { approvals: held.approvals }),
    at: at.toISOString(),
    classification: admission.classification,
    content: { sha256: version.content.sha256.toString('hex'), sizeBytes: version.content.sizeBytes },
    destination: {
      jurisdiction: facts.jurisdiction,
      loopback: facts.loopback,
      name: destination.name,
      objectLock: facts.objectLock,
      region: facts.region,
      tls: facts.tls,
      versioning: facts.versioning,
    },
    entry: entryInput(version.entry.path),
    gate: 'release',
    lock: lockTerms(admission),
    sealing,
    source: { id: version.entry.sourceId, name: version.sourceName },
    verdict: {
      ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
      signatureSet: verdict.signatureSet,
      state: verdict.state,
    },
  };
}

function lockTerms(admission: AdmissionResult): ReleaseInput['lock'] {
  const { mode, days } = admission.retention;
  return { days, mode, requiredDays: days, requiredMode: mode };
}

/** What the gates are told of an entry's name. */
export function entryInput(path: Buffer): AdmissionInput['entry'] {
  const name = nameOf(path).toString('utf8');
  const dot = name.lastIndexOf('.');
  return { extension: dot > 0 ? name.slice(dot + 1).toLowerCase() : '', name, path: path.toString('utf8') };
}
