import { hostname } from 'node:os';
import type { Catalog } from '../catalog/catalog.ts';
import { failedPaths } from '../catalog/condition-query.ts';
import { concernedFiles, type Incident, incidentById, openIncidentsOf } from '../catalog/incident-query.ts';
import type { Notification } from '../catalog/notification-query.ts';
import type { Config } from '../config.ts';
import { Failure } from '../domain/failures.ts';
import type { IncidentTopic } from '../domain/incidents.ts';
import type { ConditionKind, Phase } from '../domain/notifications.ts';
import type { IncidentKind } from '../domain/records.ts';
import { noticeOf } from '../incidents/notice.ts';
import { type Texts, textsIn } from '../text/texts.ts';
import { spanIn, timeIn } from '../text/time.ts';
import { type Digest, digestParts } from './digest-text.ts';
import type { Message } from './message.ts';

/** What messages are written with. */
export interface ComposeDeps {
  readonly catalog: Catalog;
  readonly config: Pick<Config, 'language' | 'timezone' | 'breaches' | 'notifications'>;
}

/** What happened, what it means, and what to do next. */
export interface Parts {
  readonly subject: string;
  readonly what: string;
  readonly means?: string;
  readonly todo: string;
  /** Names of files, where they may be sent, and how many more there are. */
  readonly files?: { readonly paths: readonly Buffer[]; readonly count: number; readonly command: string };
}

/** Writes a message in the language and zone of the configuration, from what the catalog knows now. */
export async function compose(deps: ComposeDeps, notification: Notification): Promise<Message> {
  const { config } = deps;
  const { id, topic, facts, createdAt, recipient } = notification;
  const say = textsIn(config.language);
  const about = { id, topic, facts, at: createdAt.toISOString(), recipient: recipient ?? undefined };
  if (topic === 'breach_notice') {
    const incident = await registered(deps, notification.subject);
    const form = { sentTo: recipient ?? '', language: config.language };
    const notice = await noticeOf(deps.catalog, config, incident, form);
    return { ...about, subject: notice.subject, text: notice.text };
  }
  const parts = await partsOf(deps, say, notification);
  const footer = say('messages', 'footer', {
    host: hostname(),
    time: timeIn(config.timezone, createdAt),
    id,
  });
  const sections = [
    section(say('messages', 'heading_what'), parts.what),
    ...(parts.means === undefined ? [] : [section(say('messages', 'heading_means'), parts.means)]),
    section(say('messages', 'heading_todo'), parts.todo),
    ...filesSection(say, config.notifications.includePaths, parts.files),
  ];
  return { ...about, subject: parts.subject, text: `${sections.join('\n\n')}\n\n-- \n${footer}\n` };
}

const section = (heading: string, text: string): string => `${heading}\n${text}`;

/** Names that may be shown: what would end a line or turn the direction of writing is taken out of them. */
const shown = (path: Buffer): string =>
  path.toString('utf8').replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, '\ufffd');

function filesSection(say: Texts, includePaths: boolean, files: Parts['files']): string[] {
  if (files === undefined) return [];
  if (!includePaths) return [say('messages', 'files_kept_back', { command: files.command })];
  const more = files.count - files.paths.length;
  const lines = [
    ...files.paths.map(shown),
    ...(more > 0 ? [say('messages', 'more_files', { count: more })] : []),
  ];
  return lines.length === 0 ? [] : [section(say('messages', 'heading_files'), lines.join('\n'))];
}

function partsOf(deps: ComposeDeps, say: Texts, notification: Notification): Promise<Parts> | Parts {
  const { topic, facts } = notification;
  switch (topic) {
    case 'incident_opened':
    case 'incident_warning':
    case 'incident_overdue':
      return incidentParts(deps, say, notification, topic);
    case 'incidents_many':
      return manyParts(deps, say, facts.kind as IncidentKind);
    case 'digest':
      return digestParts(deps.config, say, facts as unknown as Digest);
    case 'test':
      return {
        subject: say('messages', 'test'),
        what: say('messages', 'test_what', { host: hostname() }),
        means: say('messages', 'test_means'),
        todo: say('messages', 'test_todo'),
      };
    // A ping has no text.
    case 'breach_notice':
    case 'sweep_complete':
    case 'sweep_incomplete':
      return { subject: topic, what: topic, todo: topic };
    default:
      return conditionParts(deps, say, topic, facts as unknown as ConditionFacts);
  }
}

async function registered({ catalog }: ComposeDeps, id: string): Promise<Incident> {
  const incident = await incidentById(catalog, id);
  if (incident === undefined) throw new Failure('incident_unknown', { incident: id });
  return incident;
}

