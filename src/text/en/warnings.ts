/** What `status` and `doctor` warn of. */
export const warnings = {
  audit_breaches:
    'the audit trail was not as it was signed when last verified ({count} {count|breach|breaches}): `holdfast audit verify` says what was changed.',
  audit_unsigned:
    '{count} {count|audit event is|audit events are} not signed yet, the oldest for {since}: is the worker running? Its log says why.',
  audit_other_anchors:
    '{destination} has other anchors of the audit trail than this catalog: an older state of the database was put back, or it was changed. Run `holdfast audit verify`.',
  audit_unanchored:
    'the audit trail is not anchored in {destination} since {since} ({count} {count|head|heads}): until then only the database says what happened.',
  minutes: '{minutes} {minutes|minute|minutes}',
  holds_no_room:
    '{count} {count|file is|files are} not protected: the staging folder has no room to hold them. Decide what waits (holdfast hold list), or raise staging.quota.',
  holds_impaired:
    '{count} held files cannot be released: their staged bytes are damaged, or their host does not answer. Seal them anew: holdfast hold reseal.',
  less_than_day: 'less than a day',
  days: '{days} {days|day|days}',
  holds_wait: '{count} held files wait for a decision, the oldest for {age}: holdfast hold list',
  host_silent:
    'the host {name} has told nothing for over a quarter of an hour: start it (holdfast up -d), or take it out (holdfast host revoke {name}).',
  hosts_differ:
    'the hosts judge by different policies: copy the policy folder and data of one to the others, and run `holdfast policy apply` on each.',
  loki_waits: 'Loki takes no logs since {since} ({why}). They wait in the state folder.',
  loki_lost:
    'Loki lacks {lines} {lines|line|lines} of the logs, the last ones since {at}; why is in logs/supervisor.log.',
  malware:
    'malware was found ({incidents} {incidents|open incident|open incidents}; {quarantined} {quarantined|file|files} in quarantine, {reported} only reported): holdfast quarantine list',
  unscanned: '{count} {count|file is|files are} stored that no scanner looked at ({reasons})',
  oldest_since: ', the oldest since {at}',
  copies_planned:
    '{count} {count|version has|versions have} no copy in {destination} yet{since}: {count|it gets it|they get it} as soon as it answers. Which: `holdfast files --lacking {destination}`',
  copies_never:
    '{count} {count|version was|versions were} never meant for {destination}, or {count|is|are} older than it: `holdfast replicate {other} {destination}` copies {count|it|them}.',
  late_infected:
    'newer signatures found {count} stored versions infected: `holdfast files --infected` lists their files. Nothing was deleted; restore leaves them out. Their originals are looked at again by the next sweep.',
  late_incidents:
    '{count} {count|incident tells|incidents tell} of stored content that was found infected and is not any more: look into the audit trail (`holdfast runs`), then close {count|it|them}.',
  mass_change:
    'too much of {source} changed at once, so nothing of it expires. Look with `holdfast diff`: what stood before comes back with `{command}`; if all is well, `holdfast retention resume {source} --reason …`.',
  lost_entries:
    'what was stored of {count} {count|file|files} is lost: `holdfast files --outcome failed` lists them; run `holdfast protect` on their folders.',
  mismatches:
    '{objects} {objects|stored object|stored objects} and {manifests} {manifests|manifest was|manifests were} not as promised when last looked at: `holdfast verify --all` says which, and what to do.',
  source_absent: 'its folder is not there; files count as unreachable, none as deleted',
  source_changed: 'another folder is in its place; files count as unreachable, none as deleted',
  watch_error: 'a folder cannot be watched ({code}); changes there are found at the next walk',
  unexpected: 'an unexpected error, see the log of the watcher',
  not_watched: 'it is not watched; changes are found by its sweeps',
  looked_at_configured: 'every entry is looked at about every {seconds} s, as configured',
  looked_at_remote:
    'it lies on {remote}, where other machines change files without a word to this one; every entry is looked at about every {seconds} s',
  sweeps_remote:
    'it lies on {remote}; what other machines change there is found by its sweeps only (watch: events)',
} as const;
