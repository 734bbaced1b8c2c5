import { newRunId } from '../../domain/ids.ts';
import {
  type Finding,
  type FindingKind,
  findingKinds,
  mismatches,
  type Remedy,
  type VerifySummary,
} from '../../verify/finding.ts';
import { recordedVerify } from '../../verify/recorded-run.ts';
import type { VerifyProgress } from '../../verify/run.ts';
import { bytes, localTime, printable } from '../output.ts';
import { pathFields } from '../rows.ts';
import { type Session, unlock, withCatalog } from '../session.ts';
import { openPlaces } from '../stores.ts';
import { parseTarget, requireSource } from '../target.ts';

export interface VerifyOptions {
  /** Share of the objects, above 0 to 1. */
  readonly sample: number;
  readonly all?: boolean;
  readonly readData?: boolean;
  readonly inventory?: boolean;
  readonly repair: boolean;
  readonly jobs: number;
}

/** Verifies a share of what is protected. Exit code 4 when anything was not as the catalog says; 5 when one of several destinations did not answer. */
export async function runVerify(
  session: Session,
  target: string | undefined,
  options: VerifyOptions,
): Promise<number> {
  const wanted = target === undefined ? undefined : parseTarget(target);
  const installation = await unlock(session);
  return withCatalog(session, async (catalog, where) => {
    if (wanted !== undefined) await requireSource(catalog, wanted.source);
    const { config, ids, keys } = installation;
    const keyring = [...installation.keyringDocuments, ...installation.hostDocuments];
    const destinations = await openPlaces(config, where);
    const report = new Report(session);
    const sample = options.all ? 1 : options.sample;
    try {
      const summary = await recordedVerify(
        { catalog, ids, hostId: config.host.id, keys, keyring, destinations },
        {
          runId: newRunId(),
          actor: session.actor,
          sample,
          readSample: options.readData ? sample : 0,
          inventory: options.inventory ?? false,
          repair: options.repair,
          jobs: options.jobs,
          signal: session.signal,
          onFinding: (finding) => report.finding(finding),
          onProgress: (progress) => report.progress(progress),
          ...(wanted === undefined
            ? {}
            : { scope: { sourceId: ids.source(wanted.source), path: wanted.path ?? Buffer.alloc(0) } }),
        },
      );
      report.end(summary);
      if (mismatches(summary.findings) > 0) return 4;
      return summary.away.length > 0 ? 5 : 0;
    } finally {
      for (const { store } of destinations.values()) store.close();
    }
  });
}

/** Lines printed for one kind of finding; a flooded bucket has more than anybody reads. */
const mostLines = 100;

/** What a run says while it goes on and when it ends. */
class Report {
  private readonly session: Session;
  private readonly startedMs = Date.now();
  private readonly printed: Partial<Record<FindingKind, number>> = {};

  constructor(session: Session) {
    this.session = session;
  }

  finding(finding: Finding): void {
    const { output } = this.session;
    output.value(findingJson(finding));
    const count = (this.printed[finding.kind] ?? 0) + 1;
    this.printed[finding.kind] = count;
    if (count <= mostLines) output.line(findingLine(finding));
    else if (count === mostLines + 1) output.line(`… more of ${finding.kind}: --json lists all`);
  }

  progress({ checked, toCheck, bytesRead, listed, findings }: VerifyProgress): void {
    const inventory = listed > 0 ? `, ${listed} listed` : '';
    const found = findings > 0 ? `, ${findings} not as they should be` : '';
    this.session.output.progress(
      `${checked} of ${toCheck} looked at, ${bytes(bytesRead)} read${inventory}${found}`,
    );
  }

