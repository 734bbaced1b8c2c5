import { restore as english } from '../en/restore.ts';
import { translationOf } from '../message.ts';

export const restore = translationOf(english)({
  new: 'nouveaux',
  replaced: 'remplacés',
  failed: 'en échec',
  object_versions: { one: '{count} version d’objet', other: '{count} versions d’objets' },
  manifests: { one: '{count} manifeste', other: '{count} manifestes' },
  delete_markers: { one: '{count} marque de suppression', other: '{count} marques de suppression' },
  versions: { one: '{count} version', other: '{count} versions' },
  objects: { one: '{count} objet', other: '{count} objets' },
  entries: { one: '{count} entrée', other: '{count} entrées' },
  openpgp_messages: { one: '{count} message OpenPGP', other: '{count} messages OpenPGP' },
  adopted: {
    one: '{count} fichier scellé qu’aucun manifeste n’énumère a été repris d’après ce qu’il dit de lui-même ; on ne sait pas s’il a été analysé.',
    other:
      '{count} fichiers scellés qu’aucun manifeste n’énumère ont été repris d’après ce qu’ils disent d’eux-mêmes ; on ne sait pas s’ils ont été analysés.',
  },
  one_entry: '--version prend une seule entrée : nommez-la par <source>:<chemin>.',
  at_or_version: 'Donnez --at ou --version, pas les deux.',
  summary: {
    one: '{count} entrée de {source} {done} vers {to} : {counts} ; {bytes} en {time}',
    other: '{count} entrées de {source} {done} vers {to} : {counts} ; {bytes} en {time}',
  },
  would_be: 'à restaurer',
  done: 'traitées',
  metadata: 'Métadonnées qui n’ont pas pu être rétablies, alors que le contenu est entier : {each}',
  left: ', encore {time}',
  progress: '{entries} {entries|entrée|entrées} sur {of}, {bytes} sur {all}, {rate}/s{left}',
  already_there: 'déjà là',
  other_name: 'sous un autre nom',
  kept: 'laissés tels quels',
  left_out: 'écartés parce qu’infectés',
  never_protected: 'jamais protégés',
  earlier: 'd’une version antérieure',
  earlier_version: '(une version antérieure : la plus récente est {newest})',
  minutes: '{minutes} min {seconds} s',
  phase_list: 'énumération des versions d’objets',
  phase_keyring: 'lecture du trousseau',
  phase_manifests: 'lecture des manifestes',
  phase_packs: 'examen des paquets',
  phase_adopt: 'examen des objets qu’aucun manifeste n’énumère',
  phase_locate: 'recherche d’objets sous d’autres identifiants de version',
  of_total: 'sur {total}',
  repository: 'Dépôt {id}, ouvert avec le mot de passe de {holder} (trousseau {opened} sur {newest}).',
  read: '{versions} énumérées, {manifests} lus ; {markers} sans effet.',
  key_absent:
    'illisible : la clé {key} manque : elle couvre {rows} dans les manifestes et {objects} qu’aucun manifeste n’énumère. Si sa portée a été détruite, c’en est l’effet.',
  forked:
    'AVERTISSEMENT : les manifestes de {source} ne sont pas ceux dont on sait qu’ils ont été écrits. Quelqu’un les a remplacés, ou une autre machine a écrit dans ce compartiment après la perte de son catalogue.',
  older_state:
    'AVERTISSEMENT : le compartiment contient UN ÉTAT PLUS ANCIEN de {source} que celui qui est connu : son manifeste le plus récent {head}. Des manifestes plus récents ont été retenus ou supprimés. Ce qui est là est restauré ; les fichiers protégés ensuite sont repris d’après leurs propres métadonnées.',
  head_gone: 'a disparu',
  head_is: 'porte le numéro {number}',
  no_manifest: '{source} : aucun manifeste n’est là{by_id} ; {entries}.',
  by_its_id: ', la source est donc désignée par son identifiant',
  head: '{source} : {entries} ; son manifeste le plus récent est le numéro {number} du {at}. Doublons, changements de nom, dossiers, liens et suppressions de la minute suivante peuvent manquer.',
  messages:
    '{messages} qu’aucun manifeste n’énumère : rien ne dit où est leur place. gpg --decrypt les ouvre.',
  keyring_documents: 'documents de trousseau',
  manifests_refused: 'manifestes',
  sealed_files: 'fichiers scellés',
  manifest_rows: 'lignes de manifestes',
  under_names: '{count} sous des noms de {what}',
  passed_over:
    'Laissés de côté, parce qu’ils ne sont pas authentiquement ce que leurs noms annoncent : {each}.',
  manifests_missing:
    '{source} : les manifestes entre les numéros {after} et {before} manquent, et aucun point de contrôle complet ne suit : ce qu’eux seuls énuméraient n’est connu, au mieux, que par les fichiers eux-mêmes.',
  newest_lost:
    '{source} : la version la plus récente de {entries} a perdu son objet ; une version antérieure est donnée à la place.',
  all_lost: '{source} : aucun objet de {entries} n’est plus là.',
  recording: 'inscription de {what} : {done} sur {of}',
  knows_again:
    'Le catalogue connaît de nouveau {entries} {entries|entrée|entrées}, avec {versions} {versions|version|versions} et {objects} {objects|objet|objets}.',
  next_down_up:
    'Ensuite : holdfast down, puis holdfast up -d. Les fichiers modifiés depuis sont trouvés et protégés.',
  ask_rebuild: 'Remplir le catalogue vide avec cela ? Tapez rebuild :',
});
