import { attemptsOf } from '../../holds/attempts.ts';
import { say } from '../../text/voice.ts';
import {
  approvalTerms,
  chosenHolds,
  type HeldRow,
  type HoldChoice,
  heldRow,
  heldTable,
  namedHold,
  registerFor,
} from '../held-rows.ts';
import { bytes, localTime, printable, table } from '../output.ts';
import { type Session, sessionConfig, withCatalog } from '../session.ts';
import { reasonText, word } from '../words.ts';

/** Lists what waits for a decision, the oldest first. */
export async function runHoldList(
  session: Session,
  options: HoldChoice & { readonly ended?: boolean },
): Promise<void> {
  const { output } = session;
  const config = sessionConfig(session);
  await withCatalog(session, async (catalog, where) => {
    const terms = await approvalTerms(where);
    let page: HeldRow[] = [];
    let count = 0;
    const print = (): void => {
      if (page.length > 0) output.line(heldTable(page, config));
      page = [];
    };
    for await (const held of chosenHolds(catalog, options, options.ended ? undefined : 'open')) {
      session.signal.throwIfAborted();
      const row = await heldRow(catalog, config, held, terms);
      count++;
      output.value(row);
      if (!output.json) page.push(row);
      if (page.length >= 500) print();
    }
    print();
    output.line(count === 0 ? say('holds', 'none') : say('holds', 'count', { count }));
    if (terms === undefined) output.note(say('holds', 'no_policy'));
  });
}

/** Shows one held file: all that somebody who decides has to know, and what exactly they would sign. */
export async function runHoldShow(session: Session, id: string): Promise<void> {
  const { output } = session;
  const config = sessionConfig(session);
  await withCatalog(session, async (catalog, where) => {
    const held = await namedHold(catalog, id);
    const terms = await approvalTerms(where);
    const row = await heldRow(catalog, config, held, terms);
    const register = registerFor(config, held, terms ?? { approvers: [], required: noneRequired });
    const attempts = (await attemptsOf(catalog, held.id)).map((attempt) => ({
      at: attempt.at.toISOString(),
      verdict: attempt.verdict,
      approver: attempt.approver,
      result: attempt.result,
      reason: attempt.reason,
      notAfter: attempt.notAfter.toISOString(),
    }));
    const signed = register && { v: 1, ...register.terms };
    output.value({ ...row, decision: held.decisionId, signed: signed ?? null, attempts });
    output.line(
      table([
        [say('holds', 'file'), printable(`${row.source}:${row.path}`)],
        [say('holds', 'size'), bytes(row.sizeBytes)],
        [say('holds', 'state'), row.state === 'open' ? say('holds', 'waits') : word(row.state)],
        [say('holds', 'why'), reasonText(row.reason)],
        [say('holds', 'classification'), row.classification],
        [say('holds', 'destination'), row.destination],
        [say('holds', 'held_since'), localTime(held.openedAt)],
        [say('holds', 'expires'), localTime(new Date(row.expiresAt))],
        [
          say('holds', 'staged_on'),
          `${row.host}${row.host === config.host.id ? ` ${say('holds', 'this_host')}` : ''}: ${row.staged}`,
        ],
        [
          say('holds', 'approved_by'),
          row.approvals === null
            ? say('holds', 'unknown')
            : say('holds', 'names_needed', {
                names: row.approvals.join(', ') || say('holds', 'nobody'),
                needed: String(row.needed),
              }),
        ],
        ...(row.isSuperseded ? [[say('holds', 'note'), say('holds', 'superseded')]] : []),
      ]),
    );
    if (signed !== undefined) {
      output.line(`\n${say('holds', 'signed')}`);
      output.line(
        table(
          Object.entries(signed).map(([name, value]) => [
            '',
            name,
            typeof value === 'object' ? JSON.stringify(value) : String(value),
          ]),
        ),
      );
    }
    if (attempts.length > 0) {
      output.line('');
      output.line(
        table(
          attempts.map(({ at, verdict, approver, result, reason }) => [
            localTime(new Date(at)),
            approver,
            verdict,
            result ?? say('holds', 'not_judged'),
            reasonText(reason),
          ]),
        ),
      );
    }
  });
}

const noneRequired = { public: 1, internal: 1, confidential: 1, restricted: 1 };
