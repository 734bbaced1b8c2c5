import { verify as english } from '../en/verify.ts';
import { translationOf } from '../message.ts';

export const verify = translationOf(english)({
  more_of: '… davantage de {kind} : --json énumère tout',
  progress_listed: ', {count} {count|énuméré|énumérés}',
  progress_found: ', {count} {count|pas comme il devrait|pas comme ils devraient}',
  progress: '{checked} sur {of} examinés, {bytes} lus{inventory}{found}',
  summary:
    '{checked} {checked|objet|objets} sur {live}, {manifests} {manifests|manifeste et|manifestes et} {documents} {documents|document de trousseau examinés|documents de trousseau examinés}, {read} {read|objet lu|objets lus} ({bytes}){listed} en {seconds} s : {verdict}',
  versions_listed: ', {count} {count|version énumérée|versions énumérées}',
  all_well: 'tout est comme promis.',
  mismatches:
    '{wrong} {wrong|pas comme il devrait|pas comme ils devraient}, dont {repaired} {repaired|réparé|réparés}.',
  shredded: {
    one: '{count} objet ne peut pas être lu parce que sa portée a été détruite.',
    other: '{count} objets ne peuvent pas être lus parce que leur portée a été détruite.',
  },
  away: 'La destination {name} ne répond pas : personne n’a examiné ce qui s’y trouve.',
  unreachable: 'Personne n’a examiné les objets de {name} : la configuration n’a pas cette destination.',
  nothing_yet: 'Rien n’est encore protégé.',
  never_looked: { one: '{count} n’a jamais été examiné', other: '{count} n’ont jamais été examinés' },
  looked_since: 'chacun a été examiné depuis le {at}',
  never_read: { one: '{count} n’a jamais été lu', other: '{count} n’ont jamais été lus' },
  read_since: 'chacun a été lu depuis le {at}',
  coverage: 'Sur {live} {live|objet|objets}, {looked}, {read}.',
  and_others: 'et d’autres',
  remedy_copied: 'copié depuis une autre destination',
  remedy_found: 'retrouvé sous une autre version de son nom',
  remedy_extended: 'verrou prolongé',
  remedy_upload: 'à envoyer de nouveau',
  remedy_list: 'le prochain manifeste l’énumère de nouveau',
  means_missing:
    'le compartiment n’a pas ce qui y a été stocké sous verrou. Cherchez qui l’a supprimé, ou si c’est le bon compartiment.\n  Ce qui est « à envoyer de nouveau » n’est pas protégé maintenant : lancez `holdfast protect` sur son dossier, puis de nouveau `holdfast verify`.\n  Des fichiers qui ont changé ou disparu depuis, cette version est perdue. Un document de trousseau manquant est remis par le worker : `holdfast down && holdfast up`.',
  means_tampered:
    'les octets stockés ne sont pas ceux qui ont été écrits : un disque du serveur a failli, ou quelqu’un les a modifiés.\n  Rien n’en a été rendu. Faites contrôler le serveur ; lancez `holdfast protect` sur les dossiers de ce qui est à envoyer de nouveau.',
  means_lock_mismatch:
    'quelqu’un a raccourci ou affaibli des verrous. Cherchez qui peut les contourner (s3:BypassGovernanceRetention).\n  Ce qui n’est pas « verrou prolongé » peut être supprimé trop tôt : un verrou en mode GOVERNANCE ne peut pas devenir COMPLIANCE.',
  means_unreadable:
    'aucune clé de ce trousseau ne l’ouvre. Voyez si un autre trousseau le peut : `holdfast key list`, et les copies exportées.',
  means_foreign:
    'quelqu’un d’autre a écrit sous des noms à nous. Les nôtres sont intacts dessous, et la restauration prend les nôtres. Cherchez qui peut écrire dans le compartiment.',
  means_unknown:
    'des choses dans le compartiment que ce catalogue n’y a pas mises : d’un autre programme, d’un catalogue plus ancien, ou déposées à dessein.\n  La restauration ne les prend jamais. Cherchez à qui elles sont avant d’en supprimer.',
  means_delete_marker:
    'quelqu’un a supprimé des noms à nous. Les versions verrouillées sont intactes dessous, et la restauration les prend. Cherchez qui peut supprimer dans le compartiment.',
  means_open_upload:
    'des envois en plusieurs parties que personne n’a terminés. Ils prennent de la place ; à son démarrage et chaque jour, le worker supprime ceux\n  qui ont une heure, et ceux que ce catalogue ne connaît pas quand ils ont une semaine.',
  means_leftover:
    'à nous, mais plus rien n’en dépend : ils prennent de la place jusqu’à la fin de leurs verrous. Rien à faire.',
});
