import { attemptsOf } from '../../holds/attempts.ts';
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
    output.line(count === 0 ? 'Nothing waits for a decision.' : `${count} held`);
    if (terms === undefined)
      output.note('holdfast: policy (OPA) cannot be asked, so approvals are not shown.\n  → holdfast status');
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
        ['file', printable(`${row.source}:${row.path}`)],
        ['size', bytes(row.sizeBytes)],
        ['state', row.state === 'open' ? 'waits for a decision' : row.state],
        ['why', row.reason],
        ['classification', row.classification],
        ['destination', row.destination],
        ['held since', localTime(held.openedAt)],
        ['expires', localTime(new Date(row.expiresAt))],
        ['staged on', `${row.host}${row.host === config.host.id ? ' (this host)' : ''}: ${row.staged}`],
        [
          'approved by',
          row.approvals === null
            ? 'unknown: policy cannot be asked'
            : `${row.approvals.join(', ') || 'nobody'} (${row.needed} needed)`,
        ],
        ...(row.isSuperseded
          ? [['note', 'The file has changed since: this is about the state that was held.']]
          : []),
      ]),
    );
    if (signed !== undefined) {
      output.line(
        '\nSigned is exactly this, with your name, your verdict and a time after which it does not count:',
      );
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
            result ?? 'not judged yet',
            reason === null ? '' : printable(reason),
          ]),
        ),
      );
    }
  });
}

const noneRequired = { public: 1, internal: 1, confidential: 1, restricted: 1 };
