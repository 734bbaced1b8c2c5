import { type Beginning, readBeginning } from '../../audit/beginning.ts';
import { type AuditFinding, type AuditSummary, breaches, verifyAudit } from '../../audit/verify.ts';
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
            output.progress(events > 0 ? `${events} events verified` : `${anchors} anchors read`),
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
    `${events} events under ${heads} signed heads, ${anchors} anchors: ` +
      (wrong === 0 ? 'all as signed.' : `${wrong} not as signed.`),
  );
  if (wrong > 0)
    output.line(
      'Somebody changed the database, or an older state of it was put back. Keep it as it is, and compare it with a backup of the time before.',
    );
  if (summary.findings.lost !== undefined && beginning !== undefined)
    output.line(
      `The catalog was rebuilt on ${localTime(new Date(beginning.at))}, and what was told before went with the old one: go on with --begin ${beginning.begin}.`,
    );
  output.line(
    anchored === null
      ? 'No anchor outside of the database confirms any of it.'
      : `The newest anchor is of ${localTime(new Date(anchored.at))}: head ${anchored.number}, in ${anchored.destination}.`,
  );
  if (sinceAnchor > 0)
    output.line(
      `What came since rests on the database alone: ${sinceAnchor} events, ${unsigned} of them not signed yet.`,
    );
  for (const name of away) output.line(`The destination ${name} does not answer: its anchors were not read.`);
  if (wrong > 0) return 4;
  return away.length > 0 ? 5 : 0;
}

function findingLine({ kind, head, event, destination, detail }: AuditFinding): string {
  const about = [
    head === undefined ? '' : `head ${head}`,
    event === undefined ? '' : `event ${event}`,
    destination ?? '',
  ];
  return `${kind.padEnd(14)}  ${about.filter(Boolean).join(', ')}: ${detail}`;
}
