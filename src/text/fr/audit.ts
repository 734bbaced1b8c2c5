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
  head: 'tête {number}',
  event: 'événement {number}',
  prove_takes: 'prove attend <source>:<chemin>.',
  proof:
    'La preuve de la version {id} est dans {file} ({bytes}). Qui la reçoit la vérifie avec\nops/audit/verify_proof.py et les clés qu’affiche `holdfast audit public-key`, remises par une autre voie.',
});
