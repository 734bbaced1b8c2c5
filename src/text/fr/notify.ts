import { notify as english } from '../en/notify.ts';
import { translationOf } from '../message.ts';

export const notify = translationOf(english)({
  no_channels:
    'Personne n’est prévenu de rien : il n’y a aucun canal sous notifications dans la configuration.',
  no_channels_means:
    'Logiciels malveillants, fichiers en échec ou balayages manquants passent inaperçus jusqu’à ce que quelqu’un lance holdfast status.',
  no_channels_todo: 'Ajoutez un canal (docs/notifications.md), puis holdfast notify test.',
  none: 'Aucun message n’a été envoyé, n’attend ou n’a échoué.',
  topic_incident_opened: 'nouvel incident',
  topic_incident_warning: 'incident à notifier bientôt',
  topic_incident_overdue: 'incident en retard',
  topic_incidents_many: 'incidents du même genre',
  topic_breach_notice: 'notification d’une violation',
  topic_sweep_missing: 'balayage manquant',
  topic_files_failed: 'fichiers en échec',
  topic_hold_waiting: 'décision attendue',
  topic_disk_filling: 'disque presque plein',
  topic_staging_filling: 'dossier d’attente presque plein',
  topic_signatures_stale: 'signatures anciennes',
  topic_restore_test_failed: 'essai de restauration échoué',
  topic_channel_failing: 'canal qui ne livre plus',
  topic_digest: 'résumé',
  topic_test: 'essai',
  topic_sweep_complete: 'balayage complet',
  topic_sweep_incomplete: 'balayage incomplet',
  state_waiting: 'attend',
  state_sent: 'envoyé',
  state_failed: 'ÉCHEC',
  attempts: { one: '{count} essai', other: '{count} essais' },
  test_sent: '{channel} : envoyé en {seconds} s',
  test_failed: '{channel} : PAS envoyé : {error}',
  channel_ok: { one: '{count} canal livre.', other: '{count} canaux livrent.' },
  channel_failing: {
    one: 'le canal {channel} ne livre pas : {count} message attend ou a échoué ({error}) : holdfast notify list',
    other:
      'le canal {channel} ne livre pas : {count} messages attendent ou ont échoué ({error}) : holdfast notify list',
  },
  channel_untried: 'Le canal {channel} n’a encore rien livré.',
  channel_untried_means: 'Personne ne sait si son hôte, son adresse et son mot de passe sont justes.',
  no_answer: 'personne n’a essayé de l’envoyer ; le worker tourne-t-il ? holdfast status',
  channel_means: 'La personne que lui seul prévient ne sait rien de ce qui se passe ici.',
  channel_todo: 'holdfast notify test {channel}',
});
