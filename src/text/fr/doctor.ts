import { doctor as english } from '../en/doctor.ts';
import { translationOf } from '../message.ts';

export const doctor = translationOf(english)({
  state_ok: 'ok',
  state_warning: 'ATTENTION',
  state_problem: 'PROBLÈME',
  behind: 'en retard sur',
  unsafe: { one: 'Dans Postgres, {names} est désactivé.', other: 'Dans Postgres, {names} sont désactivés.' },
  audit_begins:
    'Il commence à la tête {head} : le catalogue a été reconstruit le {day}, et ce qui avait été consigné avant est perdu.',
  audit_well: 'Le journal d’audit est signé et ancré.{since}',
  audit_means:
    'Ce qui s’est passé depuis pourrait être modifié par qui possède la base de données, et personne ne le verrait.',
  audit_todo: 'docs/audit.md dit quoi faire.',
  bucket_lacks: 'Le compartiment de {name} n’a {what}.',
  no_lock: 'pas Object Lock',
  no_versioning: 'pas de gestion des versions',
  bucket_lacks_means: 'Qui a les identifiants peut supprimer ou remplacer ce qui s’y trouve.',
  bucket_lacks_todo:
    'Créez un nouveau compartiment avec Object Lock ; on ne peut s’y fier s’il n’y était pas dès le début (docs/deploy-aws.md).',
  default_lock: 'Le compartiment de {name} verrouille pour {days} jours ce qui ne demande pas de verrou.',
  default_lock_means:
    'Holdfast demande ses propres verrous ; la valeur par défaut ne verrouille que ce que quelqu’un d’autre y écrit, à vos frais.',
  default_lock_todo: 'Retirez la rétention par défaut du compartiment.',
  cleartext: 'Les requêtes vers {name} traversent le réseau sans chiffrement.',
  cleartext_means:
    'Le contenu est scellé, mais qui écoute voit les noms, les tailles et l’heure de ce qui est stocké, et peut le couper.',
  cleartext_todo: 'Donnez l’adresse en https:// dans holdfast.yaml.',
  bucket_empty: 'Le compartiment de {name} garde les versions et a Object Lock ; rien n’y est encore stocké.',
  bucket_well:
    'Le compartiment de {name} garde les versions ; ce qui a été stocké en dernier est verrouillé ({mode}) jusqu’au {day}.',
  last_stored: 'Ce qui a été stocké en dernier dans {name} {what}.',
  last_not_there: 'n’est pas là',
  last_not_locked: 'n’est pas verrouillé',
  last_stored_means: 'Le serveur accepte les verrous et ne les garde pas, ou quelqu’un les a retirés.',
  last_stored_todo: 'Lancez `holdfast verify --sample 100%` ; il dit combien sont concernés.',
  clocks_agree: '{name} et cette machine sont d’accord sur l’heure ({seconds} s).',
  clock_off: 'L’horloge de cette machine est de {seconds} s {side} {name}.',
  ahead_of: 'en avance sur',
  clock_means:
    'Les requêtes sont refusées à partir de 15 minutes ; les heures du catalogue et du journal d’audit sont déjà fausses.',
  clock_todo: 'Réglez l’horloge sur un serveur de temps (timedatectl set-ntp true).',
  one_destination: 'Il y a une destination.',
  copies_well: 'Chaque destination a sa copie de chaque version.',
  copies_means: 'Ces versions sont aussi sûres que les destinations qui les ont, et non que toutes ensemble.',
  database_well: 'Postgres {version} a {megabytes} Mo, et notre rôle ne peut qu’ajouter au journal d’audit.',
  postgres_old: 'Postgres {version} est trop ancien.',
  postgres_old_means: 'Il ne reçoit plus de corrections, et personne n’essaie Holdfast avec lui.',
  postgres_old_todo: 'Passez à Postgres 15 ou plus récent.',
  unsafe_means:
    'Après une coupure de courant, il peut manquer au catalogue ce qu’il a confirmé, ou il peut être endommagé.',
  unsafe_todo: 'Mettez {settings} dans postgresql.conf.',
  superuser: 'Le programme travaille en superutilisateur de Postgres.',
  excess: 'Le rôle du programme peut {what}.',
  excess_means:
    'Qui prend la main sur le programme pourrait changer ce que dit le journal d’audit, jusqu’au dernier ancrage.',
  excess_todo:
    'Donnez l’URI de holdfast_writer dans writerUriFile, et celle du propriétaire dans ownerUriFile.',
  revoke_todo:
    'En tant que propriétaire : revoke {what} on audit_events, audit_heads, audit_anchors from holdfast_writer, public;',
  postgres_cleartext: 'La connexion à Postgres traverse le réseau sans chiffrement.',
  postgres_cleartext_means: 'Qui écoute lit des noms de fichiers et peut changer ce qui est écrit.',
  postgres_cleartext_todo: 'Renseignez services.postgres.caFile dans holdfast.yaml.',
  postgres_clock: 'L’horloge de Postgres est de {seconds} s {side} celle de cette machine.',
  postgres_clock_means:
    'Les heures du catalogue sont fausses, et la rétention attend que les horloges concordent.',
  postgres_clock_todo: 'Réglez les deux horloges sur un serveur de temps (timedatectl set-ntp true).',
  wal_fails: 'L’archivage du WAL de Postgres échoue.',
  wal_fails_means: 'Son disque se remplit, et le catalogue s’arrête alors.',
  wal_fails_todo: 'Regardez pg_stat_archiver et le journal de Postgres.',
  slot: 'Un emplacement de réplication que personne ne lit garde {gib} Gio de WAL.',
  slot_means: 'Le disque de Postgres se remplit, et le catalogue s’arrête alors.',
  slot_todo: 'Relancez son lecteur, ou supprimez l’emplacement : select pg_drop_replication_slot(…).',
  disk_well: '{percent} % du disque du dossier d’état sont libres.',
  disk_full: 'Seulement {percent} % du disque de {home} sont libres.',
  disk_means: 'Quand il est plein, le catalogue s’arrête et plus rien n’est protégé.',
  disk_todo: 'Faites de la place, ou déplacez le dossier `data` du dossier d’état (docs/operations.md).',
  logs_well: 'Nos processus peuvent écrire leurs journaux.',
  logs_shipped: 'Nos processus peuvent écrire leurs journaux, et Loki les prend.',
  logs_unwritable: 'Rien ne peut être écrit dans {folder} ({why}).',
  logs_unwritable_means:
    'Ce que fait le programme ne laisse pas de journal ; les fichiers sont protégés malgré tout.',
  logs_unwritable_todo:
    'Faites-y de la place, ou veillez à ce que le dossier {folder} appartienne à l’utilisateur sous lequel tourne Holdfast, sur un disque monté en écriture.',
  loki_away: 'Loki, à {url}, ne prend pas les journaux ({why}).',
  loki_away_means:
    'Ils attendent dans le dossier d’état, et les plus anciens sont abandonnés quand les journaux sont mis de côté.',
  loki_away_todo:
    'Vérifiez que Loki tourne et qu’il est joignable d’ici, et que le fichier du mot de passe et les certificats de logs.loki dans holdfast.yaml sont justes.',
  loki_lags: 'Loki répond, mais il lui manque des journaux écrits depuis le {since}.',
  loki_lags_todo:
    'Regardez logs/supervisor.log ; holdfast down puis holdfast up -d reprennent là où l’envoi s’est arrêté.',
  loki_lost_todo:
    'Gardez davantage de journaux (logs.keep, logs.maxSize), et cherchez pourquoi Loki était absent.',
  cannot_check: 'Impossible de le contrôler : {why}',
  holders_well: '{count} {count|détenteur a|détenteurs ont} les clés les plus récentes.',
  holder_lacks: '{who} n’a pas les clés les plus récentes : elles ont été renouvelées depuis.',
  the_kit: 'Le kit de secours',
  the_holder: 'Le détenteur {name}',
  holder_lacks_means: 'Il ouvre ce qui a été scellé jusque-là, et rien de ce qui est venu ensuite.',
  holds_well: 'Rien n’attend de décision.',
  holds_means: 'Ce dont personne ne décide à temps compte comme rejeté : cet état n’est pas sauvegardé.',
  holds_todo: 'holdfast hold list ; puis holdfast hold approve ou reject',
  hosts_share: '{count} {count|hôte partage|hôtes partagent} cette grappe.',
  hosts_alone: 'Aucun autre hôte ne partage cette grappe.',
  watches_well:
    '{folders} {folders|dossier est surveillé|dossiers sont surveillés} ; le noyau permet {most} surveillances.',
  watches_few:
    '{folders} {folders|dossier est à surveiller|dossiers sont à surveiller} ; le noyau permet {most} surveillances.',
  watches_means:
    'Ce qui change dans les dossiers non surveillés est protégé au prochain balayage, et non en quelques secondes.',
  watches_todo:
    'sysctl {setting} ; pour le conserver : echo {setting} > /etc/sysctl.d/60-holdfast.conf. Une surveillance prend environ 1 Kio de mémoire du noyau. Ensuite : holdfast down && holdfast up -d',
  journal_well: 'Les manifestes du compartiment sont à jour.',
  journal_behind:
    '{source} : {versions} {versions|version n’est encore dans aucun manifeste|versions ne sont encore dans aucun manifeste}, la plus ancienne depuis {minutes} {minutes|minute|minutes}.',
  journal_means:
    'Si cette machine était perdue maintenant, leurs dossiers, liens, changements de nom et suppressions ne pourraient pas être récupérés.',
  journal_todo:
    'Le worker fonctionne-t-il, et le compartiment est-il joignable ? Son journal dit pourquoi il ne les écrit pas.',
  keyring_todo: 'holdfast down && holdfast up -d, ce qui publie le trousseau et renouvelle ses verrous',
  keyring_lacks: 'Il manque à {name} {missing} des {of} documents de trousseau.',
  keyring_lacks_means: 'Ce qui est scellé sous eux ne pourrait pas être lu à partir de ce seul compartiment.',
  keyring_unlocked:
    '{count} {count|document de trousseau dans|documents de trousseau dans} {name} {count|n’est pas, ou plus, verrouillé|ne sont pas, ou plus, verrouillés}.',
  keyring_unlocked_means: 'Qui peut y supprimer peut rendre illisible tout ce qui est scellé sous eux.',
  scope_lock_short:
    'Une clé de portée dans {name} n’est verrouillée que pour {days} {days|jour|jours} encore.',
  scope_lock_means:
    'Les verrous sont renouvelés chaque semaine par le worker ; il ne l’a pas fait depuis un mois.',
  keyring_well: '{name} contient les {count} documents de trousseau, verrouillés.',
  late_well: 'Rien de ce qui est stocké n’est infecté d’après ce que l’on sait maintenant.',
  inodes: 'Le disque de {home} n’a plus que {count} {count|inode|inodes}.',
  inodes_means: 'Aucun fichier ne peut plus y être créé, quelle que soit la place.',
  inodes_todo:
    'Supprimez ce qui est fait de beaucoup de petits fichiers, ou déplacez le dossier d’état sur un autre disque.',
  limits_well: 'Mémoire, inodes, fichiers ouverts et fichiers core sont comme ils doivent être.',
  open_files: 'Le worker ne peut ouvrir que {count} {count|fichier|fichiers}.',
  open_files_means:
    'Quand beaucoup de fichiers changent en même temps, des étapes échouent et sont réessayées : cela prend plus de temps.',
  open_files_todo:
    'Mettez LimitNOFILE={count} pour son service (ops/systemd/holdfast.service), ou ulimit -n dans le shell qui le démarre.',
  core_files: 'Si {service} s’arrête brutalement, sa mémoire est écrite dans un fichier.',
  core_files_means: 'Les clés se trouveraient sur le disque, non chiffrées.',
  core_files_todo: 'Mettez LimitCORE=0 pour son service, ou ulimit -c 0 dans le shell qui le démarre.',
  memory: 'Seulement {mebibytes} Mio de mémoire sont disponibles.',
  memory_means:
    'Le système peut à tout moment mettre fin à l’analyseur ou à la base de données ; les fichiers attendent alors.',
  memory_todo:
    'Arrêtez ce qui tourne d’autre ici, ou ajoutez de la mémoire : l’analyseur seul demande 1,5 Gio avec les signatures officielles.',
  opa_well: 'OPA {version} répond selon le paquet {revision}.',
  opa_old: 'OPA {version} est plus ancien que {least}.',
  opa_old_means:
    'La signature d’un paquet de politique peut être contournée : quelqu’un d’autre pourrait faire les règles.',
  opa_old_todo: 'Mettez OPA à niveau.',
  the_configuration: 'la configuration',
  the_state_folder: 'le dossier d’état',
  permissions_well: 'Secrets, configuration et prises sont à ce programme seul.',
  readable: '{file} peut être lu par d’autres utilisateurs de cette machine (droits {mode}).',
  readable_means: 'Il contient une clé ou un mot de passe : considérez qu’il est connu.',
  readable_todo: 'chmod 600 {file} ; puis changez ce qu’il contient.',
  writable: 'D’autres utilisateurs de cette machine peuvent changer {what}, {path} (droits {mode}).',
  writable_means:
    'Ils décident de ce qui est sauvegardé, vers où, et de ce qui tourne au nom de ce programme.',
  socket_open: 'Tout utilisateur de cette machine peut se connecter à {socket}.',
  socket_open_means: 'Il peut alors arrêter le service, ou lui demander ce qu’il veut.',
  socket_open_todo:
    'Donnez la prise à un seul groupe, p. ex. chmod 660 {socket}, et ajoutez-y l’utilisateur de ce programme.',
  policy_none: 'Aucune politique n’a encore rien décidé.',
  policy_refused: 'Une politique plus récente n’a pas été acceptée : {detail}',
  policy_refused_means: 'La précédente décide encore.',
  policy_refused_todo: 'holdfast policy check ; puis holdfast policy apply',
  policy_differs: 'Le worker juge selon une autre politique que celle donnée à OPA.',
  policy_differs_means: 'Rien n’est décidé tant qu’ils ne sont pas d’accord : les fichiers attendent.',
  policy_well: 'La politique {revision} est en vigueur.',
  kit_none: 'Il n’y a pas de kit de secours.',
  kit_none_means: 'Si le mot de passe est perdu, tout l’est.',
  kit_well: 'Le kit de secours a été vérifié le {day}.',
  kit_unverified: 'Le kit de secours n’a jamais été vérifié.',
  kit_newest_unverified: 'Le kit de secours le plus récent n’a jamais été vérifié.',
  kit_unverified_means: 'Personne ne sait si la clé sur papier ouvre ce qui est dans le compartiment.',
  kit_unverified_todo: 'Prenez le kit imprimé et lancez : holdfast key verify-kit',
  retention_old:
    '{source} : la rétention s’est terminée pour la dernière fois il y a {days} {days|jour|jours}.',
  retention_ended: '{source} : la dernière exécution de la rétention s’est terminée ainsi : {result}.',
  retention_means: 'Des verrous qui devraient être renouvelés prennent fin, et rien n’expire.',
  retention_todo: 'Lancez `holdfast retention run --source {source} --wait` : il dit pourquoi.',
  retention_well: 'Les verrous sont renouvelés, et ce qui est ancien expire.',
  credentials: 'Les identifiants de {role} dans {destination}',
  rights_lack: '{whose} n’ont pas : {what}.',
  rights_lack_means: 'Ce qui en a besoin échoue : rien n’y est stocké, verrouillé, vérifié ou supprimé.',
  rights_lack_todo: 'Donnez au compte la politique ops/iam/{role}.json (docs/deploy-aws.md).',
  rights_exceed: '{whose} permettent ce que {role} ne doit pas : {what}.',
  rights_exceed_means:
    'Qui prend ce qui les porte peut défaire ce que les verrous et les versions protègent.',
  rights_exceed_todo:
    'Donnez au compte la politique ops/iam/{role}.json et rien d’autre (docs/deploy-aws.md).',
  rights_unclear: 'Pour {role} dans {destination}, on n’a pas pu savoir : {what}.',
  rights_unclear_means: 'Le serveur n’a pas donné de réponse qui le dise.',
  rights_unclear_todo: 'Comparez le compte à la main avec ops/iam/.',
  rights_well:
    '{whose} sont comme ils doivent être. Non essayés, parce qu’un essai pourrait nuire : {untried}.',
  machine_well: 'Aucun compartiment n’est sur cette machine.',
  machine_some: '{names} est sur cette machine, une autre destination est ailleurs.',
  machine_all: 'Tous les compartiments sont sur cette machine, dans {home} : {names}.',
  machine_means:
    'Ce n’est pas une sauvegarde : incendie, vol ou panne de disque les emportent avec les originaux.',
  machine_todo:
    'Réglez services.s3 sur un serveur S3 externe avec Object Lock dans holdfast.yaml ; docs/deploy-aws.md montre comment.',
  eicar: 'L’analyseur ne trouve pas le fichier d’essai EICAR.',
  eicar_todo: 'Regardez quelles signatures il a chargées : son journal le dit.',
  archives: 'L’analyseur ne regarde pas dans les archives.',
  archives_todo: 'Mettez `ScanArchive yes` dans son clamd.conf.',
  encrypted: 'L’analyseur appelle sain un contenu chiffré.',
  encrypted_todo: 'Mettez `AlertEncrypted yes` dans son clamd.conf.',
  beyond: 'L’analyseur appelle sain un contenu au-delà de ses limites.',
  beyond_todo: 'Mettez `AlertExceedsMax yes` dans son clamd.conf.',
  members: 'L’analyseur appelle sains des membres d’archives zip plus longs que ce qu’il regarde.',
  members_todo:
    'Mettez la signature de docs/malware.md, « An external clamd », dans son dossier de signatures.',
  scanner_means:
    'Aucun de ses verdicts ne compte comme sain : les fichiers attendent, puis ils sont retenus.',
  takes_only: 'L’analyseur ne prend que des fichiers jusqu’à {bytes} {bytes|octet|octets}.',
  takes_only_means:
    'Les plus grands sont stockés sans analyse, ou retenus, selon ce que dit la politique pour `too_large`.',
  takes_only_todo: 'Mettez StreamMaxLength et MaxFileSize à {bytes} dans son clamd.conf.',
  scanner_well: 'L’analyseur réussit ses essais.',
  malware_well: 'Aucune infection n’est ouverte, et tout ce qui est stocké a été analysé.',
  malware_todo: 'docs/malware.md dit ce que chacune signifie.',
  not_running: 'Holdfast ne fonctionne pas.',
  not_running_means: 'Rien n’est protégé tant qu’il ne fonctionne pas.',
  services_well: '{count} {count|service est en bon état|services sont en bon état}.',
  service_down: 'Le service {name} est à l’arrêt.',
  service_down_means: 'Le travail l’attend, et rien n’est perdu ; mais rien de nouveau n’est protégé.',
  service_down_todo: 'Lisez {log} ; holdfast down && holdfast up -d',
  settings_well: 'Rien dans la configuration n’est moins sûr que possible.',
  s3_of: 's3 de {name}',
  insecure: '`insecure` laisse des connexions sans chiffrement : {what}.',
  insecure_means:
    'Qui écoute sur le réseau lit ce qui est envoyé, y compris les identifiants de Postgres et de Temporal.',
  insecure_todo:
    'Mettez-y TLS en place (caFile, ou https:// pour S3), et retirez `insecure` de holdfast.yaml.',
  test_set: 'La configuration dit que l’analyseur externe n’a que des signatures d’essai.',
  malware_not_found: 'Les logiciels malveillants ne sont pas trouvés.',
  test_set_todo:
    'Laissez son freshclam joindre database.clamav.net, et mettez services.clamd.signatureSet à official.',
  password_in_env: 'Le mot de passe est dans l’environnement (HOLDFAST_PASSWORD).',
  password_in_env_means:
    'Il peut se trouver dans des historiques de shell, des fichiers d’unités et des listes de processus.',
  password_in_env_todo: 'Mettez-le dans un fichier de droits 600, donné par passwordFile ou --password-file.',
  governance: '{name} verrouille en mode GOVERNANCE.',
  governance_means:
    'Qui a s3:BypassGovernanceRetention dans ce compte, comme son administrateur, peut supprimer avant la fin des verrous.',
  governance_todo:
    'Protégez ce compte par un second facteur, ou mettez lock.mode à COMPLIANCE, que personne ne peut reprendre.',
  built_in: 'L’analyseur n’a que la signature d’essai intégrée.',
  built_in_todo:
    'Laissez freshclam joindre database.clamav.net, ou mettez des signatures dans le dossier `signatures` du dossier d’état.',
  external_set: 'Les signatures sont celles d’un clamd externe, qui dit lui-même leur âge.',
  signatures_well: 'Les signatures ({set}) ont {days} {days|jour|jours}.',
  signatures_old:
    'Les signatures antivirus ont {days} {days|jour|jours} ; la politique en accepte au plus {most}.',
  signatures_old_means:
    'Aucun de leurs verdicts ne compte comme sain : les fichiers attendent, puis ils sont retenus.',
  signatures_old_todo: 'Laissez freshclam joindre database.clamav.net.',
  on_mount: ', sur {type}',
  source_unreadable: '{at} de la source {name} ne peut pas être lu ({code}{kind}).',
  source_well: 'La source {name} peut être lue et est surveillée.',
  source_note: 'La source {name} peut être lue ; {note}.',
  source_note_means:
    'Un changement fait par une autre machine est protégé au prochain balayage, et non en quelques secondes.',
  source_note_todo: 'Mettez-y watch: auto dans holdfast.yaml, ou faites-la balayer souvent.',
  source_gone: 'La source {name} n’est pas là : {code}.',
  stored_well: 'Dernière vérification le {day} ; rien à signaler.',
  stored_never: 'Rien dans le compartiment n’a jamais été vérifié.',
  stored_never_means:
    'Un échantillon est vérifié chaque jour tant que Holdfast fonctionne ; aucun ne l’a encore été.',
  forgets:
    'L’espace de noms {namespace} de Temporal oublie les workflows {hours} {hours|heure|heures} après leur fin.',
  forgets_means:
    'Ce qui a échoué un vendredi ne peut plus être regardé le lundi ; le catalogue connaît encore son résultat.',
  attributes: 'Il manque à l’espace de noms {namespace} de Temporal les attributs de recherche {names}.',
  attributes_means:
    'Les workflows qui les posent attendent, et rien n’est trouvé par eux dans l’interface web.',
  attributes_todo:
    'holdfast down ; holdfast up -d les enregistre, ou dit quelle commande lance l’administrateur de Temporal.',
  temporal_well:
    'Temporal {server} garde les workflows terminés de l’espace de noms {namespace} pendant {days} {days|jour|jours}.',
});
