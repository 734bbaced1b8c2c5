import { incidentChangedSignal } from '../../../workflows/messages.ts';
import { auditEvent } from '../../audit/event.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import {
  actOnIncident,
  enterIncident,
  type Incident,
  type IncidentAct,
  incidentById,
} from '../../catalog/incident-query.ts';
import { addNotifications, notificationById } from '../../catalog/notification-query.ts';
import { mailAddress } from '../../config.ts';
import { Failure } from '../../domain/failures.ts';
import { newRunId } from '../../domain/ids.ts';
import { incidentClock, type NoticeMeans } from '../../domain/incidents.ts';
import type { Id, IncidentKind } from '../../domain/records.ts';
import { noticeOf } from '../../incidents/notice.ts';
import type { Installation } from '../../installation.ts';
import type { Endpoints } from '../../stack/endpoints.ts';
import { incidentWorkflowId } from '../../temporal/names.ts';
import type { Language } from '../../text/language.ts';
import { type Texts, textsIn } from '../../text/texts.ts';
import { say } from '../../text/voice.ts';
import { incidentOutput, languageIn, namedIncident, termsOf } from '../incident-rows.ts';
import { awaitDelivery } from '../notification-rows.ts';
import { localTime, printable } from '../output.ts';
import { type Session, sessionConfig, unlock, withCatalog, withTemporal } from '../session.ts';
import { requireSource } from '../target.ts';

/** What the commands work with. */
interface Desk {
  readonly session: Session;
  readonly installation: Installation;
  readonly catalog: Catalog;
  readonly where: Endpoints;
  readonly say: Texts;
}

async function withDesk<T>(session: Session, work: (desk: Desk) => Promise<T>): Promise<T> {
  const installation = await unlock(session);
  const say = textsIn(languageIn(session));
  return withCatalog(session, (catalog, where) => work({ session, installation, catalog, where, say }));
}

/** The incidents of ids or of their first digits, each once: before anything is done to one, all are known. */
async function named(catalog: Catalog, given: readonly string[]): Promise<Incident[]> {
  const found: Incident[] = [];
  for (const id of given) found.push(await namedIncident(catalog, id));
  return [...new Map(found.map((incident) => [incident.id, incident])).values()];
}

/** Says that somebody has incidents in hand. */
export function runIncidentAck(session: Session, given: readonly string[]): Promise<void> {
  return withDesk(session, async (desk) => {
    for (const incident of await named(desk.catalog, given)) {
      const done = await act(desk, incident, { act: 'acknowledge', by: session.actor });
      const { deadline } = incidentClock(done, termsOf(desk.installation.config), new Date());
      print(
        desk,
        done,
        desk.say('incidents', 'is_acknowledged', { ...short(done), deadline: localTime(deadline) }),
      );
    }
  });
}

export interface NotifyOptions {
  readonly draft?: boolean;
  readonly language?: Language;
  readonly send?: boolean;
  readonly to?: string;
  readonly by?: NoticeMeans;
  readonly at?: Date;
}

/** Prints the prepared notices, sends them, or records whom somebody told. */
export async function runIncidentNotify(
  session: Session,
  given: readonly string[],
  options: NotifyOptions,
): Promise<void> {
  const { draft = false, send = false, to, by } = options;
  const isRecord = !draft && !send;
  if (draft && send) throw new Failure('usage', { detail: say('incidents', 'draft_or_send') });
  if (isRecord && (to === undefined || by === undefined))
    throw new Failure('usage', { detail: say('incidents', 'draft_send_or_to') });
  if (draft) return printDraft(session, given, options.language);
  await withDesk(session, async (desk) => {
    const incidents = await named(desk.catalog, given);
    const at = options.at ?? new Date();
    if (isRecord && incidents.some(({ detectedAt }) => at < detectedAt))
      throw new Failure('usage', { detail: say('incidents', 'at_before') });
    for (const incident of incidents) {
      if (send) await sendNotice(desk, incident, to);
      else await recordNotice(desk, incident, { to: to ?? '', means: by ?? '', at });
    }
  });
}

async function recordNotice(
  desk: Desk,
  incident: Incident,
  notice: Pick<Extract<IncidentAct, { act: 'notify' }>, 'to' | 'means' | 'at'>,
): Promise<void> {
  const done = await act(desk, incident, { act: 'notify', by: desk.session.actor, ...notice });
  print(desk, done, desk.say('incidents', 'is_notified', { ...short(done), to: printable(notice.to) }));
}

async function printDraft(
  session: Session,
  given: readonly string[],
  language: Language = sessionConfig(session).language,
): Promise<void> {
  const config = sessionConfig(session);
  const { output } = session;
  await withCatalog(session, async (catalog) => {
    for (const incident of await named(catalog, given)) {
      const notice = await noticeOf(catalog, config, incident, { sentTo: undefined, language });
      output.value({ incident: incident.id, ...notice });
      output.line(notice.text);
      output.note(textsIn(languageIn(session))('incidents', 'draft_hint', short(incident)));
    }
  });
}

