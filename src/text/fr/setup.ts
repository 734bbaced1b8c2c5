import { setup as english } from '../en/setup.ts';
import { translationOf } from '../message.ts';

export const setup = translationOf(english)({
  locked: {
    one: 'Les objets sont verrouillés en mode {mode} pendant {count} jour : ce qui est envoyé maintenant',
    other: 'Les objets sont verrouillés en mode {mode} pendant {count} jours : ce qui est envoyé maintenant',
  },
  needs_keys:
    'Le fichier a été fait pour un hôte en écriture seule : --write-only, --keys et --recipient sont nécessaires aussi.',
  other_host: 'Le fichier de clés et le fichier de `host add` sont d’hôtes différents.',
  joined: 'Cette machine est maintenant l’hôte {host} de la grappe, installé dans {home}.',
  source: 'source {name} : {path}',
  own_names: 'Un nom désigne une seule source dans tout le dépôt : donnez à chaque hôte des noms à lui.',
  delete_file: 'Supprimez le fichier de `host add` sur les deux machines : cet hôte en a sa copie.',
  next_up: 'Ensuite : holdfast up -d',
  source_takes: '--source attend nom=/chemin, et non « {given} ».',
  no_folder: 'La source {name} n’est pas un dossier : {folder}',
  locked_phrase: 'verrouillé pendant {days} {days|jour|jours}',
  compliance_question:
    'Personne ne peut lever un verrou COMPLIANCE, pas même le propriétaire du compartiment. Tapez « {typed} » pour continuer :',
  confirm_init: 'Installer Holdfast pour ces sources ? [o/N]',
  moved_1:
    'Les fichiers infectés sont SORTIS de leur source, scellés, et mis dans le dossier de quarantaine de cet hôte ;',
  moved_2: 'réglez `quarantine: copy` ou `report` pour une source qui ne doit jamais être modifiée.',
  copied:
    'Les fichiers infectés restent dans leur source ; une copie scellée est gardée dans le dossier de quarantaine de cet hôte.',
  reported: 'Les fichiers infectés restent dans leur source et sont seulement signalés.',
  set_up: 'Holdfast est installé dans {home} (configuration : {config}).',
  not_before: 'ne peut pas être supprimé avant le {at}.',
  test_signatures:
    'AVERTISSEMENT : sans signatures officielles, l’analyseur ne connaît que le fichier d’essai EICAR.',
  write_only_1:
    'Cet hôte ne peut pas lire ce qu’il protège : il faut pour cela la clé privée d’un destinataire, et le',
  write_only_2:
    'mot de passe du dépôt, sur une autre machine. Indiquez le compartiment et son service S3 dans la',
  write_only_3: 'configuration : ce doit être celui pour lequel le fichier de clés a été fait.',
  next_edit: 'Ensuite : complétez la configuration, puis holdfast up -d',
  keep_password: 'Gardez le mot de passe hors de cette machine : sans lui, rien ne peut être restauré.',
  kit_in: 'Le kit de secours est dans {file} : imprimez-le, puis supprimez le fichier.',
  key_once: 'La clé de secours n’est affichée que cette fois, et n’est conservée nulle part.',
  password_changed: 'Le mot de passe de {holder} est changé ; les services en marche l’ont déjà.',
  put_password: 'Mettez-le là où était l’ancien : le fichier de mot de passe du service, le coffre-fort.',
  older_document:
    'L’ancien document de trousseau reste dans le compartiment, verrouillé jusqu’au {until} : jusqu’à sa',
  older_opens:
    'suppression ensuite, l’ancien mot de passe ouvre tout ce qui est scellé sous les clés actuelles.',
  draw_new:
    'Si quelqu’un connaît peut-être l’ancien mot de passe, tirez de nouvelles clés pour la suite : holdfast key rotate --master',
  reading_keyring: 'Lecture du trousseau dans {name} …',
  kit_opens:
    'La clé de secours ouvre le trousseau dans {names} et toutes ses clés. Gardez le kit loin de cette machine.',
  kit_cannot_change:
    'La clé de secours ouvre le trousseau, mais ne peut pas le changer ainsi. D’abord : holdfast key change-password.',
  taking_keyring: 'Le worker et la surveillance prennent le nouveau trousseau …',
  kit_exists: 'Le fichier {file} existe ; indiquez-en un nouveau pour le kit.',
  ask_repository: 'Mot de passe du dépôt :',
  ask_new_repository: 'Nouveau mot de passe du dépôt :',
  ask_new: 'Nouveau mot de passe :',
  ask_kit: 'Clé de secours, telle qu’imprimée dans le kit :',
  ask_approver: 'Mot de passe de la clé d’approbateur :',
  once_more: 'Encore une fois :',
  too_short: 'il a moins de {least} caractères.',
  common_pattern: 'il est court et suit un modèle courant.',
  belong_together: '--write-only, --keys et --recipient vont ensemble.',
});
