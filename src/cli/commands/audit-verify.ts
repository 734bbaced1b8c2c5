import { type Beginning, readBeginning } from '../../audit/beginning.ts';
import { type AuditFinding, type AuditSummary, breaches, verifyAudit } from '../../audit/verify.ts';
import { say } from '../../text/voice.ts';
import { auditKeys } from '../audit-keys.ts';
import { localTime } from '../output.ts';
import { type Session, sessionConfig, withCatalog } from '../session.ts';
import { openPlaces } from '../stores.ts';

/** Verifies the audit trail and changes nothing. Exit code 4 for any breach, 5 where a destination did not answer. */
export async function runAuditVerify(
  session: Session,
  { publicKey, begin }: { readonly publicKey?: string; readonly begin: number },
): Promise<number> {
  const { output, signal } = session;
  const keys = await auditKeys(session, publicKey);
  const config = sessionConfig(session);
  return withCatalog(session, async (catalog, where) => {
    const destinations = await openPlaces(config, where);
    try {
      const walk = verifyAudit(
        { catalog, repository: config.repository, keys, destinations },
        {
          ...{ begin, signal },
          onProgress: ({ events, anchors }) =>
            output.progress(
              events > 0
                ? say('audit', 'verified', { count: events })
                : say('audit', 'anchors_read', { count: anchors }),
            ),
        },
      );
      for (;;) {
        const { value, done } = await walk.next();
        if (done) {
          const beginning = await readBeginning(catalog, config.repository, keys);
          return end(session, value, beginning);
        }
        output.value(value);
        output.line(findingLine(value));
      }
    } finally {
      for (const { store } of destinations.values()) store.close();
    }
  });
}

function end({ output }: Session, summary: AuditSummary, beginning: Beginning | undefined): number {
  const { events, heads, anchors, anchored, sinceAnchor, unsigned, away } = summary;
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
  if (wrong > 0) output.line(say('audit', 'somebody_changed'));
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
  if (wrong > 0) return 4;
  return away.length > 0 ? 5 : 0;
}

function findingLine({ kind, head, event, destination, detail }: AuditFinding): string {
  const about = [
    head === undefined ? '' : say('audit', 'head', { number: String(head) }),
    event === undefined ? '' : say('audit', 'event', { number: String(event) }),
    destination ?? '',
  ];
  return `${kind.padEnd(14)}  ${about.filter(Boolean).join(', ')}: ${detail}`;
}
