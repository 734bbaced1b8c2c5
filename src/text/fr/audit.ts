import { audit as english } from '../en/audit.ts';
import { translationOf } from '../message.ts';

export const audit = translationOf(english)({
  from_later: '--from est après --to.',
  written: { one: '{count} événement écrit', other: '{count} événements écrits' },
  exported: {
    one: '{count} événement, signé, dans {file}',
    other: '{count} événements, signés, dans {file}',
  },
  verified: { one: '{count} événement vérifié', other: '{count} événements vérifiés' },
  anchors_read: { one: '{count} ancrage lu', other: '{count} ancrages lus' },
  summary:
    '{events} {events|événement|événements} sous {heads} {heads|tête signée|têtes signées}, {anchors} {anchors|ancrage|ancrages} : {verdict}',
  all_signed: 'tout est tel que signé.',
  not_signed: '{count} {count|n’est pas tel que signé|ne sont pas tels que signés}.',
  somebody_changed:
    'Quelqu’un a modifié la base de données, ou un état plus ancien en a été remis. Gardez-la telle quelle et comparez-la avec une sauvegarde d’avant.',
  rebuilt:
    'Le catalogue a été reconstruit le {at}, et ce qui avait été consigné avant a disparu avec l’ancien : continuez avec --begin {begin}.',
  no_anchor: 'Aucun ancrage hors de la base de données n’en confirme quoi que ce soit.',
  newest_anchor: 'L’ancrage le plus récent est du {at} : tête {number}, dans {destination}.',
  since_anchor:
    'Ce qui est venu depuis ne repose que sur la base de données : {events} {events|événement|événements}, dont {unsigned} pas encore signés.',
  away: 'La destination {name} ne répond pas : ses ancrages n’ont pas été lus.',
  refused:
    'La destination {name} refuse de montrer ce qui est, ou peut être, un ancrage : nul ne peut dire s’il est tel que signé. Vérifiez les droits de ces identifiants et les règles du compartiment (docs/destinations.md).',
  head: 'tête {number}',
  event: 'événement {number}',
  finding: '{kind}  {about} : {detail}',
  sound_until: 'Jusqu’à la tête {number}, signée le {at}, tout est tel que signé.',
  nothing_sound: 'Pas même la première tête n’est telle que signée.',
  signed_at: 'signée le {at}',
  more_of: '… d’autres {kind} : --json les liste tous',
  why_planted: 'un objet de ce nom que ce dépôt n’a pas signé',
  why_planted_unreadable: 'un objet de ce nom qui ne peut pas être lu, ce qu’aucun objet de ce dépôt n’est',
  why_refused: 'un objet de ce nom que ces identifiants ne peuvent pas lire : nul ne peut dire à qui il est',
  why_missing_anchor: 'elle avait été ancrée sous un verrou qui dure, et le compartiment ne l’a pas',
  why_unsigned: 'aucune clé qui peut signer le journal de ce dépôt ne l’a signée',
  why_events: {
    one: '{count} événement y avait été signé, et c’en est un autre à présent',
    other: 'les {count} événements qui y avaient été signés ne sont pas ceux qui y sont à présent',
  },
  why_count: {
    one: '{count} événement y avait été signé, et il y en a {there} à présent',
    other: '{count} événements y avaient été signés, et il y en a {there} à présent',
  },
  why_anchor:
    'le compartiment a une autre tête sous ce numéro : le journal a été coupé avant elle et a continué autrement',
  why_peaks: 'ce dont la tête suivante est calculée a été modifié à côté d’elle',
  why_head_row: 'sa ligne dit autre chose que ce qui a été signé',
  why_heads_missing:
    'd’un journal qui commence par la tête {first}, {count} têtes sont là avant elle : il en a été ajouté ou ôté',
  why_history: 'les têtes avant elle ne sont pas celles après lesquelles elle a été signée',
  why_nothing_new: 'elle ne couvre rien de nouveau',
  why_older_key: 'elle est signée avec une clé plus ancienne que la tête avant elle',
  why_event: 'il ne dit pas ce qui avait été consigné',
  why_row:
    'la ligne {number} de audit_events ne peut être lue telle qu’elle a été consignée, ou dit autre chose que ses événements',
  why_cut: {
    one: 'elle est ancrée, {count} jusqu’à la tête {last}, et le catalogue s’arrête avant elle',
    other: 'elles sont ancrées, {count} jusqu’à la tête {last}, et le catalogue s’arrête avant elles',
  },
  why_lost: {
    one: '{count} ancrage, jusqu’à cette tête, est d’un journal antérieur que ce catalogue n’a pas',
    other: '{count} ancrages, jusqu’à cette tête, sont d’un journal antérieur que ce catalogue n’a pas',
  },
  tables_changed: 'ses tables ne sont pas celles que le programme a faites ({code})',
  row_unreadable: 'la ligne {number} de audit_events ne peut être lue telle qu’elle a été consignée',
  events_changed: 'les événements sous la tête {number} ont été modifiés',
  heads_gone: 'des têtes avant la tête {number} ont disparu',
  head_changed: 'la tête {number} n’a pas été signée par ce dépôt',
  prove_takes: 'prove attend <source>:<chemin>.',
  proof:
    'La preuve de la version {id} est dans {file} ({bytes}). Qui la reçoit la vérifie avec\nops/audit/verify_proof.py et les clés qu’affiche `holdfast audit public-key`, remises par une autre voie.',
});