async function incidentParts(
  deps: ComposeDeps,
  say: Texts,
  { subject: id, createdAt }: Notification,
  topic: IncidentTopic,
): Promise<Parts> {
  const { timezone, language, breaches } = deps.config;
  const incident = await registered(deps, id);
  const { kind, detectedAt } = incident;
  const deadlineAt = new Date(detectedAt.getTime() + breaches.notifyWithin);
  const named = say('incidents', kind);
  const facts = {
    id,
    kind: named,
    time: timeIn(timezone, detectedAt),
    deadline: timeIn(timezone, deadlineAt),
    where: incident.source === null ? '' : say('messages', 'in_source', { source: incident.source }),
  };
  const means = say('incidents', `${kind}_means`);
  const short = id.slice(0, 8);
  const concerned = await concernedFiles(deps.catalog, incident);
  const files =
    concerned === undefined || concerned.paths.length === 0
      ? {}
      : { files: { ...concerned, command: `holdfast incident show ${id}` } };
  if (topic === 'incident_opened') {
    const span = spanIn(language, breaches.notifyWithin);
    const clock = say('messages', 'incident_clock', { ...facts, span });
    return {
      subject: say('messages', 'incident_opened', facts),
      what: say('messages', 'incident_opened_what', facts),
      means,
      todo: `${say('incidents', `${kind}_todo`, { id })}\n${clock}`,
      ...files,
    };
  }
  const todo = say('messages', 'incident_warning_todo', facts);
  if (topic === 'incident_overdue') {
    return {
      subject: say('messages', 'incident_overdue', { short }),
      what: say('messages', 'incident_overdue_what', facts),
      means: say('messages', 'incident_overdue_means'),
      todo,
      ...files,
    };
  }
  const span = spanIn(language, Math.max(0, deadlineAt.getTime() - createdAt.getTime()));
  return {
    subject: say('messages', 'incident_warning', { span, short }),
    what: say('messages', 'incident_warning_what', facts),
    means,
    todo,
    ...files,
  };
}

async function manyParts({ catalog }: ComposeDeps, say: Texts, kind: IncidentKind): Promise<Parts> {
  const facts = { kind: say('incidents', kind), count: await openIncidentsOf(catalog, kind) };
  return {
    subject: say('messages', 'incidents_many', facts),
    what: say('messages', 'incidents_many_what', facts),
    means: say('incidents', `${kind}_means`),
    todo: say('messages', 'incidents_many_todo'),
  };
}

/** What conditions are told with; each has those of its kind. */
interface ConditionFacts {
  readonly phase: Phase;
  readonly source?: string;
  readonly host?: string;
  readonly channel?: string;
  readonly error?: string;
  readonly count?: number;
  readonly percent?: number;
  readonly days?: number;
  /** How long it has been so; null: always. */
  readonly sinceMs?: number | null;
  readonly objects?: number;
  readonly manifests?: number;
  readonly entries?: number;
}

/** What is said of one condition, by its phase. */
async function conditionParts(
  { catalog, config }: ComposeDeps,
  say: Texts,
  kind: ConditionKind,
  { phase, ...given }: ConditionFacts,
): Promise<Parts> {
  const { source = '', host = '', channel = '', error = '', count = 0, percent = 0, days = 0 } = given;
  const { sinceMs, objects = 0, manifests = 0, entries = 0 } = given;
  const span = spanIn(config.language, sinceMs ?? config.notifications.sweepWithin);
  const facts = {
    ...{ source, host, channel, error, count, percent, days, span },
    ...{ objects, manifests, entries },
  };
  const subject = say('messages', kind, facts);
  if (phase === 'resolved') {
    return {
      subject: say('messages', 'resolved_prefix', { subject: say('messages', `${kind}_resolved`, facts) }),
      what: say('messages', `${kind}_resolved`, facts),
      todo: say('messages', 'test_todo'),
    };
  }
  const isNever = kind === 'sweep_missing' && sinceMs === null;
  return {
    subject: phase === 'lasts' ? say('messages', 'reminder_prefix', { subject }) : subject,
    what: isNever ? say('messages', 'sweep_missing_never', facts) : say('messages', `${kind}_what`, facts),
    means: say('messages', `${kind}_means`),
    todo: say('messages', `${kind}_todo`, facts),
    ...(kind === 'files_failed'
      ? {
          files: {
            paths: config.notifications.includePaths ? await failedPaths(catalog, 20) : [],
            count,
            command: 'holdfast files --outcome failed',
          },
        }
      : {}),
  };
}
