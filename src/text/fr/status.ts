import { status as english } from '../en/status.ts';
import { translationOf } from '../message.ts';

export const status = translationOf(english)({
  up_since: 'Fonctionne depuis le {since} (processus {pid}), état dans {home}',
  web_ui: 'Interface web de Temporal : {address}',
  test_signatures:
    'AVERTISSEMENT : l’analyseur n’a que la signature d’essai intégrée ; les logiciels malveillants ne seront pas trouvés.',
  policy_refused:
    'AVERTISSEMENT : une politique plus récente n’a pas été acceptée, la précédente décide : {detail}',
  source_problem: 'AVERTISSEMENT : source {source} : {sentence}',
  source_note: 'Source {source} : {note}',
  versions_wait: {
    one: 'Source {source} : {count} version attend d’être inscrite dans le compartiment, la plus ancienne depuis {seconds} s',
    other:
      'Source {source} : {count} versions attendent d’être inscrites dans le compartiment, la plus ancienne depuis {seconds} s',
  },
  last_verified:
    'Dernière vérification le {at} : {checked} {checked|objet|objets}, dont {mismatches} {mismatches|n’est pas comme il devrait|ne sont pas comme ils devraient}',
  warning: 'AVERTISSEMENT : {text}',
  starting: 'Démarrage de {services} …',
  policy_kept: 'AVERTISSEMENT : la politique n’a pas été changée, la précédente décide : {detail}',
  up_stop_with: 'Fonctionne depuis le {since}. Pour arrêter : holdfast down',
  stopping: 'Arrêt en cours …',
  stopped: 'Tout est arrêté ; l’état est conservé.',
  nothing_ran: 'Rien ne fonctionnait.',
  scanner_fails:
    'l’analyseur échoue à ses essais ({problems}) : plus rien ne compte comme sain. Lancez : holdfast doctor',
  service_unknown: 'Il n’y a pas de service « {name} ». Les services sont {names}.',
  no_check: 'Il n’y a pas de contrôle {name} : {names}.',
});