  end(summary: VerifySummary): void {
    const { output } = this.session;
    output.value({ summary });
    const { checked, read, bytesRead, manifests, keyringDocuments, listed, findings, repaired } = summary;
    const wrong = mismatches(findings);
    output.line(
      `${checked} of ${summary.coverage.live} objects, ${manifests} manifests and ${keyringDocuments} keyring documents looked at, ` +
        `${read} objects read (${bytes(bytesRead)})${listed > 0 ? `, ${listed} versions listed` : ''} ` +
        `in ${Math.ceil((Date.now() - this.startedMs) / 1_000)} s: ` +
        (wrong === 0 ? 'all as promised.' : `${wrong} not as they should be, ${repaired} of them put right.`),
    );
    output.line(coverageLine(summary));
    if (summary.shredded > 0) {
      output.line(`${summary.shredded} objects cannot be read because their scope was shredded.`);
    }
    for (const name of summary.away) {
      output.line(`The destination ${name} does not answer: nobody looked at what lies there.`);
    }
    for (const name of summary.unreachable) {
      output.line(`Nobody looked at the objects in ${name}: the configuration has no such destination.`);
    }
    for (const kind of findingKinds) {
      if ((findings[kind] ?? 0) > 0) output.line(`\n${kind} (${findings[kind]}): ${meanings[kind]}`);
    }
  }
}

function coverageLine({ coverage }: VerifySummary): string {
  const { live, neverChecked, neverRead, allCheckedSince, allReadSince } = coverage;
  if (live === 0) return 'Nothing is protected yet.';
  const looked =
    allCheckedSince === null
      ? `${neverChecked} of them were never looked at`
      : `each was looked at since ${localTime(new Date(allCheckedSince))}`;
  const wasRead =
    allReadSince === null
      ? `${neverRead} were never read`
      : `each was read since ${localTime(new Date(allReadSince))}`;
  return `Of ${live} objects ${looked}, ${wasRead}.`;
}

function findingLine({ kind, destination, key, affected = [], detail, remedy }: Finding): string {
  const [first, ...others] = affected;
  const files =
    first === undefined
      ? ''
      : `  ${printable(`${first.source}:${first.path.toString('utf8')}`)}${others.length > 0 ? ' and others' : ''}`;
  const more = detail === undefined ? '' : ` (${detail})`;
  return `${kind.padEnd(15)}  ${destination}  ${printable(key)}${files}${more}${remedy === undefined ? '' : ` → ${done[remedy]}`}`;
}

function findingJson({ affected, ...finding }: Finding): object {
  return {
    ...finding,
    ...(affected === undefined
      ? {}
      : { affected: affected.map(({ path, ...version }) => ({ ...version, ...pathFields(path) })) }),
  };
}

const done: Readonly<Record<Remedy, string>> = {
  copied: 'copied from another destination',
  'found again': 'found under another version of its name',
  'lock extended': 'lock extended',
  'upload anew': 'to be uploaded anew',
  'list anew': 'the next manifest lists it anew',
};

/** What a kind of finding means, and what to do. */
const meanings: Readonly<Record<FindingKind, string>> = {
  missing:
    'the bucket does not have what was stored under a lock. Find out who deleted it, or whether this is the right bucket.\n' +
    '  What is "to be uploaded anew" is not protected now: run `holdfast protect` on its folder, then `holdfast verify` again.\n' +
    '  Of files that changed or went since, that version is lost. A missing keyring document is put back by the worker: `holdfast down && holdfast up`.',
  tampered:
    'the stored bytes are not those that were written: a disk of the server failed, or somebody changed them.\n' +
    '  Nothing of them was given out. Have the server checked; run `holdfast protect` on the folders of what is to be uploaded anew.',
  lock_mismatch:
    'somebody shortened or weakened locks. Find out who may bypass them (s3:BypassGovernanceRetention).\n' +
    '  What is not "lock extended" can be deleted too early: a lock in GOVERNANCE mode cannot become COMPLIANCE.',
  unreadable:
    'no key of this keyring opens it. Look whether another keyring does: `holdfast key list`, and the exported copies.',
  foreign_version:
    'somebody else wrote under names of ours. Ours lie unharmed beneath, and restore takes ours. Find out who may write into the bucket.',
  unknown_object:
    'things in the bucket that this catalog did not put there: of another program, of an older catalog, or planted.\n' +
    '  Restore never takes them. Find out whose they are before you delete any.',
  delete_marker:
    'somebody deleted names of ours. The locked versions lie unharmed beneath, and restore takes them. Find out who may delete in the bucket.',
  open_upload:
    'uploads in parts that nobody finished. They cost room; at its start and daily the worker drops those\n' +
    '  that are an hour old, and those that this catalog knows nothing of when they are a week old.',
  leftover: 'ours, but nothing rests on them any more: they cost room until their locks end. Nothing to do.',
};
