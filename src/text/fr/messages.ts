import { messages as english } from '../en/messages.ts';
import { translationOf } from '../message.ts';

export const messages = translationOf(english)({
  heading_what: 'Ce qui s’est passé',
  heading_means: 'Ce que cela veut dire',
  heading_todo: 'Que faire maintenant',
  heading_files: 'Fichiers',
  more_files: { one: 'et {count} autre', other: 'et {count} autres' },
  files_kept_back: 'Les noms de fichiers ne sont pas envoyés par courriel. Pour les voir : {command}',
  resolved_prefix: 'Résolu : {subject}',
  reminder_prefix: 'Toujours : {subject}',
  footer: 'Envoyé par Holdfast sur {host} le {time}. Message {id}.',

  incident_opened: 'Incident : {kind}{where}',
  incident_opened_what: 'Le {time}, Holdfast a détecté : {kind}{where} (incident {id}).',
  in_source: ', source « {source} »',
  incident_clock:
    'Le délai pour le notifier est de {span} (breaches.notifyWithin) : jusqu’au {deadline}. Pour le voir : holdfast incident show {id}. Pour dire que vous vous en occupez : holdfast incident ack {id}.',
  incident_warning: 'encore {span} pour notifier l’incident {short}',
  incident_warning_what:
    '{kind}{where}, détecté le {time} (incident {id}), n’est pas encore notifié. Le délai se termine le {deadline}.',
  incident_warning_todo:
    'Affichez la notification préparée : holdfast incident notify {id} --draft. Envoyez-la et inscrivez-la (holdfast incident notify {id} --to QUI --by MOYEN), ou clôturez avec la raison pour laquelle rien n’est à notifier : holdfast incident close {id} --reason TEXTE.',
  incident_overdue: 'EN RETARD : l’incident {short} devait être notifié',
  incident_overdue_what:
    '{kind}{where}, détecté le {time} (incident {id}), devait être notifié avant le {deadline}.',
  incident_overdue_means:
    'Le délai de notification est passé. Une notification tardive vaut mieux que rien ; elle doit dire pourquoi elle est tardive.',
  incidents_many: 'Incidents du même genre : {kind}',
  incidents_many_what: {
    one: '{count} incident de ce genre est ouvert : {kind}. Pendant cette heure, ils ne sont plus annoncés un par un.',
    other:
      '{count} incidents de ce genre sont ouverts : {kind}. Pendant cette heure, ils ne sont plus annoncés un par un.',
  },
  incidents_many_todo: 'Voyez-les tous : holdfast incident list. Chacun a son propre délai de notification.',

  sweep_missing: '{source} : aucun balayage complet depuis {span}',
  sweep_missing_what: 'Le dernier balayage complet de {source} s’est terminé il y a {span}.',
  sweep_missing_never: 'Aucun balayage de {source} n’a jamais été complet.',
  sweep_missing_means: 'Les fichiers modifiés depuis ne sont peut-être pas protégés.',
  sweep_missing_todo:
    'Voyez pourquoi : holdfast runs, puis holdfast status. Pour en lancer un : holdfast sweep {source} --wait.',
  sweep_missing_resolved: 'Un balayage de {source} est de nouveau complet.',

  files_failed: { one: '{count} fichier n’est pas protégé', other: '{count} fichiers ne sont pas protégés' },
  files_failed_what: {
    one: 'La protection de {count} fichier a échoué, et rien de plus récent n’en est stocké.',
    other: 'La protection de {count} fichiers a échoué, et rien de plus récent n’en est stocké.',
  },
  files_failed_means: 'Si le disque tombe en panne aujourd’hui, ce que ces fichiers contiennent est perdu.',
  files_failed_todo:
    'Voyez lesquels et pourquoi : holdfast files --outcome failed. Chaque balayage essaie de nouveau.',
  files_failed_resolved: 'Plus aucun fichier n’échoue.',

  hold_waiting: {
    one: '{count} fichier attend une décision',
    other: '{count} fichiers attendent une décision',
  },
  hold_waiting_what: {
    one: '{count} fichier est retenu par la politique ; il attend depuis {span}.',
    other: '{count} fichiers sont retenus par la politique ; le plus ancien attend depuis {span}.',
  },
  hold_waiting_means:
    'Ils ne sont pas encore dans le stockage. Ce que personne ne décide à temps compte comme refusé.',
  hold_waiting_todo:
    'Voyez-les : holdfast hold list. Décidez : holdfast hold approve, ou holdfast hold reject.',
  hold_waiting_resolved: 'Plus rien n’attend de décision.',

  disk_filling: 'Le disque de {host} est plein à {percent} %',
  disk_filling_what: 'Le disque qui porte le dossier d’état de {host} est plein à {percent} %.',
  disk_filling_means: 'Quand il est plein, le catalogue s’arrête et plus rien n’est protégé.',
  disk_filling_todo:
    'Faites de la place, ou déplacez les données du dossier d’état vers un disque plus grand (docs/operations.md).',
  disk_filling_resolved: 'Le disque de {host} a de nouveau de la place.',

  staging_filling: 'Le dossier d’attente de {host} est plein à {percent} %',
  staging_filling_what:
    'Les fichiers retenus prennent {percent} % de la place que staging.quota leur donne sur {host}.',
  staging_filling_means:
    'Ce qui ne trouve pas de place échoue, et n’est pas protégé jusqu’à ce qu’il y en ait.',
  staging_filling_todo: 'Décidez de ce qui attend (holdfast hold list), ou augmentez staging.quota.',
  staging_filling_resolved: 'Le dossier d’attente de {host} a de nouveau de la place.',

  signatures_stale: 'Les signatures antivirus de {host} ont {days} {days|jour|jours}',
  signatures_stale_what:
    'Les signatures antivirus les plus récentes sur {host} ont {days} {days|jour|jours}.',
  signatures_stale_means:
    'Leur verdict ne compte pas comme sain : les fichiers modifiés attendent, puis ils sont retenus.',
  signatures_stale_todo: 'Laissez freshclam joindre database.clamav.net ; holdfast doctor en dit plus.',
  signatures_stale_resolved: 'Les signatures antivirus de {host} sont de nouveau récentes.',

  restore_test_failed: 'Un essai de restauration a échoué',
  restore_test_failed_what:
    'De ce qui a été vérifié dans le stockage, {objects} {objects|objet et|objets et} {manifests} {manifests|manifeste ne sont pas|manifestes ne sont pas} comme promis, et {entries} {entries|fichier a perdu|fichiers ont perdu} leur copie.',
  restore_test_failed_means:
    'Ces fichiers ne pourraient pas être restaurés, ou seulement depuis une autre destination.',
  restore_test_failed_todo:
    'Voyez lesquels : holdfast verify --all. Les fichiers qui ont perdu leur copie sont renvoyés au prochain balayage.',
  restore_test_failed_resolved: 'Tout ce qui a été vérifié dans le stockage est de nouveau comme promis.',

  channel_failing: 'Le canal {channel} ne livre plus',
  channel_failing_what:
    '{count} {count|message pour|messages pour} {channel} {count|n’a pas pu être livré|n’ont pas pu être livrés} ; la dernière erreur est {error}.',
  channel_failing_means: 'La personne que lui seul prévient ne sait rien de ce qui se passe ici.',
  channel_failing_todo: 'Cherchez pourquoi : holdfast notify list, puis holdfast notify test {channel}.',
  channel_failing_resolved: 'Le canal {channel} livre de nouveau.',

  test: 'Message d’essai',
  test_what: 'Quelqu’un a lancé holdfast notify test sur {host}.',
  test_means: 'Ce canal fonctionne.',
  test_todo: 'Rien.',

  digest: 'Résumé : {summary}',
  digest_well: 'tout va bien',
  digest_attention: { one: '{count} chose vous attend', other: '{count} choses vous attendent' },
  digest_what: 'Du {from} au {to} :',
  digest_uploaded: '{count} {count|version stockée|versions stockées} ({bytes})',
  digest_failed: '{count} {count|fichier non protégé|fichiers non protégés} en ce moment',
  digest_held: '{count} {count|fichier en attente|fichiers en attente} d’une décision',
  digest_quarantined: '{count} {count|fichier mis en quarantaine|fichiers mis en quarantaine}',
  digest_incidents: '{count} {count|incident non clos|incidents non clos}, dont {overdue} en retard',
  digest_sweeps: '{complete} {complete|balayage complet|balayages complets}, {other} autres',
  digest_verified: '{checked} {checked|objet vérifié|objets vérifiés}, {mismatches} pas comme promis',
  digest_conditions: 'Ce qui dure :',
  digest_todo_well: 'Rien.',
  digest_todo: 'Commencez par holdfast status.',
});
