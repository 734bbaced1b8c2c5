import { keys as english } from '../en/keys.ts';
import { translationOf } from '../message.ts';

export const keys = translationOf(english)({
  scope_name: 'Une portée se nomme avec 1 à 255 octets de texte.',
  scope_added:
    'La portée {scope} a une clé. Nommez-la dans les données de politique (`scope` d’une classification) pour l’utiliser.',
  holder_name: 'Un détenteur se nomme avec a-z, 0-9, point, tiret bas et tiret ; 64 au plus.',
  holder_opens: '{holder} ouvre désormais le trousseau avec son propre mot de passe.',
  add_again: 'Après `key rotate --master` ou `--payload`, il faut l’ajouter de nouveau.',
  kit_in: 'Le kit de secours est dans {file} : imprimez-le, puis supprimez le fichier.',
  burn_older:
    'Brûlez l’ancien kit : sa clé ouvre encore ce qui a été scellé jusqu’ici, jusqu’à la fin du verrou de son document.',
  owner_stays:
    'Le propriétaire, et celui dont le mot de passe a ouvert le trousseau, restent. Changez plutôt le mot de passe.',
  has_seen:
    '{holder} a vu les clés actuelles : sa copie dans le compartiment s’ouvre jusqu’à la fin de son verrou et sa suppression.',
  cannot_open: 'Ce qui est scellé après `holdfast key rotate --master` ne lui est pas accessible.',
  ask_remove: 'Retirer le détenteur {holder} ? Tapez son nom pour continuer :',
  removed: '{holder} est retiré ; les documents sont supprimés du compartiment à la fin de leurs verrous.',
  file_exists: 'Le fichier {file} existe ; indiquez-en un nouveau.',
  host_key:
    'Le fichier de clés de {name} est dans {file} (lisible par vous seul). Portez-le sur cet hôte, et nulle part ailleurs :',
  host_key_1:
    'Il nomme des objets et signe des manifestes ; il n’ouvre rien. Sa clé publique va dans le compartiment quand cette',
  host_key_2:
    'installation fonctionne : démarrez-la une fois avant de récupérer quoi que ce soit de ce que cet hôte écrit.',
  head_document: 'DOCUMENT',
  head_of: 'DE',
  head_number: 'N°',
  head_locked: 'VERROUILLÉ JUSQU’AU',
  replaced: 'remplacé, à supprimer à la fin de son verrou : {name}',
  unknown_document:
    'AVERTISSEMENT : {destination} contient {name}, que cette machine ne connaît pas : d’une autre machine, ou déposé à dessein.',
  shredded: 'détruite : {scope}',
  being_shredded: 'en cours de destruction : {scope}, en attente jusqu’au {at}',
  exported: 'exporté le {at} par {actor}',
  kit_unverified: 'AVERTISSEMENT : le kit de secours n’a jamais été vérifié : holdfast key verify-kit',
  missing: 'MANQUE',
  not_locked: 'PAS VERROUILLÉ',
  lacks_newest: 'n’a pas les clés les plus récentes',
  would_get: 'Recevraient',
  got: 'Ont reçu',
  new_keys: '{verb} une nouvelle clé : {scopes}.',
  new_master: '{verb} une nouvelle clé maîtresse.',
  new_payload: '{verb} une nouvelle clé pour ce qui passe par Temporal.',
  still_readable: 'Ce qui a été scellé avant reste lisible avec les anciennes clés, qui sont conservées.',
  holder_cannot:
    'AVERTISSEMENT : {holder} ne peut pas ouvrir ce qui est scellé désormais : holdfast key add-holder {holder}',
  name_scope: 'Nommez la portée, ou donnez --run-due.',
  type_words: 'Tapez « {words} » pour continuer :',
  pending_until:
    'En cours de destruction : en attente jusqu’au {at}. D’ici là, cela peut être annulé : holdfast key shred --cancel {scope}',
  nothing_done: 'Rien n’a été fait. Pour le faire : holdfast key shred {scope} --confirm "{words}"',
  shreds: 'Détruire la portée {scope} ({count} {what}) rend illisible, pour toujours :',
  one_key: 'clé',
  many_keys: 'clés',
  shreds_nothing: 'rien : aucun fichier n’est scellé sous elle.',
  share: '{source} : {files} {files|fichier|fichiers} en {versions} {versions|version|versions}, {bytes}',
  still_in_source: '{count} des fichiers sont encore dans la source : eux et leurs noms y restent.',
  when: 'Quand : le dernier verrou d’une clé prend fin le {at} ; les clés sont alors supprimées, partout.',
  until_then: 'D’ici là, plus rien n’est scellé sous cette portée, et cela peut être annulé.',
  cannot_reach: 'Ce qui reste hors d’atteinte :',
  copy_made: 'une copie du trousseau ({kind}) que {actor} a faite le {at}',
  state_copies: 'des copies du dossier d’état : autres machines, sauvegardes de celle-ci',
  audit_keeps:
    'le journal d’audit : il garde l’empreinte de chaque contenu (jamais un nom), parce que c’est une chaîne',
  passwords_alone:
    'Mots de passe et kits de secours seuls n’en ouvrent rien une fois les clés supprimées ; avec une telle copie, si.',
  policy_names:
    'AVERTISSEMENT : la politique la nomme encore ({policies}) : ces fichiers échoueront avec scope_shredding.',
  scope_kept: 'La portée {scope} est conservée ; ses verrous sont renouvelés.',
  retired: 'Documents remplacés : {deleted} {deleted|supprimé|supprimés}, {locked} encore verrouillés.',
  scope_state: '{scope} : {state} ({deleted} {deleted|supprimé|supprimés}).',
  state_shredded: 'détruite',
  state_pending: 'en attente, {locked} encore verrouillés',
  may_not_delete:
    'AVERTISSEMENT : ces identifiants ne permettent pas de supprimer : lancez ceci avec ceux du rôle de rétention.',
  export_warning_1:
    'La destruction d’une portée ne peut pas atteindre ce fichier : qui l’a, avec un mot de passe qui l’ouvre aujourd’hui, lit ce que',
  export_warning_2: 'les clés d’aujourd’hui scellent, pour toujours. Il est consigné qu’il a été fait.',
  type_export: 'Tapez « export » pour continuer :',
  exported_to: '{count} {count|document est dans|documents sont dans} {file} (lisible par vous seul).',
  other_repository: 'il est du dépôt {theirs}, ici c’est {ours}',
  imported: 'Le trousseau est dans {home} : {scopes} {scopes|portée|portées}, ouvert par {holder}.',
  unreadable: 'il ne peut pas être lu',
  write_only_and_host: '--write-only et --host vont ensemble.',
});
