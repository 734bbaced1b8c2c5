import { hosts as english } from '../en/hosts.ts';
import { translationOf } from '../message.ts';

export const hosts = translationOf(english)({
  no_name:
    '« {given} » n’est pas un nom : lettres sans accent, chiffres, point, tiret, tiret bas ; 63 au plus.',
  file_exists: 'Le fichier {file} existe ; indiquez-en un nouveau.',
  host_taken: 'L’hôte {name} est déjà dans cette grappe.',
  would_add:
    'Admettrait {name} : un rôle de base de données, un certificat et des clés S3 à lui, écrits dans {file}.',
  may_join: 'L’hôte {name} peut entrer. Ce qu’il lui faut est dans {file} (lisible par vous seul).',
  carry_file:
    'Portez-y le fichier par une voie sûre (scp), puis sur cette machine, avec la même version de Holdfast :',
  delete_file:
    'et supprimez le fichier sur les deux machines. Le mot de passe n’y est pas : `init` le demande.',
  credentials_takes: '--credentials attend destination=fichier, et non « {given} ».',
  none_yet: 'Aucun hôte ne s’est encore annoncé : le premier `holdfast up` le fait.',
  this_one: '(celui-ci)',
  group: 'groupe {name}',
  warning: 'AVERTISSEMENT : {text}',
  revoked_at: 'révoqué le {at}',
  never_seen: 'ajouté le {at}, jamais vu',
  last_seen: 'vu pour la dernière fois le {at}',
  runs_cluster: 'C’est l’hôte qui porte la grappe : il ne peut pas être révoqué.',
  would_revoke: 'Retirerait à {name} tout ce qui lui permet d’écrire. {consequences}',
  nothing_changed: 'Rien n’a été changé. Pour le faire : la même commande avec --yes',
  revoked: 'L’hôte {name} ne peut plus rien écrire. {consequences}',
  orphaned: 'Plus personne ne protège alors ces sources ; ce qui en est stocké reste : {names}.',
  others_go_on: 'D’autres hôtes continuent avec : {names}.',
  delete_s3_user:
    'Supprimez aussi l’utilisateur S3 de {name} chez son fournisseur : cela ne peut pas se faire d’ici.',
  wrong_hands:
    'S’il est tombé entre de mauvaises mains : il avait le trousseau, et qui connaît le mot de passe lit ce qui a été stocké jusqu’ici.',
  then_change:
    'Changez alors le mot de passe (holdfast key change-password) et tirez de nouvelles clés (holdfast key rotate --master --payload).',
  held_back:
    'Ce qu’il retenait pour approbation est dans son propre dossier d’attente : `holdfast hold list`, puis `holdfast hold reseal`',
  on_host_with_files: 'sur un hôte qui a les fichiers.',
});
