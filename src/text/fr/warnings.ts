import { warnings as english } from '../en/warnings.ts';
import { translationOf } from '../message.ts';

export const warnings = translationOf(english)({
  audit_breaches:
    'le journal d’audit n’était pas tel que signé à la dernière vérification ({count} {count|écart|écarts}) : `holdfast audit verify` dit ce qui a été modifié.',
  audit_unsigned:
    '{count} {count|événement d’audit n’est pas encore signé|événements d’audit ne sont pas encore signés}, le plus ancien depuis {since} : le worker fonctionne-t-il ? Son journal dit pourquoi.',
  audit_other_anchors:
    '{destination} a d’autres ancrages du journal d’audit que ce catalogue : un état plus ancien de la base a été remis, ou elle a été modifiée. Lancez `holdfast audit verify`.',
  audit_unanchored:
    'le journal d’audit n’est pas ancré dans {destination} depuis {since} ({count} {count|tête|têtes}) : d’ici là, seule la base de données dit ce qui s’est passé.',
  minutes: '{minutes} {minutes|minute|minutes}',
  holds_no_room:
    '{count} {count|fichier n’est pas protégé|fichiers ne sont pas protégés} : le dossier d’attente n’a pas de place pour {count|le|les} retenir. Décidez de ce qui attend (holdfast hold list), ou augmentez staging.quota.',
  holds_impaired:
    '{count} {count|fichier en attente ne peut pas être libéré : ses octets sont abîmés, ou son hôte|fichiers en attente ne peuvent pas être libérés : leurs octets sont abîmés, ou leur hôte} ne répond pas. Scellez-{count|le|les} de nouveau : holdfast hold reseal.',
  less_than_day: 'moins d’un jour',
  days: '{days} {days|jour|jours}',
  holds_wait:
    '{count} {count|fichier en attente|fichiers en attente} d’une décision, le plus ancien depuis {age} : holdfast hold list',
  host_silent:
    'l’hôte {name} n’a rien dit depuis plus d’un quart d’heure : démarrez-le (holdfast up -d), ou retirez-le (holdfast host revoke {name}).',
  hosts_differ:
    'les hôtes jugent selon des politiques différentes : copiez le dossier et les données de politique de l’un vers les autres, et lancez `holdfast policy apply` sur chacun.',
  loki_waits:
    'Loki ne prend plus de journaux depuis le {since} ({why}). Ils attendent dans le dossier d’état.',
  loki_lost:
    'il manque à Loki {lines} {lines|ligne des journaux|lignes des journaux}, les dernières depuis le {at} ; la raison est dans logs/supervisor.log.',
  malware:
    'des logiciels malveillants ont été trouvés ({incidents} {incidents|incident ouvert|incidents ouverts} ; {quarantined} {quarantined|fichier en quarantaine|fichiers en quarantaine}, {reported} {reported|seulement signalé|seulement signalés}) : holdfast quarantine list',
  unscanned:
    '{count} {count|fichier est stocké sans qu’aucun analyseur l’ait regardé|fichiers sont stockés sans qu’aucun analyseur les ait regardés} ({reasons})',
  oldest_since: ', la plus ancienne depuis le {at}',
  copies_planned:
    '{count} {count|version n’a pas encore de copie|versions n’ont pas encore de copie} dans {destination}{since} : {count|elle la reçoit|elles la reçoivent} dès que la destination répond. {count|Laquelle|Lesquelles} : `holdfast files --lacking {destination}`',
  copies_never:
    '{count} {count|version n’a jamais été destinée à|versions n’ont jamais été destinées à} {destination}{count|, ou est plus ancienne qu’elle|, ou sont plus anciennes qu’elle} : `holdfast replicate {other} {destination}` {count|la|les} copie.',
  late_infected:
    'des signatures plus récentes ont trouvé {count} {count|version stockée infectée|versions stockées infectées} : `holdfast files --infected` énumère leurs fichiers. Rien n’a été supprimé ; la restauration les écarte. Le prochain balayage regarde de nouveau leurs originaux.',
  late_incidents:
    '{count} {count|incident porte sur du contenu stocké qui a été trouvé infecté et ne l’est plus|incidents portent sur du contenu stocké qui a été trouvé infecté et ne l’est plus} : regardez dans le journal d’audit (`holdfast runs`), puis fermez-{count|le|les}.',
  mass_change:
    'une trop grande part de {source} a changé d’un coup, donc rien n’en expire. Regardez avec `holdfast diff` : ce qui existait avant revient avec `{command}` ; si tout est normal, `holdfast retention resume {source} --reason …`.',
  lost_entries:
    'ce qui était stocké de {count} {count|fichier|fichiers} est perdu : `holdfast files --outcome failed` les énumère ; lancez `holdfast protect` sur leurs dossiers.',
  mismatches:
    '{objects} {objects|objet stocké et|objets stockés et} {manifests} {manifests|manifeste n’étaient pas|manifestes n’étaient pas} comme promis au dernier examen : `holdfast verify --all` dit lesquels, et quoi faire.',
  source_absent: 'son dossier n’est pas là ; les fichiers comptent comme injoignables, aucun comme supprimé',
  source_changed:
    'un autre dossier est à sa place ; les fichiers comptent comme injoignables, aucun comme supprimé',
  watch_error:
    'un dossier ne peut pas être surveillé ({code}) ; ses changements seront trouvés au prochain parcours',
  unexpected: 'une erreur inattendue, voir le journal de la surveillance',
  not_watched: 'elle n’est pas surveillée ; ses changements sont trouvés par ses balayages',
  looked_at_configured: 'chaque entrée est regardée environ toutes les {seconds} s, selon la configuration',
  looked_at_remote:
    'elle est sur {remote}, où d’autres machines changent des fichiers sans le dire à celle-ci ; chaque entrée est regardée environ toutes les {seconds} s',
  sweeps_remote:
    'elle est sur {remote} ; ce que d’autres machines y changent n’est trouvé que par ses balayages (watch: events)',
});
