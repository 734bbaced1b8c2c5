import { copies as english } from '../en/copies.ts';
import { translationOf } from '../message.ts';

export const copies = translationOf(english)({
  two_different: 'Nommez deux destinations différentes.',
  would_copy:
    '{versions} {versions|version|versions} ({bytes}) et {manifests} {manifests|manifeste seraient copiés|manifestes seraient copiés} de {from} vers {to}. Rien n’a été fait.',
  being_copied:
    '{versions} {versions|version|versions} ({bytes}) {versions|est|sont} en cours de copie vers {to}. Pour voir où cela en est : holdfast status',
  planned: '{count} {count|copie prévue|copies prévues} sur {of}',
  no_worker: 'Le worker ne fonctionne pas : rien n’est copié avant `holdfast up -d`.',
  left: ', encore {seconds} s environ',
  to_copy:
    '{versions} {versions|version|versions} ({bytes}) et {manifests} {manifests|manifeste à copier|manifestes à copier}, {rate}/s{left}',
  copied:
    '{copied} {copied|version a maintenant une copie|versions ont maintenant une copie} dans {to}, {denied} {denied|a été refusée par la politique|ont été refusées par la politique}, {failed} {failed|n’a pas pu être copiée|n’ont pas pu être copiées}.',
  which_ones: 'Lesquelles : holdfast files --json, `placements` avec l’état denied.',
  tried_again:
    'Ce qui n’a pas pu être copié est réessayé ; la raison est dans le journal du worker, et dans : holdfast verify',
  under_way: 'Une nouvelle analyse est déjà en cours.',
  started: 'Une nouvelle analyse a commencé.',
  waiting: 'holdfast : {sentence} Attente.',
  nothing_due:
    'Rien n’est à analyser : les signatures en vigueur ({set}, {day}) ont jugé tout ce qui est stocké, ou n’en savent pas plus.',
  due: '{contents} {contents|contenu|contenus} ({bytes}) {contents|est|sont} à analyser avec les signatures en vigueur ({set}, {day}).',
  progress:
    '{count} {count|contenu analysé|contenus analysés} ({bytes}), {infected} {infected|infecté|infectés}',
  recipients:
    'holdfast : {count} {count|contenu est scellé|contenus sont scellés} pour des destinataires en messages OpenPGP : aucun hôte ne peut {count|l’ouvrir et l’analyser|les ouvrir et les analyser} de nouveau.',
  rescanned:
    '{count} {count|contenu analysé de nouveau|contenus analysés de nouveau} ({bytes}) : {clean} {clean|sain|sains}, {infected} {infected|infecté|infectés}, {not_scanned} sans verdict, {unreadable} {unreadable|illisible|illisibles} ; {result}',
  infected_stored:
    'holdfast : du contenu stocké est infecté d’après ce que l’on sait maintenant. Rien n’a été supprimé ; la restauration l’écarte.\n  → holdfast files --infected énumère ses fichiers. Leurs originaux passent par la quarantaine au prochain balayage.',
  unreadable_stored:
    'holdfast : du contenu n’a pas pu être relu.\n  → holdfast verify --all --read-data dit ce qui ne va pas, et quoi faire.',
});
