import type { Catalog } from '../catalog/catalog.ts';
import { concernedFiles, type Incident } from '../catalog/incident-query.ts';
import type { Config } from '../config.ts';
import type { Language } from '../text/language.ts';
import { textsIn } from '../text/texts.ts';
import { timeIn } from '../text/time.ts';

export interface Notice {
  readonly subject: string;
  readonly text: string;
}

export interface NoticeForm {
  /** Undefined: a draft, to be completed by whoever sends it; else the address that it is sent to as it is. */
  readonly sentTo: string | undefined;
  readonly language: Language;
}

/**
 * The notice that the law asks for: nature, time, data concerned, measures and contact. What the system cannot know is left
 * to be filled in, in square brackets, or announced where the notice is sent as it is; no file is named.
 */
export async function noticeOf(
  catalog: Catalog,
  { breaches, timezone }: Pick<Config, 'breaches' | 'timezone'>,
  incident: Incident,
  { sentTo, language }: NoticeForm,
  now = new Date(),
): Promise<Notice> {
  const say = textsIn(language);
  const { id, kind, detectedAt, source, detail } = incident;
  const deadline = new Date(detectedAt.getTime() + breaches.notifyWithin);
  const { organisation, authority, contact } = breaches;
  const concerned = await concernedFiles(catalog, incident);
  const isDraft = sentTo === undefined;
  const open = say('notices', isDraft ? 'fill_in' : 'to_follow');
  const lines = [
    say('notices', isDraft ? 'title_draft' : 'title'),
    say('notices', isDraft ? 'basis_draft' : 'basis'),
    '',
    say('notices', 'to', { authority: authority?.name ?? sentTo ?? say('notices', 'unknown_authority') }),
    say('notices', 'from', { organisation: organisation ?? say('notices', 'unknown_organisation') }),
    '',
    say('notices', 'heading_nature'),
    say('notices', 'nature', { kind: say('incidents', kind), means: say('incidents', `${kind}_means`) }),
    say('notices', 'reference', { id }),
    '',
    say('notices', 'heading_time'),
    say('notices', 'detected', { time: timeIn(timezone, detectedAt) }),
    say('notices', 'deadline', { deadline: timeIn(timezone, deadline) }),
    ...(now > deadline ? [say('notices', 'late', { open })] : []),
    '',
    say('notices', 'heading_data'),
    concerned === undefined
      ? say('notices', 'data_unknown', { open })
      : say('notices', 'data_files', { count: concerned.count, source: source ?? open }),
    ...(concerned?.classification
      ? [say('notices', 'classification', { classification: concerned.classification })]
      : []),
    say('notices', 'data_people', { open }),
    say('notices', 'consequences', { open }),
    '',
    say('notices', 'heading_measures'),
    ...(kind === 'other'
      ? [open]
      : [
          say('notices', `measure_${kind}`),
          say('notices', 'measure_encrypted'),
          say('notices', 'measures_more', { open }),
        ]),
    '',
    say('notices', 'heading_contact'),
    contact === undefined ? open : say('notices', 'contact', contact),
    ...(detail === null
      ? []
      : ['', say('notices', 'heading_details'), say('notices', 'own_words', { detail })]),
  ];
  return { subject: say('notices', 'subject', { id: id.slice(0, 8) }), text: `${lines.join('\n')}\n` };
}
