import { incidents as english } from '../en/incidents.ts';
import { translationOf } from '../message.ts';

export const incidents = translationOf(english)({
  infection: 'logiciel malveillant dans un dossier protégé',
  infection_means:
    'Un fichier contient un logiciel malveillant. Il n’a pas été envoyé ; il a été traité comme sa source le demande (déplacé en quarantaine, copié, ou seulement signalé).',
  infection_todo:
    'Cherchez comment il est arrivé et quels ordinateurs l’ont ouvert : holdfast quarantine list. Débranchez ces ordinateurs du réseau jusqu’à leur nettoyage.',
  late_detection: 'logiciel malveillant dans ce qui est déjà stocké',
  late_detection_means:
    'Des signatures plus récentes trouvent un logiciel malveillant dans un contenu stocké comme sain. Il reste verrouillé dans le stockage ; les restaurations le laissent de côté.',
  late_detection_todo:
    'Voyez quels fichiers le contiennent : holdfast files --infected. Cherchez les mêmes fichiers sur les ordinateurs qui les ont restaurés ou ouverts.',
  tampering: 'des données stockées sont perdues ou ont été modifiées',
  tampering_means:
    'Un objet du stockage a disparu, ou contient d’autres octets que ceux qui ont été écrits. Ce qui pouvait être réparé l’a été.',
  tampering_todo:
    'Lancez holdfast verify --all, puis demandez qui a des droits sur le stockage, et changez leurs clés. Les fichiers qui ont perdu leur copie sont renvoyés au prochain balayage.',
  lock_mismatch: 'un verrou est plus court ou plus faible que promis',
  lock_mismatch_means: 'Un objet pourrait être supprimé avant terme. Ses octets sont encore les bons.',
  lock_mismatch_todo:
    'Lancez holdfast verify --all : la commande prolonge les verrous là où elle le peut. Demandez qui a des droits sur le stockage.',
  audit_mismatch: 'le journal d’audit n’est plus tel qu’il a été signé',
  audit_mismatch_means:
    'Quelqu’un a modifié, retiré ou ajouté des traces de ce qui s’est passé, ou une tête signée du journal.',
  audit_mismatch_todo:
    'Lancez holdfast audit verify et gardez ce qui s’affiche. Changez les mots de passe de la base de données, et gardez ses fichiers pour l’enquête.',
  planted_object: 'quelque chose dans le stockage ne vient pas de nous',
  planted_object_means:
    'Quelqu’un qui peut écrire dans le stockage y a mis un objet, ou a caché un des nôtres. Les restaurations ne le lisent jamais.',
  planted_object_todo:
    'Lancez holdfast verify --inventory pour le voir. Demandez qui a des droits sur le stockage, et changez leurs clés.',
  unauthorised_access: 'tentatives d’accès répétées',
  unauthorised_access_means:
    'Quelqu’un a essayé plusieurs mots de passe, clés ou identifiants faux en peu de temps. Aucun n’a rien ouvert.',
  unauthorised_access_todo:
    'Demandez aux personnes qui ont un compte sur cette machine. Si personne ne sait, changez les mots de passe de la machine, puis holdfast key change-password.',
  policy_bypass: 'tentative de contourner la politique',
  policy_bypass_means:
    'Quelqu’un a présenté une approbation qui n’est pas signée par la personne qu’elle nomme, ou a rendu un logiciel malveillant contre les règles. Rien n’est sorti du site par ce moyen.',
  policy_bypass_todo: 'Voyez qui c’était : holdfast incident show {id}. Parlez aux approbateurs nommés.',
  mass_change: 'très nombreux fichiers modifiés ou disparus d’un coup',
  mass_change_means:
    'Un rançongiciel se voit ainsi, ou un dossier qu’on a déplacé. En attendant, rien de la source n’expire, et l’état d’avant reste verrouillé.',
  mass_change_todo:
    'Regardez d’abord le dossier. Si c’est une attaque : débranchez les ordinateurs, puis restaurez l’état d’avant (holdfast restore --at). Si c’était voulu : holdfast retention resume.',
  other: 'incident déclaré à la main',
  other_means: 'Quelqu’un l’a inscrit au registre ; les détails s’y trouvent.',
  other_todo: 'Lisez-le : holdfast incident show {id}.',

  open: 'ouvert',
  acknowledged: 'pris en compte',
  notified: 'notifié',
  closed: 'clos',

  none: 'Aucun incident n’est ouvert. Avec --all, ceux qui sont clos sont listés aussi.',
  listed: { one: '{count} incident', other: '{count} incidents' },
  due: 'dans {span}',
  overdue: 'EN RETARD de {span}',
  clock_stopped: '-',

  label_incident: 'incident',
  label_what: 'quoi',
  label_means: 'ce que cela veut dire',
  label_todo: 'que faire',
  label_state: 'état',
  label_detected: 'détecté',
  label_deadline: 'à notifier avant',
  label_source: 'source',
  label_file: 'fichier',
  label_about: 'au sujet de',
  label_detail: 'détails',
  label_facts: 'faits',
  label_opened_by: 'inscrit par',
  label_acknowledged: 'pris en compte',
  label_notified: 'notifié',
  label_closed: 'clos',
  label_messages: 'messages',
  by: '{time} par {who}',
  notified_to: '{time} à {to}, par {means} ({who})',
  closed_because: '{time} par {who} : {reason}',

  opened: 'L’incident {id} est ouvert. Il doit être notifié avant le {deadline}.',
  is_acknowledged:
    'L’incident {id} est pris en compte. Son délai court toujours : il doit être notifié avant le {deadline}.',
  is_notified: 'L’incident {id} est inscrit comme notifié à {to}. Fermez-le quand il est traité.',
  is_closed: 'L’incident {id} est clos.',
  notice_sent: 'La notification a été envoyée à {to} et l’incident {id} est inscrit comme notifié.',
  notice_waits:
    'La notification à {to} attend d’être envoyée : holdfast notify list la montre. L’incident compte comme notifié une fois qu’elle est partie.',
  draft_hint:
    'Ceci est un brouillon : rien n’a été envoyé ni inscrit. Vérifiez-le, puis envoyez-le vous-même et inscrivez-le (holdfast incident notify {id} --to QUI --by letter), ou faites-le envoyer (--send).',

  warning_open: {
    one: '{count} incident n’est pas encore notifié, échéance {deadline} : holdfast incident list',
    other:
      '{count} incidents ne sont pas encore notifiés, première échéance {deadline} : holdfast incident list',
  },
  warning_overdue: {
    one: '{count} incident devait être notifié avant le {deadline} et ne l’est pas : holdfast incident list',
    other:
      '{count} incidents devaient être notifiés et ne le sont pas, le plus ancien avant le {deadline} : holdfast incident list',
  },
  warning_unwatched: {
    one: 'le délai de {count} incident n’est suivi par personne : le worker tourne-t-il ? holdfast status',
    other: 'le délai de {count} incidents n’est suivi par personne : le worker tourne-t-il ? holdfast status',
  },
  register_clear: 'Rien dans le registre des violations n’attend d’être notifié.',
  doctor_means:
    'La loi fixe un délai pour prévenir l’autorité et les personnes concernées ; il court depuis la détection.',
  doctor_todo: 'holdfast incident show <id> ; puis holdfast incident notify, ou la clôture avec un motif',
  draft_or_send: '--draft et --send se contredisent.',
  draft_send_or_to: 'Donnez --draft, --send, ou --to avec --by.',
  at_before: '--at est antérieur à la détection de l’incident.',
  not_blank: 'elle ne doit pas être vide.',
  not_an_address: '« {to} » n’est pas une adresse électronique ; --send en demande une.',
  sender_unknown:
    'Une notification envoyée doit dire qui l’envoie : réglez breaches.organisation et breaches.contact dans la configuration, puis `holdfast down && holdfast up`.',
  by_mail: 'courriel',
  by_letter: 'lettre',
  by_phone: 'téléphone',
  by_portal: 'téléservice',
  'by_in-person': 'échange de vive voix',
  detected_future: '--detected est dans le futur.',
});
