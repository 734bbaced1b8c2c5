import { retention as english } from '../en/retention.ts';
import { translationOf } from '../message.ts';

export const retention = translationOf(english)({
  objects_held: '{count} {count|objet retenu|objets retenus}',
  hold_placed:
    'Retenu : {what}, {objects} {objects|objet maintenant|objets maintenant}. Rien n’en part avant `holdfast legal-hold release`.',
  hold_released: 'Levé : {what}. Ce qu’aucune autre conservation ne couvre suit de nouveau sa classe.',
  objects: '{count} {count|objet|objets}',
  released_by: 'levé le {at} par {actor} : {reason}',
  no_holds: 'Rien n’est sous conservation légale.',
  case: '(dossier {name})',
  as_it_was: '{path}, tel qu’au {at}',
  steps: '{count} {count|étape|étapes} de {source}',
  paused:
    'SUSPENDUE depuis le {at} : trop de choses ont changé d’un coup. Rien n’expire ni n’est supprimé.\n  L’état d’avant revient avec : {restore}\n  Si tout est normal : holdfast retention resume {source} --reason …\n  Si elle continuait, une exécution ferait ceci :',
  more: '… {count} de plus : --json les énumère tous',
  plan: '{extended} {extended|verrou est prolongé|verrous sont prolongés} ; {stays} {stays|version reste|versions restent}, {expired} {expired|expire|expirent}.',
  no_object: 'Aucun objet ne reste sans version.',
  objects_left:
    '{objects} {objects|objet|objets} ({bytes}) {objects|reste|restent} sans version : {now} {now|part maintenant|partent maintenant}, le dernier d’ici le {at}.',
  next_expiry: 'Ensuite, la prochaine version expire le {at}.',
  held: '{count} {count|version est sous conservation|versions sont sous conservation} légale (holdfast legal-hold list).',
  pinned: '{count} {count|version est retenue|versions sont retenues} par le changement massif.',
  unknown_class:
    '{count} {count|version est d’une classe que la politique ne connaît pas : elle reste|versions sont d’une classe que la politique ne connaît pas : elles restent}.',
  packs:
    'Dans {destination}, {packs} {packs|paquet garde|paquets gardent} {bytes} dont rien n’a besoin : un paquet part quand tout peut partir.',
  resumed:
    'La rétention de {source} continue à la prochaine exécution. Ce qui sera alors échu : holdfast retention plan --source {source}',
  begins: 'La rétention de {source} commence.',
  worker_at_it: 'le worker y travaille',
  ran: '{source} : {extended} {extended|verrou prolongé|verrous prolongés}, {expired} {expired|version expirée|versions expirées}, {deleted} {deleted|objet supprimé|objets supprimés} ({bytes}), {deferred} remis à plus tard ; {result}',
  is_paused: 'holdfast : {source} est suspendue : rien n’expire. Voyez `holdfast retention plan`.',
  denied:
    'holdfast : {count} {count|objet peut partir|objets peuvent partir}, mais le rôle de rétention ne peut pas {count|le|les} supprimer.\n  → Donnez-lui ops/iam/retention.json.',
  refused:
    'holdfast : {count} {count|objet n’est pas verrouillé comme il le doit|objets ne sont pas verrouillés comme ils le doivent}.\n  → Lancez `holdfast verify --all`.',
  unreachable:
    'holdfast : {count} {count|objet est dans des destinations qui n’ont|objets sont dans des destinations qui n’ont} pas répondu : la prochaine exécution s’en occupe.',
});
