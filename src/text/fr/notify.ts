import { notify as english } from '../en/notify.ts';
import { translationOf } from '../message.ts';

export const notify = translationOf(english)({
  no_channels:
    'Personne n’est prévenu de rien : il n’y a aucun canal sous notifications dans la configuration.',
  no_channels_means:
    'Logiciels malveillants, fichiers en échec ou balayages manquants passent inaperçus jusqu’à ce que quelqu’un lance holdfast status.',
  no_channels_todo: 'Ajoutez un canal (docs/notifications.md), puis holdfast notify test.',
  none: 'Aucun message n’a été envoyé, n’attend ou n’a échoué.',
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
