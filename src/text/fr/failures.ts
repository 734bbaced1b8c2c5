import { failures as english } from '../en/failures.ts';
import { translationOf } from '../message.ts';

export const failures = translationOf(english)({
  usage: '{detail}',
  usage_hint: 'Lancez la commande avec --help pour voir ses arguments et des exemples.',
  internal: 'Erreur inattendue : {detail}',
  internal_hint: 'C’est un défaut du programme : merci de le signaler avec le fichier journal.',
  interrupted: 'Interrompu.',
  interrupted_hint: 'Relancez la même commande : elle reprend là où elle s’est arrêtée.',
  sweep_running:
    'Un balayage de {source} est en cours ; il n’a pas appris que les suppressions étaient voulues.',
  sweep_running_hint:
    'Attendez qu’il soit terminé (`holdfast sweep {source} --wait`), puis relancez la commande.',
  sweep_failed: 'Le balayage s’est arrêté avant la fin (exécution {run}).',
  sweep_failed_hint:
    'Relancez-le : ce qui est protégé le reste. Le journal du worker dit pourquoi il s’est arrêté.',
  signatures_stale:
    'Les signatures antivirus datent du {at} : trop anciennes pour que leurs verdicts comptent.',
  signatures_stale_hint:
    'Laissez freshclam joindre database.clamav.net (`holdfast doctor` en dit plus), puis relancez la commande.',
  rescan_running:
    'Une nouvelle analyse est en cours ; elle n’a pas appris qu’il s’agissait d’une source ou d’une limite.',
  rescan_running_hint:
    'Attendez qu’elle soit terminée (`holdfast rescan --wait`), puis relancez la commande.',
  rescan_failed: 'La nouvelle analyse s’est arrêtée avant la fin (exécution {run}).',
  rescan_failed_hint:
    'Relancez-la : ce qui a été analysé compte. Le journal du worker dit pourquoi elle s’est arrêtée.',
  infected_content: 'Cette version s’est révélée infectée après son stockage ({signature}).',
  infected_content_hint:
    'Prenez une version antérieure (`holdfast show` les énumère), ou ajoutez --include-infected pour l’obtenir quand même.',
  clock_skew:
    'Les horloges ne concordent pas : selon {name} il est {theirs}, selon cette machine {here}. Aucun verrou n’est changé et rien n’est supprimé avant qu’elles ne concordent.',
  clock_skew_hint:
    'Réglez celle qui est fausse sur un serveur de temps (`timedatectl set-ntp true`), puis relancez la commande. Entre-temps les fichiers restent protégés.',
  retention_not_paused: 'La rétention de {source} n’est pas suspendue.',
  retention_not_paused_hint:
    'Il n’y a rien à faire : `holdfast retention plan --source {source}` montre ce qu’elle fera.',
  retention_failed: 'La rétention de {source} s’est arrêtée avant la fin (exécution {run}).',
  retention_failed_hint:
    'Relancez-la : ce qu’elle a fait est acquis. Le journal du worker dit pourquoi elle s’est arrêtée ; `holdfast doctor` cherche les causes habituelles.',
  legal_hold_unknown: 'Aucune conservation légale du dossier {case} ne porte exactement sur ce chemin.',
  legal_hold_unknown_hint:
    '`holdfast legal-hold list` donne les chemins et les dossiers ; indiquez-les tels qu’ils sont affichés.',
  legal_hold_ambiguous: 'Plusieurs dossiers retiennent ce chemin : {cases}.',
  legal_hold_ambiguous_hint: 'Indiquez avec --case celui à lever ; les autres continuent de le retenir.',
  schedule_unknown: 'Rien de ce nom n’est planifié : {name}.',
  schedule_unknown_hint: '`holdfast schedule list` donne les noms.',
  catalog_unavailable: 'Le catalogue (Postgres) ne répond pas.',
  catalog_unavailable_hint: 'Lancez `holdfast status` ; le journal du service postgres dit pourquoi.',
  catalog_unready:
    'La base de données n’a pas les tables de ce programme, ou ne le laisse pas entrer ({code}).',
  catalog_unready_hint:
    'Le premier `holdfast up` crée les tables. Si la base a été perdue : `holdfast up --only temporal,postgres,s3`, puis `holdfast catalog rebuild`.',
  schema_unknown:
    'Le catalogue a été modifié par une autre version du programme : la migration {migration} n’est pas celle que celui-ci connaît.',
  schema_unknown_hint: 'Lancez la version du programme qui a créé le catalogue, ou une plus récente.',
  schema_behind:
    'La migration {migration} manque au catalogue : la machine qui porte la grappe a une version du programme plus ancienne que cet hôte.',
  schema_behind_hint: 'Installez-y la même version, lancez-y `holdfast up`, puis `holdfast up` ici.',
  joined_host: 'Cet hôte a rejoint une grappe et n’a pas de droits sur sa base de données.',
  joined_host_hint: 'Lancez la commande sur la machine qui porte la grappe.',
  not_listening:
    'Les autres hôtes ne peuvent pas joindre le service {service} de cette machine : `listen` n’est pas configuré.',
  not_listening_hint:
    'Indiquez une adresse de cette machine dans holdfast.yaml (`listen: { address: 10.0.0.1 }`), lancez `holdfast down` puis `up`, puis ajoutez l’hôte. docs/scale-out.md décrit chaque étape.',
  plaintext_refused:
    'Ce qui va vers {service} traverserait un réseau en clair : mots de passe, noms, et ce que l’on peut altérer en chemin.',
  plaintext_refused_hint:
    'Donnez au service un certificat et indiquez son autorité dans holdfast.yaml (`tls` ou `caFile`, une adresse https) ; `insecure: true` si autre chose chiffre la ligne.',
  join_file_invalid: 'Le fichier {file} n’est pas celui qu’a écrit `host add` : {detail}.',
  join_file_invalid_hint: 'Faites-en un nouveau avec `holdfast host add` sur la machine qui porte la grappe.',
  host_unknown: 'Aucun hôte de cette grappe ne s’appelle {host}, ou il a déjà été révoqué.',
  host_unknown_hint: '`holdfast host list` les nomme.',
  audit_conflict: 'Le journal d’audit contient déjà un autre récit de l’événement {event}.',
  audit_conflict_hint:
    'Quelqu’un ou quelque chose a modifié le journal : gardez la base telle quelle et comparez-la avec une sauvegarde plus ancienne.',
  audit_key_invalid: '{file} ne contient pas de clés publiques d’un journal d’audit.',
  audit_key_invalid_hint:
    'Indiquez le fichier qu’a écrit `holdfast audit public-key` : une clé de 43 lettres et chiffres par ligne.',
  audit_mismatch: 'Le journal d’audit n’est pas celui qui a été signé : {detail}.',
  audit_mismatch_hint:
    'Quelqu’un a modifié la base de données. Gardez-la telle quelle et lancez `holdfast audit verify` : il dit quoi et quand.',
  proof_not_anchored: 'Aucun ancrage hors de la base de données ne le couvre encore entièrement.',
  proof_not_anchored_hint:
    'Des ancrages sont écrits toutes les quelques minutes tant que le worker tourne et que le compartiment répond : réessayez dans dix minutes. `holdfast status` montre ce qui attend.',
  version_unknown: 'Le catalogue n’a pas de version {version}.',
  version_unknown_hint: 'Voyez ce qu’il y a avec `holdfast files`.',
  s3_unavailable: 'La destination {destination} ne répond pas comme elle devrait ({reason}).',
  s3_unavailable_hint:
    'Vérifiez que son service S3 fonctionne et qu’il est joignable ; le travail reprend de lui-même ensuite.',
  s3_denied: 'La destination {destination} refuse l’accès ({reason}).',
  s3_denied_hint:
    'Vérifiez les identifiants de la destination et ce que leur rôle permet dans le compartiment.',
  s3_wrong_region:
    'Le compartiment de la destination {destination} n’est pas dans la région {region} ({reason}).',
  s3_wrong_region_hint: 'Donnez à la destination la région du compartiment.',
  s3_ca_unreadable:
    'Le fichier d’autorité (CA) de la destination {destination} ne peut pas être lu ({reason}).',
  s3_ca_unreadable_hint: 'Vérifiez dans la configuration le chemin et les droits du fichier d’autorité.',
  s3_corrupt: 'Des octets ont changé en chemin vers la destination {destination} ou depuis elle ({reason}).',
  s3_corrupt_hint: 'Si cela se reproduit, vérifiez la mémoire et le réseau de cette machine.',
  bucket_missing: 'La destination {destination} n’a pas de compartiment {bucket}.',
  bucket_missing_hint: 'Vérifiez le nom du compartiment, ou laissez `holdfast up` le créer.',
  bucket_without_lock:
    'Le compartiment {bucket} de la destination {destination} n’a pas Object Lock avec gestion des versions.',
  bucket_without_lock_hint:
    'Object Lock se choisit à la création d’un compartiment : indiquez un autre compartiment.',
  object_missing: 'La destination {destination} n’a pas cette version de l’objet.',
  object_missing_hint: 'Lancez `holdfast verify` pour voir ce qui manque d’autre.',
  upload_missing: 'La destination {destination} ne connaît plus cet envoi en plusieurs parties.',
  upload_missing_hint: 'Rien à faire : l’envoi est recommencé.',
  lock_refused: 'La destination {destination} garde un verrou plus court ou plus faible que demandé.',
  lock_refused_hint:
    'Un verrou en mode GOVERNANCE ne peut pas devenir COMPLIANCE ; vérifiez aussi le droit s3:PutObjectRetention.',
  source_unavailable: 'Un dossier source ne peut pas être ouvert ({detail}).',
  source_unavailable_hint:
    'Vérifiez le chemin de la source, que son système de fichiers est monté, et que cet utilisateur peut le lire. Rien n’y compte comme supprimé entre-temps. Un dossier qui en remplace un autre pour de bon doit recevoir un nouveau nom sous `sources`.',
  out_of_handles: 'Le système ne donne plus à ce processus de fichiers ouverts ou de mémoire ({detail}).',
  out_of_handles_hint: 'Relevez la limite (`ulimit -n`) ou réduisez la concurrence dans holdfast.yaml.',
  watch_limit: 'Le noyau refuse de surveiller plus de fichiers : {sysctl} vaut {current}.',
  watch_limit_hint:
    'Relevez-le : `sysctl {sysctl}={suggested}` (à conserver dans /etc/sysctl.d). D’ici là, les balayages trouvent ce qui n’est pas surveillé.',
  temporal_unavailable: 'Temporal ne répond pas.',
  temporal_unavailable_hint: 'Lancez `holdfast status` ; le journal du service temporal dit pourquoi.',
  codec_token_exists: 'Il y a déjà un jeton valable {name}.',
  codec_token_exists_hint:
    'Prenez un autre nom, ou révoquez d’abord celui-ci : holdfast codec-server revoke {name}',
  codec_token_unknown: 'Il n’y a pas de jeton {name}.',
  codec_token_unknown_hint: '`holdfast codec-server tokens` énumère ceux qui existent.',
  run_unknown: 'Il n’y a pas d’exécution {run}.',
  run_unknown_hint: '`holdfast runs` énumère les plus récentes, avec leurs identifiants.',
  web_ui_unknown: 'L’adresse de l’interface web de Temporal n’est pas connue.',
  web_ui_unknown_hint:
    'Mettez-la dans holdfast.yaml, sous services.temporal.webUi. Les navigateurs ne laissent aucune autre page lire ce que le serveur de codec déchiffre.',
  address_taken: 'Rien ne peut écouter sur {address} : {detail}.',
  address_taken_hint:
    'Un autre programme l’occupe, ou cette machine n’a pas cette adresse. Changez codecServer dans holdfast.yaml.',
  search_attributes_missing:
    'Il manque des attributs de recherche de Holdfast dans l’espace de noms Temporal {namespace}, ou l’un d’eux est d’un autre type, et ce compte n’a pas le droit de les enregistrer.',
  search_attributes_missing_hint:
    'Demandez à un administrateur de la grappe de lancer : {command} (Temporal Cloud : les mêmes noms et types dans les réglages de l’espace de noms). Ensuite : holdfast down && holdfast up -d',
  config_missing: 'Il n’y a pas de configuration dans {file}.',
  config_missing_hint: 'Lancez d’abord `holdfast init --source nom=/chemin`.',
  compliance_mapping_invalid: '{file} n’est pas une correspondance de loi : {detail}',
  compliance_mapping_invalid_hint:
    'Corrigez la clé nommée ; docs/compliance.md montre un fichier entier, et policies/compliance contient ceux qui sont fournis.',
  config_invalid: '{file} n’est pas valable : {detail}',
  config_invalid_hint: 'Corrigez la ligne ; holdfast.example.yaml montre toutes les clés.',
  tool_missing: 'Il manque {what} : installez-le avec `{command}`.',
  tool_missing_hint: 'Installez-le, puis relancez la même commande.',
  tool_failed: '{what} n’a pas pu être préparé : {detail}',
  tool_failed_hint: 'Réparez ce que le message nomme, puis relancez la même commande.',
  platform_unsupported: 'Il n’y a pas de {what} embarqué pour cette plate-forme ({platform}).',
  platform_unsupported_hint:
    'Utilisez Debian 12 ou 13, ou Ubuntu 22.04 ou 24.04, ou déclarez le service externe dans holdfast.yaml.',
  folder_not_ours: 'Le dossier {folder} appartient à quelqu’un d’autre.',
  folder_not_ours_hint:
    'Supprimez-le, ou faites-le supprimer par son propriétaire, puis relancez la même commande.',
  folder_unusable: 'Le dossier {folder} n’est pas utilisable ({code}).',
  folder_unusable_hint:
    'Choisissez un autre emplacement (HOLDFAST_HOME désigne le dossier d’état), ou obtenez le droit sur celui-ci, puis relancez la même commande.',
  service_unhealthy: 'Le service {service} {reason}. Son journal {log} se termine par :\n{lines}',
  service_unhealthy_hint: 'Lisez le fichier journal, supprimez la cause, puis relancez la même commande.',
  already_running: 'Holdfast fonctionne déjà pour ce dossier d’état (processus {pid}).',
  already_running_hint: 'Lancez `holdfast status` pour le voir, ou `holdfast down` pour l’arrêter.',
  policy_unavailable: 'Le moteur de politique (OPA) ne donne pas de décision : {detail}.',
  policy_unavailable_hint:
    'Lancez `holdfast status` ; le journal du service opa dit pourquoi. Le travail attend et reprend de lui-même.',
  policy_invalid: 'La politique ne tient pas : {detail}.',
  policy_invalid_hint:
    'Corrigez ce qui est nommé, puis lancez `holdfast policy check`. La politique précédente reste en vigueur.',
  policy_not_taken: 'La nouvelle politique (révision {revision}) n’est pas en vigueur : {detail}.',
  policy_not_taken_hint:
    'Lancez `holdfast status`, puis de nouveau `holdfast policy apply`. La politique précédente reste en vigueur ; un OPA à vous doit charger la nouvelle : `holdfast policy bundle`.',
  scanner_unavailable: 'L’analyseur antivirus (clamd) ne peut pas être joint : {detail}.',
  scanner_unavailable_hint:
    'Lancez `holdfast status` ; le journal du service clamd dit pourquoi. Le travail attend et reprend de lui-même.',
  entry_unknown: 'Le catalogue n’a pas d’entrée {entry}.',
  entry_unknown_hint: 'Voyez ce qu’il y a avec `holdfast files`.',
  destination_unknown: 'La configuration n’a pas de destination {destination}.',
  destination_unknown_hint:
    'Ajoutez-la sous `destinations` dans holdfast.yaml, ou corrigez son nom dans la commande ou les données de politique.',
  unknown_scope: 'Il n’y a pas de clé pour la portée {scope}.',
  unknown_scope_hint:
    'Créez-la avec `holdfast key add-scope {scope}`, ou indiquez une portée existante dans les données de politique (`holdfast key list`).',
  wrong_password: 'Le mot de passe n’ouvre pas ce trousseau.',
  wrong_password_hint:
    'Vérifiez le fichier que nomme HOLDFAST_PASSWORD_FILE ; un trousseau garde le mot de passe avec lequel il a été écrit.',
  password_superseded:
    'Ce mot de passe n’ouvre qu’un trousseau plus ancien (génération {opened}) : il a été changé depuis.',
  password_superseded_hint:
    'Donnez le nouveau mot de passe ; `holdfast recover` lit encore avec l’ancien ce qui a été scellé jusque-là.',
  holder_outdated:
    'Le mot de passe de {holder} ouvre un trousseau sans les clés les plus récentes : elles ont été renouvelées depuis.',
  holder_outdated_hint:
    'Utilisez le mot de passe avec lequel elles l’ont été ; ensuite `holdfast key add-holder {holder}` donne à celui-ci les clés les plus récentes.',
  recovery_key_mistyped:
    'Cela ressemble à une clé de secours, mais ses lettres ne vont pas ensemble : une manque, est fausse ou a été intervertie.',
  recovery_key_mistyped_hint:
    'Comparez-la lettre par lettre avec le kit imprimé ; elle a neuf groupes de quatre.',
  mixed_keyrings: 'Il y a des trousseaux de plusieurs dépôts : {repositories}.',
  mixed_keyrings_hint:
    'Le kit de secours nomme le bon dépôt : mettez de côté les documents de trousseau des autres.',
  too_many_keyrings:
    'Le mot de passe n’ouvre aucun des {tried} documents racine essayés ; il y en a {count}, plus que quiconque n’en fait.',
  too_many_keyrings_hint:
    'Soit il est faux, soit quelqu’un a déposé des documents dans le compartiment : mettez de côté ceux qui ne sont pas de vous, les plus récents d’abord.',
  newer_keyring:
    'La clé {document} appartient à un trousseau plus récent que celui que ce mot de passe ouvre.',
  newer_keyring_hint: 'Donnez le mot de passe le plus récent pour lire ce qui a été scellé depuis.',
  keyring_name_taken:
    'Le document de trousseau {document} ne peut pas être publié vers {destination} : autre chose porte déjà son nom.',
  keyring_name_taken_hint:
    'Quelqu’un d’autre a écrit là. Regardez avec `holdfast key list` ; `key rotate` prend des noms libres.',
  scope_needed: 'La portée {scope} ne peut pas être détruite : le dépôt en a besoin.',
  scope_needed_hint:
    'Manifestes, dossiers et liens sont scellés sous `holdfast` et `default`. Faites donner par la politique une portée à part à ce qui doit pouvoir être détruit.',
  scope_taken: 'Il y a déjà une portée {scope}, ou il y en a eu une qui a été détruite.',
  scope_taken_hint:
    'Prenez un autre nom ; `holdfast key rotate --scope {scope}` donne une nouvelle clé à une portée existante.',
  no_shredding: 'Aucune destruction de la portée {scope} n’est en attente.',
  no_shredding_hint: 'Regardez avec `holdfast key list`. Ce qui est fait ne peut pas être repris.',
  keyring_export_invalid: 'Le fichier {file} n’est pas un trousseau exporté : {detail}.',
  keyring_export_invalid_hint: 'Indiquez un fichier qu’a écrit `holdfast key export`.',
  keyring_newer_here:
    'Le trousseau d’ici contient des documents qui manquent à l’export, comme {document} : rien n’a été changé.',
  keyring_newer_here_hint:
    'Un import ne remplace rien de plus récent. Exportez de nouveau depuis la machine dont le trousseau est le plus récent.',
  kit_not_in_bucket:
    'La clé de secours est juste, mais il manque à la destination {destination} {missing} des documents de trousseau qu’il lui faut.',
  kit_not_in_bucket_hint: 'Lancez `holdfast up`, qui les publie, puis vérifiez de nouveau.',
  holder_taken: 'Il y a déjà un détenteur {holder} dont le mot de passe ouvre le trousseau le plus récent.',
  holder_taken_hint:
    'Celui qui le détient le change avec `holdfast key change-password` ; `key remove-holder` le retire.',
  holder_unknown: 'Il n’y a pas de détenteur {holder}.',
  holder_unknown_hint: '`holdfast key list` nomme les détenteurs.',
  scope_shredding:
    'Les clés de la portée {scope} sont en cours de destruction : plus rien n’est scellé sous elle.',
  scope_shredding_hint:
    'Indiquez une autre portée dans les données de politique, ou annulez la destruction avec `holdfast key shred --cancel {scope}`.',
  empty_password: 'Le mot de passe est vide.',
  empty_password_hint: 'Mettez un mot de passe dans le fichier que nomme HOLDFAST_PASSWORD_FILE.',
  corrupted_keyring: 'Le trousseau est endommagé : {detail}.',
  corrupted_keyring_hint:
    'Lisez une version plus ancienne de l’objet du trousseau, ou celui d’une autre destination.',
  hostile_keyring:
    'Le trousseau demande {iterations} itérations du mot de passe ; seules {least} à {most} sont acceptées.',
  hostile_keyring_hint:
    'Quelqu’un a peut-être remplacé l’objet du trousseau : lisez ses versions plus anciennes, ou celui d’une autre destination.',
  unknown_key: 'Aucune clé {keyId} n’est connue.',
  unknown_key_hint: 'Elle appartient peut-être à un autre dépôt, ou sa portée a été détruite.',
  tampered: 'Les octets scellés ne sont pas ceux qui ont été écrits : {detail}.',
  tampered_hint:
    'Lisez une autre version ou une autre destination de l’objet, et cherchez ce qui l’a modifié.',
  unsupported_format: 'Les octets ont une forme que ce programme ne lit pas : {detail}.',
  unsupported_format_hint: 'Utilisez la version du programme qui les a écrits, ou une plus récente.',
  openpgp_unconfigured:
    'La politique veut ce contenu sous forme de message OpenPGP, mais aucun destinataire n’est configuré.',
  openpgp_unconfigured_hint:
    'Indiquez des clés publiques ou un fichier de phrase secrète sous `openpgp` dans la configuration, ou changez le format que la politique demande.',
  openpgp_recipient_unusable:
    'Le contenu ne peut pas être scellé pour la clé OpenPGP {recipient} : {detail}.',
  openpgp_recipient_unusable_hint:
    'Donnez une clé publique vers laquelle on peut chiffrer aujourd’hui, RSA ou ECDH : `gpg --export --armor <nom>` en écrit une.',
  openpgp_key_missing:
    'Ce contenu est un message OpenPGP, et rien de ce qui pourrait l’ouvrir n’a été donné.',
  openpgp_key_missing_hint:
    'Donnez la clé privée d’un de ses destinataires avec `--openpgp-key FILE`, ou la phrase secrète avec HOLDFAST_OPENPGP_PASSPHRASE_FILE.',
  openpgp_key_wrong:
    'La clé ou la phrase secrète OpenPGP donnée n’ouvre pas ce contenu ; il a été scellé pour : {recipients}.',
  openpgp_key_wrong_hint:
    'Utilisez la clé privée qui a un de ces identifiants (`gpg --list-secret-keys --with-subkey-fingerprint`), ou la phrase secrète.',
  openpgp_key_unreadable: 'La clé privée OpenPGP du fichier {file} n’est pas utilisable : {detail}.',
  openpgp_key_unreadable_hint:
    'Exportez-la avec `gpg --export-secret-keys --armor <nom>` ; si elle est verrouillée, HOLDFAST_OPENPGP_PASSPHRASE_FILE nomme un fichier qui contient sa phrase secrète.',
  write_only_host: 'Cet hôte ne peut qu’écrire : il n’a aucune clé qui ouvre ce qu’il protège.',
  write_only_host_hint:
    'Restaurez sur la machine d’un destinataire : `holdfast recover … --openpgp-key FILE` avec le mot de passe du dépôt, ou `holdfast restore` là-bas si elle partage le catalogue.',
  host_key_invalid: 'Le fichier {file} n’est pas le fichier de clés d’un hôte en écriture seule.',
  host_key_invalid_hint:
    'Faites-en un là où le trousseau peut être ouvert : `holdfast key export --write-only --host <nom> <fichier>`.',
  host_not_cut_off: 'La passerelle n’a pas coupé les connexions de l’hôte révoqué en {seconds} s.',
  host_not_cut_off_hint:
    'Ses droits dans Postgres et S3 sont retirés. Coupez ses connexions avec `holdfast down && holdfast up -d`, puis relancez la même commande.',
  name_too_long: 'Le chemin et les attributs du fichier ne tiennent pas dans ses métadonnées.',
  name_too_long_hint: 'Raccourcissez le chemin.',
  quarantine_unknown: 'Rien en quarantaine n’a l’identifiant ou le chemin {item}.',
  quarantine_unknown_hint: 'Voyez ce qu’il y a avec `holdfast quarantine list --all`.',
  quarantine_empty: 'Rien de {item} n’est conservé en quarantaine : état {why}.',
  quarantine_empty_hint:
    'Voyez `holdfast quarantine show {item}`. Ce qui a seulement été signalé se trouve encore dans sa source.',
  quarantine_elsewhere: 'Le contenu mis en quarantaine {item} se trouve sur l’hôte {host}.',
  quarantine_elsewhere_hint: 'Lancez la commande là-bas.',
  quarantine_unwritable:
    'Un fichier infecté n’a pas pu être mis en quarantaine : le disque du dossier d’état répond {detail}.',
  quarantine_unwritable_hint:
    'Faites de la place, puis lancez `holdfast protect` sur le fichier. Il se trouve encore dans sa source et n’a pas été envoyé.',
  disk_refuses: 'Le disque ne prend rien ({code}{where}).',
  disk_refuses_hint:
    'Faites-y de la place (ENOSPC, EDQUOT), ou voyez pourquoi il est monté en lecture seule (EROFS). `holdfast doctor --only disk` et `--only logs` le contrôlent.',
  quarantine_missing:
    'La copie scellée du contenu mis en quarantaine {id} n’est pas dans le dossier de quarantaine.',
  quarantine_missing_hint:
    'Quelqu’un l’a supprimée, ou le dossier d’état est un autre : regardez dans son sous-dossier `quarantine/`, et dans ses sauvegardes.',
  still_infected: 'Le fichier n’est pas libéré : l’analyseur trouve encore {signature}.',
  still_infected_hint:
    'Si vous êtes certain qu’il s’agit d’un faux positif : la même commande avec --even-if-infected. Le fichier sera laissé en place, mais jamais envoyé.',
  release_unscanned: 'Le fichier n’est pas libéré : l’analyseur n’a pas pu dire qu’il est sain ({reason}).',
  release_unscanned_hint:
    'Réessayez plus tard, ou voyez dans docs/malware.md ce que le motif signifie ; --even-if-infected le libère quand même.',
  release_occupied: 'Autre chose porte ce nom désormais ; rien n’a été écrasé.',
  release_occupied_hint: 'Libérez-le dans un autre dossier avec --to DIR, ou déplacez ce qui s’y trouve.',
  release_folder_gone: 'On ne peut pas écrire dans le dossier d’où il vient ({detail}).',
  release_folder_gone_hint: 'Recréez le dossier, ou libérez-le dans un autre avec --to DIR.',
  exception_unknown: 'Aucune exception n’existe pour {item}.',
  exception_unknown_hint: 'Voyez celles qui existent avec `holdfast quarantine list`.',
  hold_unknown: 'Le catalogue n’a pas de fichier en attente {hold}.',
  hold_unknown_hint: 'Voyez ce qui attend avec `holdfast hold list`.',
  hold_ended: 'L’attente {hold} est déjà terminée : état {state}.',
  hold_ended_hint: 'Rien à faire. `holdfast hold list` montre ce qui attend encore.',
  hold_not_decided: 'L’attente {hold} dure encore : {reason}.',
  hold_not_decided_hint: 'Regardez-la avec `holdfast hold show {hold}` ; le journal du worker en dit plus.',
  hold_source_changed:
    'Le fichier de l’attente {hold} n’est plus celui qui a été retenu, ou ne peut pas être lu ici : il ne peut pas être scellé de nouveau.',
  hold_source_changed_hint:
    'Son nouvel état suit son propre chemin. Rejetez cette attente : `holdfast hold reject {hold}`.',
  staging_full: 'Le dossier d’attente n’a pas de place pour ce qui devrait y être retenu.',
  staging_full_hint:
    'Décidez de ce qui attend (`holdfast hold list`), ou augmentez `staging.quota` dans holdfast.yaml. Le prochain balayage réessaie le fichier.',
  approval_invalid:
    'La signature n’est pas celle de {approver}, ou porte sur autre chose que l’attente {hold}.',
  approval_invalid_hint:
    'Signez avec la clé enregistrée pour {approver}. Cela compte comme une tentative de contourner la politique, et c’est consigné.',
  approval_expired: 'Le délai pendant lequel la signature comptait est passé.',
  approval_expired_hint:
    'Regardez de nouveau l’attente (`holdfast hold show {hold}`), puis signez à nouveau.',
  approval_outdated:
    'L’attente {hold} n’est plus ce qui a été signé : elle a été jugée ou scellée de nouveau depuis.',
  approval_outdated_hint: 'Regardez-la de nouveau (`holdfast hold show {hold}`), puis signez à nouveau.',
  approver_unknown:
    'Personne du nom de {approver} n’est enregistré comme approbateur dans les données de politique.',
  approver_unknown_hint:
    'Ajoutez à `approvers` dans les données de politique l’entrée qu’a affichée `holdfast approver keygen`, ou nommez la bonne personne avec --approver.',
  approver_not_entitled: '{approver} ne peut pas décider des fichiers de cette classification.',
  approver_not_entitled_hint:
    'Demandez à quelqu’un qui le peut, ou étendez les `classifications` de cette personne dans les données de politique.',
  approver_key_unusable: 'Le fichier {file} ne peut pas servir à signer : {detail}.',
  approver_key_unusable_hint:
    'Donnez le fichier de clé privée qu’a écrit `holdfast approver keygen`, et son mot de passe avec --key-password-file.',
  lock_mismatch:
    'La destination {destination} a stocké un objet avec un verrou plus court ou plus faible que demandé.',
  lock_mismatch_hint:
    'Cherchez dans le compartiment des règles qui changent les verrous ; la version ne compte pas comme protégée.',
  planted_object: 'La destination {destination} contient un objet étranger sous un nom à nous.',
  planted_object_hint:
    'Quelqu’un a écrit dans le compartiment : vérifiez qui le peut. Le nom est aléatoire et ne se rencontrera pas deux fois par hasard.',
  object_too_large:
    'Le fichier scellé pourrait dépasser ce que la destination {destination} peut stocker en un seul objet.',
  object_too_large_hint:
    'Divisez le fichier, ou excluez-le. La limite est `maxObjectSize` de la destination : S3 stocke au plus 5 Tio en un objet.',
  sealing_refused:
    'Ce qui a été scellé pour la destination {destination} n’est pas ce que la décision de sortie permettait.',
  sealing_refused_hint:
    'Rien n’a été achevé. Signalez-le avec le fichier journal : le scelleur et le lecteur ne sont pas d’accord, ou la politique a changé.',
  keyring_missing: 'Il n’y a pas de trousseau dans {folder}.',
  keyring_missing_hint:
    'Lancez `holdfast init` ; si le dépôt existe déjà, recopiez son dossier de clés depuis le compartiment.',
  secret_unreadable: 'Le fichier {file} ne peut pas être lu.',
  secret_unreadable_hint: 'Vérifiez son chemin et ses droits.',
  service_not_running: 'Le service {service} ne fonctionne pas.',
  service_not_running_hint: 'Démarrez-le avec `holdfast up -d`.',
  no_space: 'La cible n’a pas assez de place : {needed} octets sont à écrire, {free} sont libres.',
  no_space_hint:
    'Libérez de la place ou indiquez une autre cible, puis relancez la même commande : elle reprend là où elle s’est arrêtée.',
  target_unusable: 'Le dossier cible ne peut pas être créé ou ouvert ({reason}).',
  target_unusable_hint: 'Indiquez un dossier dans lequel cet utilisateur peut écrire.',
  target_is_link: 'Le dossier cible est un lien.',
  target_is_link_hint:
    'Indiquez le dossier auquel il mène, si c’est bien là que vous voulez restaurer : quelqu’un d’autre a pu y mettre un lien.',
  target_full: 'La cible n’a plus de place.',
  target_full_hint:
    'Libérez de la place, puis relancez la même commande : elle reprend là où elle s’est arrêtée.',
  unsafe_path:
    'Le catalogue a une entrée dont aucun système de fichiers ne pourrait porter le chemin ou la cible du lien.',
  unsafe_path_hint:
    'Le catalogue a été modifié par autre chose que ce programme ; l’entrée n’a pas été restaurée.',
  no_free_name: 'Tous les noms sous lesquels une entrée pourrait être restaurée sont pris.',
  no_free_name_hint: 'Restaurez dans un dossier vide.',
  target_changed:
    'Quelqu’un a déplacé ou remplacé des dossiers de la cible pendant qu’un fichier y était écrit.',
  target_changed_hint: 'Relancez la même commande quand plus rien d’autre n’écrit dans la cible.',
  restore_running: 'Une autre restauration de cette source dans le même dossier est en cours.',
  restore_running_hint: 'Attendez qu’elle soit terminée, ou indiquez une autre cible.',
  source_unknown: 'Il n’y a pas de source {source}.',
  source_unknown_hint: 'La configuration énumère les sources ; `holdfast files` les montre.',
  no_password: 'Aucun mot de passe n’a été donné.',
  no_password_hint:
    'Indiquez un fichier qui le contient (--password-file ou HOLDFAST_PASSWORD_FILE), ou lancez la commande sur un terminal, où il est demandé.',
  password_file_unreadable: 'Le fichier de mot de passe {file} ne peut pas être lu.',
  password_file_unreadable_hint: 'Vérifiez son chemin et ses droits.',
  password_mismatch: 'Les deux mots de passe diffèrent.',
  password_mismatch_hint: 'Relancez la commande et tapez deux fois le même.',
  weak_password: 'Ce mot de passe est trop facile à deviner : {why}',
  weak_password_hint:
    'Prenez cinq mots au hasard, ou laissez un gestionnaire de mots de passe en tirer un : qui a le compartiment peut essayer des mots de passe indéfiniment.',
  already_initialised: 'Il y a déjà une installation : {file} existe.',
  already_initialised_hint:
    'Modifiez ce fichier et lancez `holdfast up -d`, ou indiquez un autre dossier d’état dans HOLDFAST_HOME.',
  no_official_signatures:
    'Cette machine n’a pas de signatures antivirus officielles, et elles n’ont pas pu être téléchargées.',
  no_official_signatures_hint:
    'Laissez freshclam joindre database.clamav.net, ou mettez des signatures dans le dossier `signatures` du dossier d’état ; --allow-test-signatures continue sans protection.',
  not_confirmed: 'Rien n’a été fait : pas de confirmation.',
  not_confirmed_hint: 'Relancez la commande et confirmez, ou ajoutez {flag}.',
  not_running: 'Holdfast ne fonctionne pas.',
  not_running_hint: 'Démarrez-le avec `holdfast up -d`.',
  outside_sources: 'Le chemin {path} n’est dans aucune des sources.',
  outside_sources_hint: 'Indiquez un chemin situé dans une source ; `holdfast.yaml` les énumère.',
  object_unknown: 'La destination {destination} n’a pas d’objet de ce nom et de cette version.',
  object_unknown_hint:
    '`holdfast files --json` donne les noms des objets ; ne donnez --version-id que tel que `verify` ou le serveur l’affichent.',
  path_unknown: 'Le catalogue ne connaît pas ce chemin.',
  path_unknown_hint: 'Voyez ce qu’il connaît avec `holdfast files`.',
  path_not_there: 'Il n’y a rien sous ce chemin {at}.',
  path_not_there_hint:
    'Affichez le dossier au-dessus avec `holdfast ls`, ou cherchez quand il est apparu et disparu : `holdfast find <nom> --versions`.',
  path_ambiguous: '{count} noms s’affichent comme celui-ci : leurs octets ne sont pas de l’UTF-8.',
  path_ambiguous_hint: 'Restaurez le dossier qui les contient : chacun revient avec ses propres octets.',
  not_a_file: 'Ce n’est pas un fichier : {kind}.',
  not_a_file_hint:
    'Affichez un dossier avec `holdfast ls` ; dossiers et liens reviennent avec `holdfast restore`.',
  never_protected:
    'Aucune version de ce fichier n’est protégée ; le résultat de la plus récente est {outcome}.',
  never_protected_hint: 'Cherchez pourquoi avec `holdfast show`.',
  quickstart_home_taken: 'Il y a une installation à vous dans {home} : le démarrage rapide n’y touche pas.',
  quickstart_home_taken_hint:
    'Indiquez un autre dossier d’état : HOLDFAST_HOME=/un/dossier npm run quickstart',
  restore_differs:
    'Ce qui a été restauré diffère des originaux pour {count} entrées ; la première est {path} : {problem}.',
  restore_differs_hint: 'Les deux sont encore là : comparez-les, et signalez-le avec les fichiers journaux.',
  lock_not_enforced: 'Le serveur S3 n’a pas protégé une version d’objet verrouillée contre sa suppression.',
  lock_not_enforced_hint: 'Ne gardez pas de sauvegardes sur ce serveur.',
  no_repository:
    'Il n’y a pas de trousseau dans le compartiment {bucket} : sur {versions} versions d’objets aucune ne s’appelle {looked}….{seen}',
  no_repository_hint:
    'Comparez --bucket et --prefix avec le kit de secours, et vérifiez que les identifiants permettent d’y énumérer toutes les versions.',
  s3_untrusted: 'Le certificat de {destination} n’est pas reconnu, ou elle ne parle pas TLS ({reason}).',
  s3_untrusted_hint:
    'Indiquez avec --ca le fichier PEM de l’autorité qui l’a signé, ou vérifiez si l’adresse est en http ou en https.',
  source_not_found:
    'Ni manifeste ni fichier de la source {source} n’est dans le compartiment ; les sources qui y sont : {names}.',
  source_not_found_hint: 'Indiquez l’une d’elles avec --source, ou omettez l’option pour toutes.',
  work_folder_unusable: 'Le dossier des données temporaires n’est pas utilisable ({reason}).',
  work_folder_unusable_hint:
    'Indiquez un dossier qui a de la place et dans lequel cet utilisateur peut écrire : --work DIR.',
  catalog_not_empty: 'Le catalogue n’est pas vide : il connaît {entries} entrées.',
  catalog_not_empty_hint:
    'Un catalogue ne se reconstruit que là où il a été perdu. S’il faut abandonner celui-ci, retirez sa base de données et commencez avec une base vide.',
  rebuild_needs_rest: 'Le service {service} fonctionne et écrirait dans le catalogue.',
  rebuild_needs_rest_hint:
    'Lancez `holdfast down`, puis `holdfast up --only temporal,postgres,s3`, puis de nouveau la même commande.',
  rebuild_unfinished:
    'Une reconstruction du catalogue a été commencée et n’est pas terminée : rien ne peut y écrire avant.',
  rebuild_unfinished_hint:
    'Lancez `holdfast up --only temporal,postgres,s3`, puis `holdfast catalog rebuild` : elle reprend là où elle s’est arrêtée.',
  catalog_lost:
    'Le catalogue est vide, mais des manifestes de {count} sources ont été écrits d’ici : sa base de données a été perdue.',
  catalog_lost_hint:
    'Remplissez-le depuis le compartiment : `holdfast up --only temporal,postgres,s3`, puis `holdfast catalog rebuild`. Seulement si le compartiment est perdu lui aussi, supprimez {folder} pour recommencer.',
  workflows_open: '{count} workflows du catalogue perdu sont encore ouverts dans Temporal.',
  workflows_open_hint:
    'Le prochain balayage regardera de nouveau leurs fichiers : terminez-les avec --abandon.',
  incident_unknown: 'Il n’y a pas d’incident {incident} dans le registre.',
  incident_unknown_hint:
    'Affichez-les avec `holdfast incident list --all` ; les huit premiers chiffres suffisent.',
  incident_refused: 'L’état de l’incident {incident} est {state} : ce n’est plus possible.',
  incident_refused_hint: 'Voyez ce qui a été fait avec `holdfast incident show {incident}`.',
  incident_not_notified: 'L’incident {incident} n’a été notifié à personne.',
  incident_not_notified_hint:
    'Dites avec --reason pourquoi rien n’est à notifier, ou notifiez-le d’abord : `holdfast incident notify {incident} --draft`.',
  notice_without_address:
    'Il n’y a personne à qui envoyer la notification, ou pas de canal de courrier électronique pour l’envoyer.',
  notice_without_address_hint:
    'Renseignez breaches.authority.email et un canal de courrier électronique dans la configuration, ou indiquez l’adresse avec --to.',
  notification_unknown: 'Il n’y a pas de message {notification}.',
  notification_unknown_hint: 'Affichez-les avec `holdfast notify list`.',
  channel_unknown: 'Il n’y a pas de canal {channel} ; la configuration a : {names}.',
  channel_unknown_hint:
    'Indiquez l’un d’eux, ou omettez-le pour tous. docs/notifications.md dit comment en ajouter un.',
  no_channels: 'Aucun canal n’est configuré : personne n’est prévenu de rien, et il n’y a rien à essayer.',
  no_channels_hint:
    'Ajoutez-en un sous notifications.channels dans la configuration (docs/notifications.md), puis `holdfast down && holdfast up`, et recommencez.',
  notify_test_failed: '{count} canaux sur {of} n’ont pas livré.',
  notify_test_failed_hint:
    'Vérifiez l’hôte, le port, le nom et le mot de passe, et que cette machine joint le serveur ; puis recommencez.',
});
