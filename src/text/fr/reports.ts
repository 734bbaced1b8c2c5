import { reports as english } from '../en/reports.ts';
import { translationOf } from '../message.ts';

export const reports = translationOf(english)({
  period_reversed: '--from est postérieur à --to.',
  no_mapping: 'Il n’y a pas de correspondance « {law} » ; il y a : {known}.',
  no_query: 'Il n’y a pas de requête « {name} » : `holdfast report query` les liste.',
  no_period: 'Donnez la période : --from, et --to si elle est terminée.',
  none_run: 'Aucun fichier n’a eu son résultat dans cette exécution.',
  none_failures: 'Rien n’a échoué.',
  none_missing: 'Le disque et les compartiments ont tout ce que le catalogue connaît.',
  none_unprotected: 'Tout ce qui existe est protégé.',
  none_holds: 'Rien n’attend de décision.',
  none_quarantine: 'Rien d’infecté n’a été trouvé.',
  run_id: 'Donnez l’identifiant d’une exécution avec `report run`, et seulement là.',
  not_looked: 'Personne n’a examiné {name} : pas de réponse.',
  lines: { one: '{count} ligne', other: '{count} lignes' },
  no_source: 'Aucune source n’a encore été examinée.',
  holds: '{destination} contient {bytes} en {objects} {objects|objet|objets}{locked}.',
  source:
    '{source} : {files} {files|fichier|fichiers}, {versions} {versions|version|versions}, {bytes} en tout',
  nothing_stored: 'Rien n’est stocké.',
  placed: '{destination} : {bytes} pour {versions} {versions|version|versions}{locked}',
  shared:
    '{shared} partagent ce qui est déjà stocké, ce qui épargne {saved} ; {packed} sont dans des paquets',
  older: '{bytes} ne servent qu’à des états antérieurs : `holdfast retention plan` dit quand ils partent',
  unneeded:
    'plus rien n’a besoin de {bytes} : {freed} partent à la prochaine rétention, le reste à la fin des verrous',
  locked_until: 'verrouillé jusqu’à',
  locked_latest: ', verrouillé au plus tard jusqu’au {until}',
});
