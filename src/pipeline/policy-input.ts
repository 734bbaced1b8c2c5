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

export function admissionInput(version: JudgedVersion): AdmissionInput {
  return {
    gate: 'admission',
    source: { id: version.entry.sourceId, name: version.sourceName },
    entry: entryInput(version.entry.path),
    content: {
      sizeBytes: version.content.sizeBytes,
      mediaType: version.content.mediaType,
      sha256: version.content.sha256.toString('hex'),
    },
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
    gate: 'release',
    source: { id: version.entry.sourceId, name: version.sourceName },
    entry: entryInput(version.entry.path),
    classification: admission.classification,
    content: { sizeBytes: version.content.sizeBytes, sha256: version.content.sha256.toString('hex') },
    sealing,
    destination: {
      name: destination.name,
      jurisdiction: facts.jurisdiction,
      region: facts.region,
      tls: facts.tls,
      loopback: facts.loopback,
      versioning: facts.versioning,
      objectLock: facts.objectLock,
    },
    lock: lockTerms(admission),
    verdict: {
      state: verdict.state,
      signatureSet: verdict.signatureSet,
      ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
    },
    at: at.toISOString(),
    ...(held === undefined ? {} : { approvals: held.approvals }),
  };
}

function lockTerms(admission: AdmissionResult): ReleaseInput['lock'] {
  const { mode, days } = admission.retention;
  return { mode, days, requiredMode: mode, requiredDays: days };
}

/** What the gates are told of an entry's name. */
export function entryInput(path: Buffer): AdmissionInput['entry'] {
  const name = nameOf(path).toString('utf8');
  const dot = name.lastIndexOf('.');
  return { path: path.toString('utf8'), name, extension: dot > 0 ? name.slice(dot + 1).toLowerCase() : '' };
}
