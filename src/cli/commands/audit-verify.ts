import { type Beginning, readBeginning } from '../../audit/beginning.ts';
import { auditSigners } from '../../audit/keys.ts';
import {
  type RecordedAuditDeps,
  type RecordedAuditRequest,
  recordedAuditVerify,
} from '../../audit/recorded-run.ts';
import {
  type AuditFinding,
  type AuditFindingKind,
  type AuditProgress,
  type AuditSummary,
  breaches,
  verifyAudit,
} from '../../audit/verify.ts';
import { isFailure } from '../../domain/failures.ts';
import { newRunId } from '../../domain/ids.ts';
import { say } from '../../text/voice.ts';
import { auditKeys } from '../audit-keys.ts';
import { localTime } from '../output.ts';
import { requireReader, type Session, sessionConfig, unlock, withCatalog } from '../session.ts';
import { openPlaces } from '../stores.ts';

/**
 * Verifies the audit trail. With the password the whole of it is verified on record, as the schedule does; with pinned keys, or
 * from a head on, it is only read. Exit code 4 for any breach, 5 where a destination did not answer or refused an anchor.
 */
export async function runAuditVerify(
  session: Session,
  { publicKey, begin }: { readonly publicKey?: string; readonly begin: number },
): Promise<number> {
  const { output, signal, actor } = session;
  const config = sessionConfig(session);
  const { repository } = config;
  if (publicKey === undefined) requireReader(config);
  const installation = publicKey === undefined ? await unlock(session) : undefined;
  const keys =
    installation === undefined
      ? await auditKeys(session, publicKey)
      : auditSigners(installation.keyring.root);
  const printed: Partial<Record<AuditFindingKind, number>> = {};
  const onFinding = (finding: AuditFinding): void => {
    output.value(finding);
    const count = (printed[finding.kind] ?? 0) + 1;
    printed[finding.kind] = count;
    if (count <= mostLines) output.line(findingLine(finding));
    else if (count === mostLines + 1) output.line(say('audit', 'more_of', { kind: finding.kind }));
  };
  const onProgress = ({ events, anchors }: AuditProgress): void =>
    output.progress(
      events > 0
        ? say('audit', 'verified', { count: events })
        : say('audit', 'anchors_read', { count: anchors }),
    );
  return withCatalog(session, async (catalog, where) => {
    const destinations = await openPlaces(config, where);
    const deps = { catalog, repository, keys, destinations };
    const beginning = await readBeginning(catalog, repository, keys);
    try {
      const isWhole = begin === (beginning?.begin ?? 1);
      const summary =
        installation !== undefined && isWhole
          ? await onRecord(
              { ...deps, ids: installation.ids, hostId: config.host.id },
              { runId: newRunId(), actor, signal, onFinding, onProgress },
            )
          : await onlyRead(verifyAudit(deps, { begin, signal, onProgress }), onFinding);
      return end(session, summary, beginning);
    } finally {
      for (const { store } of destinations.values()) store.close();
    }
  });
}

/** Lines printed for one kind of finding: of a database that was emptied there are more than anybody reads. */
const mostLines = 50;

/** What ends early is on record too. */
async function onRecord(deps: RecordedAuditDeps, request: RecordedAuditRequest): Promise<AuditSummary> {
  try {
    return await recordedAuditVerify(deps, request);
  } catch (error) {
    const result = isFailure(error, 'interrupted') ? 'interrupted' : 'failed';
    // What stopped the run says more than that it could not be noted down.
    await deps.catalog.endRun(request.runId, result, {}).catch(() => {});
    throw error;
  }
}

async function onlyRead(
  walk: AsyncGenerator<AuditFinding, AuditSummary>,
  onFinding: (finding: AuditFinding) => void,
): Promise<AuditSummary> {
  for (;;) {
    const { value, done } = await walk.next();
    if (done) return value;
    onFinding(value);
  }
}

function end({ output }: Session, summary: AuditSummary, beginning: Beginning | undefined): number {
  const { events, heads, anchors, sound, anchored, sinceAnchor, unsigned, away, refused } = summary;
  const wrong = breaches(summary);
  output.value({ summary });
  output.line(
    say('audit', 'summary', {
      events,
      heads,
      anchors,
      verdict: wrong === 0 ? say('audit', 'all_signed') : say('audit', 'not_signed', { count: wrong }),
    }),
  );
  if (wrong > 0) {
    output.line(
      sound === null
        ? say('audit', 'nothing_sound')
        : say('audit', 'sound_until', {
            number: String(sound.number),
            at: localTime(new Date(sound.at)),
          }),
    );
    output.line(say('audit', 'somebody_changed'));
  }
  if (summary.findings.lost !== undefined && beginning !== undefined)
    output.line(
      say('audit', 'rebuilt', { at: localTime(new Date(beginning.at)), begin: String(beginning.begin) }),
    );
  output.line(
    anchored === null
      ? say('audit', 'no_anchor')
      : say('audit', 'newest_anchor', {
          at: localTime(new Date(anchored.at)),
          number: String(anchored.number),
          destination: anchored.destination,
        }),
  );
  if (sinceAnchor > 0) output.line(say('audit', 'since_anchor', { events: sinceAnchor, unsigned }));
  for (const name of away) output.line(say('audit', 'away', { name }));
  for (const name of refused) output.line(say('audit', 'refused', { name }));
  if (wrong > 0) return 4;
  return away.length + refused.length > 0 ? 5 : 0;
}

function findingLine({ kind, head, at, event, destination, detail }: AuditFinding): string {
  const about = [
    head === undefined ? '' : say('audit', 'head', { number: String(head) }),
    at === undefined ? '' : say('audit', 'signed_at', { at: localTime(new Date(at)) }),
    event === undefined ? '' : say('audit', 'event', { number: String(event) }),
    destination ?? '',
  ];
  return say('audit', 'finding', { kind: kind.padEnd(14), about: about.filter(Boolean).join(', '), detail });
}
