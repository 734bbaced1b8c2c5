import { policy as english } from '../en/policy.ts';
import { translationOf } from '../message.ts';

export const policy = translationOf(english)({
  in_force_already: 'Cette politique est déjà en vigueur.',
  asking_once: 'Chaque question est posée une fois à la nouvelle politique …',
  waiting_worker: 'En attente que le worker juge selon elle …',
  not_within: 'OPA ou le worker ne l’ont pas prise en {seconds} s',
  in_force: 'En vigueur : {revision}',
  next_sweep:
    'Le prochain balayage juge de nouveau ce qui est protégé ; `holdfast sweep <source>` le fait maintenant.',
  bundle_in: 'La révision {revision} est dans {path}.',
  sign_it: 'Signez-la là où est la clé privée : cd {path} && opa sign --bundle --signing-key KEY.pem .',
  in_order: '{folder} : en ordre, révision {revision}.',
  replaying:
    '{decisions} {decisions|décision redemandée|décisions redemandées}, {changes} {changes|serait autre|seraient autres}',
  replayed:
    '{decisions} {decisions|décision redemandée|décisions redemandées} : {changes} {changes|serait autre|seraient autres}, dont {denied} {denied|refusée maintenant|refusées maintenant} et {allowed} {allowed|permise maintenant|permises maintenant}.',
  unreadable:
    '{count} {count|question ne peut pas être ouverte|questions ne peuvent pas être ouvertes} ici : {count|détruite, ou scellée|détruites, ou scellées} pour des destinataires.',
  gate_to: '{gate} vers {destination}',
  denied: 'refusé ({reasons})',
  newer_refused: 'AVERTISSEMENT : une plus récente n’a pas été acceptée le {at} : {detail}',
  epochs: 'Époques, la plus récente d’abord :',
  not_taken: 'pas prise',
  announced: 'annoncée',
  classes: 'Classes de rétention :',
  mode_days: '{mode} pendant {days} j',
  versions: '{count} {count|version|versions}',
  at_least: 'au moins {days} j',
  erasable: 'effaçable',
  approvals: 'Approbations nécessaires à un fichier en attente :',
  no_approvers:
    'Personne ne peut approuver : enregistrez des approbateurs dans les données de politique (docs/policy.md).',
  approvers: 'Approbateurs : {names}',
  name_a_file: 'Nommez un fichier situé sous une source, pas la source.',
  give_size: '{path} ne peut pas être lu : donnez --size et --media-type.',
  set_for_source: 'réglé pour la source',
  no_rule: 'aucune règle ne le nomme : la valeur par défaut',
  broken_pattern: 'une règle de classification a un motif défectueux',
  rule: 'règle {name}',
  also: 'aussi {others}',
  key_scope: 'portée de clé',
  retention_of: '{class} : {mode} pendant {days} {days|jour|jours}',
  to: 'vers {destination}',
  may_go: 'peut partir',
  held_here: 'RETENU sur cet hôte',
  not_asked: '(le compartiment n’a pas été interrogé)',
  authorised: 'autorisé par {by}',
  admitted: 'Admis, si son analyse est saine :',
  not_backed_up: 'PAS sauvegardé :',
});