/** The message is the worker's to send; what it has sent stops the clock, whether or not somebody waits for it. */
async function sendNotice(desk: Desk, incident: Incident, to: string | undefined): Promise<void> {
  const { session, installation, catalog, say } = desk;
  const { config, ids } = installation;
  if (incident.state === 'notified' || incident.state === 'closed') throw refused(incident);
  const address = to ?? config.breaches.authority?.email;
  const channel = config.notifications.channels.find(({ type }) => type === 'email')?.name;
  const { organisation, contact } = config.breaches;
  if (address === undefined || channel === undefined) throw new Failure('notice_without_address');
  if (!mailAddress.safeParse(address).success)
    throw new Failure('usage', { detail: say('incidents', 'not_an_address', { to: printable(address) }) });
  if (organisation === undefined || contact === undefined)
    throw new Failure('usage', { detail: say('incidents', 'sender_unknown') });
  const run = newRunId();
  const id = ids.notification('breach_notice', incident.id, run, channel);
  const facts = { actor: session.actor, to: address };
  await catalog.transaction((rows) =>
    addNotifications(rows, [
      { id, channel, topic: 'breach_notice', subject: incident.id, facts, recipient: address },
    ]),
  );
  const { state } = await awaitDelivery(session, () => notificationById(catalog, id));
  const now = (await incidentById(catalog, incident.id)) ?? incident;
  if (state === 'sent') await wake(desk, incident.id);
  print(
    desk,
    now,
    say('incidents', state === 'sent' ? 'notice_sent' : 'notice_waits', { ...short(now), to: address }),
  );
}

/** Ends incidents. Failure `incident_not_notified`, before any is ended, where nobody was told of one and nothing says why. */
export function runIncidentClose(
  session: Session,
  given: readonly string[],
  { reason }: { readonly reason?: string },
): Promise<void> {
  return withDesk(session, async (desk) => {
    const incidents = await named(desk.catalog, given);
    const silent = incidents.find(({ notifiedAt, state }) => notifiedAt === null && state !== 'closed');
    if (reason === undefined && silent !== undefined)
      throw new Failure('incident_not_notified', { incident: silent.id.slice(0, 8) });
    for (const incident of incidents) {
      const done = await act(desk, incident, { act: 'close', by: session.actor, reason: reason ?? null });
      print(desk, done, desk.say('incidents', 'is_closed', short(done)));
    }
  });
}

export interface OpenOptions {
  readonly kind: IncidentKind;
  readonly detail: string;
  readonly source?: string;
  readonly detected?: Date;
}

/** Enters an incident that only people know of. */
export function runIncidentOpen(session: Session, options: OpenOptions): Promise<void> {
  return withDesk(session, async (desk) => {
    const { installation, catalog, say } = desk;
    const { config, ids } = installation;
    const { kind, detail, source, detected } = options;
    const detectedAt = detected ?? new Date();
    if (detectedAt.getTime() > Date.now())
      throw new Failure('usage', { detail: say('incidents', 'detected_future') });
    const sourceId = source === undefined ? null : await requireSource(catalog, source);
    const runId = newRunId();
    const id = ids.incident(kind, runId);
    const { actor } = session;
    await enterIncident(
      catalog,
      { ...{ id, kind, subject: runId, sourceId, runId, detail, detectedAt }, openedBy: actor },
      auditEvent(ids, {
        ...{ subject: id, step: 'incident', run: runId, host: config.host.id, actor },
        ...(sourceId === null ? {} : { source: sourceId }),
        facts: { action: 'open', kind, about: runId, detail, detectedAt: detectedAt.toISOString() },
      }),
    );
    const made = await namedIncident(catalog, id);
    const { deadline } = incidentClock(made, termsOf(config), new Date());
    print(desk, made, say('incidents', 'opened', { ...short(made), deadline: localTime(deadline) }));
  });
}

const short = ({ id }: Incident): { readonly id: string } => ({ id: id.slice(0, 8) });

function print({ session: { output }, installation }: Desk, incident: Incident, sentence: string): void {
  output.value(incidentOutput(incident, installation.config));
  output.line(sentence);
}

const refused = ({ id, state }: Incident): Failure =>
  new Failure('incident_refused', { incident: id.slice(0, 8), state: say('incidents', state) });

/** Does it, tells the audit trail, and has the incident's workflow look. Failure `incident_refused`. */
async function act(desk: Desk, { id }: Incident, deed: IncidentAct): Promise<Incident> {
  const { installation, catalog, session } = desk;
  const run = newRunId();
  const event = auditEvent(installation.ids, {
    ...{ subject: id, step: 'incident', among: `${deed.act} ${run}`, run },
    ...{ host: installation.config.host.id, actor: session.actor },
    facts: { action: deed.act, incident: id, ...factsOf(deed) },
  });
  const done = await actOnIncident(catalog, id, deed, event);
  const now = (await incidentById(catalog, id)) as Incident;
  if (!done) throw refused(now);
  await wake(desk, id);
  return now;
}

function factsOf(deed: IncidentAct): Record<string, string> {
  if (deed.act === 'notify') return { to: deed.to, means: deed.means, notifiedAt: deed.at.toISOString() };
  return deed.act === 'close' && deed.reason !== null ? { reason: deed.reason } : {};
}

/** The register has it already: a workflow that is not there, or cannot be reached, sees it at its next look. */
async function wake({ installation, where }: Desk, id: Id): Promise<void> {
  await withTemporal(installation, where, (client) =>
    client.workflow.getHandle(incidentWorkflowId(id)).signal(incidentChangedSignal),
  ).catch(() => {});
}
