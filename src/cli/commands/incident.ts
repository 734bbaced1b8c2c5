import { concernedFiles, listedIncidents } from '../../catalog/incident-query.ts';
import { listedNotifications } from '../../catalog/notification-query.ts';
import { incidentClock, noticeMeans } from '../../domain/incidents.ts';
import type { IncidentKind } from '../../domain/records.ts';
import { type Texts, textsIn } from '../../text/texts.ts';
import { spanIn } from '../../text/time.ts';
import { incidentOutput, languageIn, namedIncident, termsOf } from '../incident-rows.ts';
import { localTime, printable, table } from '../output.ts';
import { type Session, sessionConfig, withCatalog } from '../session.ts';
import { toldFact } from '../told-fact.ts';
import { labelled, nameOf, reasonText } from '../words.ts';

/** Lists the breach register, the oldest first. */
export async function runIncidentList(
  session: Session,
  { all = false, kind }: { readonly all?: boolean; readonly kind?: IncidentKind },
): Promise<void> {
  const { output } = session;
  const config = sessionConfig(session);
  const language = languageIn(session);
  const say = textsIn(language);
  const now = new Date();
  await withCatalog(session, async (catalog) => {
    let rows: string[][] = [];
    let count = 0;
    const print = (): void => {
      if (rows.length > 0) output.line(table(rows));
      rows = [];
    };
    for await (const incident of listedIncidents(catalog, { closed: all, kind })) {
      session.signal.throwIfAborted();
      count++;
      output.value(incidentOutput(incident, config, now));
      const { deadline, due, nextAt } = incidentClock(incident, termsOf(config), now);
      const span = spanIn(language, deadline.getTime() - now.getTime());
      const clock = due.includes('incident_overdue')
        ? say('incidents', 'overdue', { span })
        : nextAt === undefined
          ? say('incidents', 'clock_stopped')
          : say('incidents', 'due', { span });
      if (!output.json)
        rows.push([
          incident.id.slice(0, 8),
          localTime(incident.detectedAt),
          say('incidents', incident.state),
          clock,
          say('incidents', incident.kind),
          printable(incident.source ?? ''),
        ]);
      if (rows.length >= 500) print();
    }
    print();
    output.line(say('incidents', count === 0 ? 'none' : 'listed', { count }));
  });
}

/** Files that are named; the count tells of the others. */
const namedFiles = 20;

/** Shows one incident, with what was done about it and what people were told. */
export async function runIncidentShow(session: Session, given: string): Promise<void> {
  const { output } = session;
  const config = sessionConfig(session);
  const language = languageIn(session);
  const say = textsIn(language);
  await withCatalog(session, async (catalog) => {
    const incident = await namedIncident(catalog, given);
    const { id, kind, state, source, detail, facts } = incident;
    const row = incidentOutput(incident, config);
    const files = await concernedFiles(catalog, incident);
    const messages = await listedNotifications(catalog, { subject: id, limit: 20 });
    output.value({
      ...row,
      files: files === undefined ? null : { count: files.count, classification: files.classification },
      messages: messages.map(({ id: message, channel, topic, state: its, createdAt, sentAt, lastError }) => ({
        ...{ id: message, channel, topic, state: its, lastError },
        createdAt: createdAt.toISOString(),
        sentAt: sentAt?.toISOString() ?? null,
      })),
    });
    const at = (time: string): string => localTime(new Date(time));
    const label = (name: LabelName): string => say('incidents', `label_${name}`);
    const known = (value: string | null | undefined): value is string =>
      typeof value === 'string' && value !== '';
    const names = files?.paths.slice(0, namedFiles).map((path) => printable(path.toString())) ?? [];
    output.line(
      table(
        [
          [label('incident'), id],
          [label('what'), say('incidents', kind)],
          [label('means'), say('incidents', `${kind}_means`)],
          [label('todo'), say('incidents', `${kind}_todo`, { id: id.slice(0, 8) })],
          [label('state'), say('incidents', state)],
          [label('detected'), at(row.detectedAt)],
          ...(row.notified === null && row.closed === null ? [[label('deadline'), at(row.notifyBy)]] : []),
          ...(known(source) ? [[label('source'), printable(source)]] : []),
          ...names.map((name) => [label('file'), name]),
          ...(known(detail) ? [[label('detail'), printable(detail)]] : []),
          ...Object.entries(facts).map(([name, value]) => [
            label('facts'),
            printable(labelled(nameOf(name), factText(name, value))),
          ]),
          ...(incident.openedBy === 'holdfast' ? [] : [[label('opened_by'), printable(incident.openedBy)]]),
          ...(row.acknowledged === null
            ? []
            : [
                [
                  label('acknowledged'),
                  say('incidents', 'by', {
                    time: at(row.acknowledged.at),
                    who: printable(row.acknowledged.by ?? ''),
                  }),
                ],
              ]),
          ...(row.notified === null
            ? []
            : [
                [
                  label('notified'),
                  say('incidents', 'notified_to', {
                    time: at(row.notified.at),
                    to: printable(row.notified.to ?? ''),
                    means: meansIn(say, row.notified.means),
                    who: printable(row.notified.by ?? ''),
                  }),
                ],
              ]),
          ...(row.closed === null
            ? []
            : [
                [
                  label('closed'),
                  say('incidents', 'closed_because', {
                    time: at(row.closed.at),
                    who: printable(row.closed.by ?? ''),
                    reason: printable(row.closed.reason ?? '-'),
                  }),
                ],
              ]),
          ...messages.map(({ channel, topic, state: its, createdAt, lastError }) => [
            label('messages'),
            `${localTime(createdAt)}  ${say('notify', `topic_${topic}`)}  ${channel}  ${say('notify', `state_${its}`)}${lastError === null || its === 'sent' ? '' : ` (${lastError})`}`,
          ]),
        ].map(([name = '', value = '']) => [name, value]),
      ),
    );
  });
}

/** A fact's value on one line; codes of what was found are told as reasons. */
function factText(name: string, value: unknown): string {
  const isReason = (name === 'what' || name === 'notScanned') && typeof value === 'string';
  const told = isReason ? reasonText(value) : toldFact(name, value);
  return typeof told === 'object' ? JSON.stringify(told) : String(told);
}

/** How somebody was told, in the operator's words. */
function meansIn(say: Texts, means: string | null): string {
  const known = noticeMeans.find((one) => one === means);
  return known === undefined ? '' : say('incidents', `by_${known}`);
}

type LabelName =
  | 'incident'
  | 'what'
  | 'means'
  | 'todo'
  | 'state'
  | 'detected'
  | 'deadline'
  | 'source'
  | 'file'
  | 'detail'
  | 'facts'
  | 'opened_by'
  | 'acknowledged'
  | 'notified'
  | 'closed'
  | 'messages';
