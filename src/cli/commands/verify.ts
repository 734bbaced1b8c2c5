import { newRunId } from '../../domain/ids.ts';
import { say } from '../../text/voice.ts';
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
import { labelled, withName, word } from '../words.ts';

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
    else if (count === mostLines + 1) output.line(say('verify', 'more_of', { kind: word(finding.kind) }));
  }

  progress({ checked, toCheck, bytesRead, listed, findings }: VerifyProgress): void {
    const inventory = listed > 0 ? say('verify', 'progress_listed', { count: listed }) : '';
    const found = findings > 0 ? say('verify', 'progress_found', { count: findings }) : '';
    this.session.output.progress(
      say('verify', 'progress', { checked, of: toCheck, bytes: bytes(bytesRead), inventory, found }),
    );
  }

  end(summary: VerifySummary): void {
    const { output } = this.session;
    output.value({ summary });
    const { checked, read, bytesRead, manifests, keyringDocuments, listed, findings, repaired } = summary;
    const wrong = mismatches(findings);
    output.line(
      say('verify', 'summary', {
        checked,
        live: summary.coverage.live,
        manifests,
        documents: keyringDocuments,
        read,
        bytes: bytes(bytesRead),
        listed: listed > 0 ? say('verify', 'versions_listed', { count: listed }) : '',
        seconds: Math.ceil((Date.now() - this.startedMs) / 1_000),
        verdict: wrong === 0 ? say('verify', 'all_well') : say('verify', 'mismatches', { wrong, repaired }),
      }),
    );
    output.line(coverageLine(summary));
    if (summary.shredded > 0) {
      output.line(say('verify', 'shredded', { count: summary.shredded }));
    }
    for (const name of summary.away) {
      output.line(say('verify', 'away', { name }));
    }
    for (const name of summary.unreachable) {
      output.line(say('verify', 'unreachable', { name }));
    }
    for (const kind of findingKinds) {
      if ((findings[kind] ?? 0) > 0)
        output.line(`\n${labelled(`${withName(word(kind), kind)} (${findings[kind]})`, meanings[kind])}`);
    }
  }
}

function coverageLine({ coverage }: VerifySummary): string {
  const { live, neverChecked, neverRead, allCheckedSince, allReadSince } = coverage;
  if (live === 0) return say('verify', 'nothing_yet');
  const looked =
    allCheckedSince === null
      ? say('verify', 'never_looked', { count: neverChecked })
      : say('verify', 'looked_since', { at: localTime(new Date(allCheckedSince)) });
  const wasRead =
    allReadSince === null
      ? say('verify', 'never_read', { count: neverRead })
      : say('verify', 'read_since', { at: localTime(new Date(allReadSince)) });
  return say('verify', 'coverage', { live, looked, read: wasRead });
}

function findingLine({ kind, destination, key, affected = [], detail, remedy }: Finding): string {
  const [first, ...others] = affected;
  const files =
    first === undefined
      ? ''
      : `  ${printable(`${first.source}:${first.path.toString('utf8')}`)}${others.length > 0 ? ` ${say('verify', 'and_others')}` : ''}`;
  const more = detail === undefined ? '' : ` (${detail})`;
  return `${padded(kind)}  ${destination}  ${printable(key)}${files}${more}${remedy === undefined ? '' : ` → ${done[remedy]}`}`;
}

/** A kind in a column that holds each of them. */
function padded(kind: FindingKind): string {
  const widest = Math.max(...findingKinds.map((one) => word(one).length));
  return word(kind).padEnd(widest);
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
  copied: say('verify', 'remedy_copied'),
  'found again': say('verify', 'remedy_found'),
  'lock extended': say('verify', 'remedy_extended'),
  'upload anew': say('verify', 'remedy_upload'),
  'list anew': say('verify', 'remedy_list'),
};

/** What a kind of finding means, and what to do. */
const meanings: Readonly<Record<FindingKind, string>> = {
  missing: say('verify', 'means_missing'),
  tampered: say('verify', 'means_tampered'),
  lock_mismatch: say('verify', 'means_lock_mismatch'),
  unreadable: say('verify', 'means_unreadable'),
  foreign_version: say('verify', 'means_foreign'),
  unknown_object: say('verify', 'means_unknown'),
  delete_marker: say('verify', 'means_delete_marker'),
  open_upload: say('verify', 'means_open_upload'),
  leftover: say('verify', 'means_leftover'),
};
