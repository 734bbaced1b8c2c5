import { retention as english } from '../en/retention.ts';
import { translationOf } from '../message.ts';

export const retention = translationOf(english)({
  objects_held: '{count} objets retenus',
  hold_placed:
    'Retenu : {what}, {objects} objets maintenant. Rien n’en part avant `holdfast legal-hold release`.',
  hold_released: 'Levé : {what}. Ce qu’aucune autre conservation ne couvre suit de nouveau sa classe.',
  objects: '{count} objets',
  released_by: 'levé le {at} par {actor} : {reason}',
  no_holds: 'Rien n’est sous conservation légale.',
  case: '(dossier {name})',
  as_it_was: '{path}, tel qu’au {at}',
  steps: '{count} étapes de {source}',
  paused:
    'SUSPENDUE depuis le {at} : trop de choses ont changé d’un coup. Rien n’expire ni n’est supprimé.\n  L’état d’avant revient avec : {restore}\n  Si tout est normal : holdfast retention resume {source} --reason …\n  Si elle continuait, une exécution ferait ceci :',
  more: '… {count} de plus : --json les énumère tous',
  plan: '{extended} verrous sont prolongés ; {stays} versions restent, {expired} expirent.',
  no_object: 'Aucun objet ne reste sans version.',
  objects_left:
    '{objects} objets ({bytes}) restent sans version : {now} partent maintenant, le dernier d’ici le {at}.',
  next_expiry: 'Ensuite, la prochaine version expire le {at}.',
  held: '{count} versions sont sous conservation légale (holdfast legal-hold list).',
  pinned: '{count} versions sont retenues par le changement massif.',
  unknown_class: '{count} versions sont d’une classe que la politique ne connaît pas : elles restent.',
  packs:
    'Dans {destination}, {packs} paquets gardent {bytes} dont rien n’a besoin : un paquet part quand tout peut partir.',
  resumed:
    'La rétention de {source} continue à la prochaine exécution. Ce qui sera alors échu : holdfast retention plan --source {source}',
  begins: 'La rétention de {source} commence.',
  worker_at_it: 'le worker y travaille',
  ran: '{source} : {extended} verrous prolongés, {expired} versions expirées, {deleted} objets supprimés ({bytes}), {deferred} remis à plus tard ; {result}',
  is_paused: 'holdfast : {source} est suspendue : rien n’expire. Voyez `holdfast retention plan`.',
  denied:
    'holdfast : {count} objets peuvent partir, mais le rôle de rétention ne peut pas les supprimer.\n  → Donnez-lui ops/iam/retention.json.',
  refused:
    'holdfast : {count} objets ne sont pas verrouillés comme ils le doivent.\n  → Lancez `holdfast verify --all`.',
  unreachable:
    'holdfast : {count} objets sont dans des destinations qui n’ont pas répondu : la prochaine exécution s’en occupe.',
});
