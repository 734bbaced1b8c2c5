import { decisionsToReplay } from '../../catalog/policy-query.ts';
import { unsignedBundle } from '../../policy/installed.ts';
import { withPrivateOpa } from '../../policy/private-opa.ts';
import { type Judgement, type ReplayChange, replay } from '../../policy/replay.ts';
import { say } from '../../text/voice.ts';
import { printable } from '../output.ts';
import { opaTool } from '../policy-tool.ts';
import { pathFields } from '../rows.ts';
import { type Session, unlock, withCatalog } from '../session.ts';
import { requireSource } from '../target.ts';
import { reasonText, word } from '../words.ts';

export interface PolicyReplayOptions {
  readonly bundle: string;
  readonly source?: string;
  readonly limit: number;
}

const pageDecisions = 500;

/** Asks what was asked before of other rules, and prints what would change. Exit code 0, whatever it is. */
export async function runPolicyReplay(
  session: Session,
  { bundle: folder, source, limit }: PolicyReplayOptions,
): Promise<void> {
  const { output } = session;
  const installation = await unlock(session);
  const bundle = await unsignedBundle(installation, folder === '.' ? undefined : folder);
  const opa = await opaTool(session);
  await withCatalog(session, async (catalog) => {
    if (source !== undefined) await requireSource(catalog, source);
    const sourceId = source === undefined ? undefined : installation.ids.source(source);
    const totals = { decisions: 0, changes: 0, denied: 0, allowed: 0, unreadable: 0 };
    await withPrivateOpa(opa, bundle, undefined, async (engine) => {
      for await (const rows of decisionsToReplay(catalog, { sourceId, most: limit, page: pageDecisions })) {
        session.signal.throwIfAborted();
        const { changes, unreadable } = await replay(engine, installation.keys, rows);
        totals.decisions += rows.length;
        totals.unreadable += unreadable;
        for (const change of changes) {
          totals.changes++;
          if (change.was.allow && !change.would.allow) totals.denied++;
          if (!change.was.allow && change.would.allow) totals.allowed++;
          print(session, change);
        }
        output.progress(say('policy', 'replaying', { decisions: totals.decisions, changes: totals.changes }));
      }
    });
    output.value({ revision: bundle.revision, totals });
    output.line(
      say('policy', 'replayed', {
        decisions: totals.decisions,
        changes: totals.changes,
        denied: totals.denied,
        allowed: totals.allowed,
      }),
    );
    if (totals.unreadable > 0) output.line(say('policy', 'unreadable', { count: totals.unreadable }));
  });
}

function print({ output }: Session, { row, was, would }: ReplayChange): void {
  const { sourceName, path, versionId, gate, destination, at } = row;
  const fields = pathFields(path);
  output.value({ source: sourceName, ...fields, versionId, gate, destination, at, was, would });
  const where = destination === '' ? gate : say('policy', 'gate_to', { gate, destination });
  output.line(`${printable(`${sourceName}:${fields.path}`)} (${where}): ${told(was)} → ${told(would)}`);
}

function told({ allow, reasons, terms = {} }: Judgement): string {
  const named = Object.entries(terms).map(
    ([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return [
    allow ? word('allowed') : say('policy', 'denied', { reasons: reasons.map(reasonText).join(', ') }),
    ...named,
  ].join(', ');
}
