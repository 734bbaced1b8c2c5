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

/**
 * The draft of the notice that the law asks for: nature, time, data concerned, measures and contact. What the system cannot
 * know is left to be filled in, in square brackets; no file is named.
 */
export async function noticeOf(
  catalog: Catalog,
  { breaches, timezone }: Pick<Config, 'breaches' | 'timezone'>,
  incident: Incident,
  language: Language,
  now = new Date(),
): Promise<Notice> {
  const say = textsIn(language);
  const { id, kind, detectedAt, source, detail } = incident;
  const deadline = new Date(detectedAt.getTime() + breaches.notifyWithin);
  const { organisation, authority, contact } = breaches;
  const concerned = await concernedFiles(catalog, incident);
  const missing = say('notices', 'fill_in');
  const lines = [
    say('notices', 'title'),
    say('notices', 'basis'),
    '',
    say('notices', 'to', { authority: authority?.name ?? say('notices', 'unknown_authority') }),
    say('notices', 'from', { organisation: organisation ?? say('notices', 'unknown_organisation') }),
    '',
    say('notices', 'heading_nature'),
    say('notices', 'nature', { kind: say('incidents', kind), means: say('incidents', `${kind}_means`) }),
    say('notices', 'reference', { id }),
    '',
    say('notices', 'heading_time'),
    say('notices', 'detected', { time: timeIn(timezone, detectedAt) }),
    say('notices', 'deadline', { deadline: timeIn(timezone, deadline) }),
    ...(now > deadline ? [say('notices', 'late')] : []),
    '',
    say('notices', 'heading_data'),
    concerned === undefined
      ? say('notices', 'data_unknown')
      : say('notices', 'data_files', { count: concerned.count, source: source ?? missing }),
    ...(concerned?.classification
      ? [say('notices', 'classification', { classification: concerned.classification })]
      : []),
    say('notices', 'data_people'),
    say('notices', 'consequences'),
    '',
    say('notices', 'heading_measures'),
    say('notices', `measure_${kind}`),
    ...(kind === 'other' ? [] : [say('notices', 'measure_encrypted'), say('notices', 'measures_more')]),
    '',
    say('notices', 'heading_contact'),
    contact === undefined ? missing : say('notices', 'contact', contact),
    ...(detail === null
      ? []
      : ['', say('notices', 'heading_details'), say('notices', 'own_words', { detail })]),
  ];
  return { subject: say('notices', 'subject', { id: id.slice(0, 8) }), text: `${lines.join('\n')}\n` };
}
